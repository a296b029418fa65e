"""受试进程 — a `shouye …` as its user types it, and the points at which it is killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psycopg
from sqlalchemy import make_url

ROOT = Path(__file__).parents[2]
LOOK_S = 0.0003
"""Between two looks at the database from outside: a window between two commits is about a millisecond wide."""


@dataclass(frozen=True)
class Point:
    """落点 — a figure that rises as the work goes on; the process is killed when it has risen by so much."""

    name: str
    term: str
    query: str

    def draw(self, dice: random.Random, total: int) -> int:
        """How far it shall rise, of a `total` over the whole run; what only appears for a moment rises by one."""
        return 1 + int(dice.random() * total * 0.3)


POINTS = (
    Point("ingest", "入库提交时", "SELECT coalesce(max(id), 0) FROM batch"),
    Point("intent", "意图写下、尚未外呼", "SELECT count(*) FROM attempt WHERE state = 'intent'"),
    Point(
        "acting",
        "外呼之中、结果未记",
        "SELECT count(*) FROM attempt WHERE state = 'acting' AND id NOT IN (SELECT attempt FROM reply)",
    ),
    Point("outcome", "结果入账时", "SELECT count(*) FROM attempt WHERE state = 'closed'"),
    Point("job", "作业提交时", "SELECT count(*) FROM job WHERE ended_at IS NOT NULL"),
    Point("escalation", "升级时", "SELECT coalesce(sum(taken), 0) FROM task"),
    Point("late", "报上级时", "SELECT count(*) FROM fact WHERE kind IN ('CallsLate', 'CallsUnreached')"),
    Point("sealing", "封存时", "SELECT count(*) FROM seal_head"),
)


@dataclass(frozen=True)
class Kill:
    """一次强杀 — at which point, or after how many seconds; `struck` when the point was met."""

    at: str
    rise: float
    struck: bool

    def __str__(self) -> str:
        return f"{self.at}+{self.rise:g}{'' if self.struck else '（未遇到）'}"


class Victim:
    """A process of its own group; what it says goes to a file."""

    def __init__(self, words: list[str], said: Path, env: Mapping[str, str] | None = None) -> None:
        self.started = time.monotonic()
        self.said = said
        with said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from shouye.main import cli; cli()", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=said.parent,
                env=os.environ
                | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
                | dict(env or {}),
            )

    def __enter__(self) -> Victim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def age_s(self) -> float:
        return time.monotonic() - self.started

    def cpu_s(self) -> float:
        """How much of a core it has used: on a busy machine the clock says more about the others."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        if self.alive:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)

    def last_words(self) -> str:
        return self.said.read_text("utf-8", errors="replace")[-3000:]


class Probe:
    """探针 — looks at the database from outside, without taking part in it."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self._link: sqlite3.Connection | psycopg.Connection | None = None

    def value(self, query: str) -> int | None:
        """None while there is no database, or no such table yet."""
        try:
            if self._link is None:
                self._link = self._open()
            row = self._link.execute(query).fetchone()
            return int(row[0]) if row else None
        except (sqlite3.Error, psycopg.Error):
            self.close()
            return None

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _open(self) -> sqlite3.Connection | psycopg.Connection:
        if self.url.get_backend_name() == "sqlite":
            return sqlite3.connect(f"file:{self.url.database}?mode=ro", uri=True, timeout=0, isolation_level=None)
        return psycopg.connect(self.url.set(drivername="postgresql").render_as_string(False), autocommit=True)


def strike(
    victim: Victim, probe: Probe, point: Point, rise: int, limit_s: float, over: Callable[[], bool] = lambda: False
) -> bool:
    """Kill when the figure has risen so far since now; False when the process ended, or time was up, before."""
    base: int | None = None
    end = time.monotonic() + limit_s
    try:
        while victim.alive and time.monotonic() < end and not over():
            now = probe.value(point.query)
            if now is not None:
                if base is None:
                    base = now
                if now >= base + rise:
                    victim.kill()
                    return True
            time.sleep(LOOK_S)
        return False
    finally:
        probe.close()
