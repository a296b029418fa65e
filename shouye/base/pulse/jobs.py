"""心跳的时钟 — the next instant at which somebody falls silent, exactly; and our own word to our watcher."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from shouye.base.kernel import Clock, Database, Tx, WallClock
from shouye.base.pulse import service

log = structlog.get_logger()


class PulseClock:
    """听不到的时钟 — a source of due work."""

    def next_at(self, tx: Tx) -> datetime | None:
        return service.next_at(tx)

    def run_due(self, database: Database) -> int:
        with database.read() as tx:  # thousands are asked: meanwhile others write
            heard = service.listen(tx)
        with database.begin() as tx:
            return service.beat(tx, heard)


class ClockWatch:
    """看钟 — tells of it when the machine's clock was set; what waits goes by our own time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock if isinstance(clock, WallClock) else None

    def next_at(self, tx: Tx) -> datetime | None:
        return tx.now if self._clock is not None and self._clock.stepped else None

    def run_due(self, database: Database) -> int:
        if self._clock is None or not (step := self._clock.stepped):
            return 0
        with database.begin() as tx:
            service.clock_stepped(tx, step, self._clock.behind)
        self._clock.told(step)
        return 1


@dataclass(frozen=True)
class Outward:
    """对外心跳 — where we say that we live: a file that is written, an address that is fetched, or both."""

    file: Path | None = None
    url: str = ""
    every: timedelta = timedelta(seconds=60)
    """proposed."""


class Heartbeat:
    """看守者也有人看守 — says that the loop lives; an address that does not answer never stops the loop."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._next: datetime | None = None
        self._under_way: threading.Thread | None = None

    def next_at(self, tx: Tx) -> datetime | None:
        return self._next or tx.now

    def run_due(self, database: Database) -> int:
        now = database.clock.now()
        self._next = now + self._outward.every
        if self._outward.file is not None:
            self._write(self._outward.file, now)
        if self._outward.url and (self._under_way is None or not self._under_way.is_alive()):
            self._under_way = threading.Thread(target=self._call, name="heartbeat", daemon=True)
            self._under_way.start()
        return 1

    def _write(self, file: Path, now: datetime) -> None:
        """A full disk: who watches us hears nothing and comes to look; we go on."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(now.isoformat(timespec="seconds") + "\n", encoding="utf-8")
        except OSError as error:
            log.warning("outward heartbeat failed", error=repr(error))

    def _call(self) -> None:
        try:
            with urllib.request.urlopen(self._outward.url, timeout=10) as answer:
                answer.read(1024)
        except (urllib.error.URLError, OSError, ValueError) as error:
            log.warning("outward heartbeat failed", error=repr(error))
