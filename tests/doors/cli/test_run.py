"""shouye run — the program whole in one process on SQLite, in parts on PostgreSQL, killed and started again."""

from __future__ import annotations

import errno
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import structlog

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, Database, Fact, SimClock, WallClock, facts_since, holdings, record
from shouye.doors.cli.db import ModeWord
from shouye.doors.cli.run import RunPlan, make_run
from shouye.watch import assess, observe
from tests.programs import Program, eventually, program


def rain(database: Database, station: str, *hours_mm: float) -> None:
    """Hourly rain up to now, as any transport would store it."""
    whole = database.clock.now().astimezone(BEIJING).replace(minute=0, second=0, microsecond=0)
    times = [whole - timedelta(hours=back) for back in reversed(range(len(hours_mm)))]
    with database.begin() as tx:
        observe.store_batch(
            tx,
            [
                observe.Reading(station, "rain_mm", at, mm, timedelta(hours=1))
                for at, mm in zip(times, hours_mm, strict=True)
            ],
        )


def levels(database: Database) -> list[str]:
    with database.read() as tx:
        return [
            str(found.level)
            for found in assess.situations(tx, WHOLE)
            if found.hazard == "rainstorm" and found.level
        ]


def page(running: Program) -> str:
    """The address at which the console was said to be."""
    return running.wait_for(r"控制台：(http://\S+/)").group(1)


def status(address: str) -> int:
    with urllib.request.urlopen(address + "sign-in", timeout=10) as answer:
        return int(answer.status)


def test_one_process_is_killed_and_serves_again(tmp_path: Path) -> None:
    words = ("run", "--data", str(tmp_path), "--port", "0")
    with program(*words) as running:
        page(running)
        running.wait_for("已接管 engine（第 1 任")
        database = Database(f"sqlite:///{tmp_path / 'shouye.sqlite'}", WallClock())
        rain(database, "53594", 2, 3, 60)
        before = eventually(lambda: levels(database))
        running.kill()
    ahead = Database(f"sqlite:///{tmp_path / 'shouye.sqlite'}", SimClock(WallClock().now() + timedelta(hours=1)))
    with ahead.begin() as tx:  # and then the clock of the machine was set back
        record(tx, Fact(subject="last"))
    with program(*words) as running:
        assert status(page(running)) == 200
        running.wait_for("已接管 engine（第 2 任")
        assert levels(database) == before
        eventually(lambda: "ClockStepped" in kinds(database))
        assert running.stop() == 0
    with database.read() as tx:
        assert [one.alive for one in holdings(tx)] == [False] * 3, "engine, clock and sealer were left in order"


def test_parts_of_the_program_work_together_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    def part(*roles: str) -> tuple[str, ...]:
        options = (word for role in roles for word in ("--role", role))
        return ("run", "--database", postgres_url, "--data", str(tmp_path), "--port", "0", *options)

    with ExitStack() as parts:
        clock = parts.enter_context(program(*part("clock")))
        clock.wait_for("已接管 clock（第 1 任）")
        engine = parts.enter_context(program(*part("engine")))
        console = parts.enter_context(program(*part("web")))
        engine.wait_for("已接管 engine（第 1 任）")
        database = Database(postgres_url, WallClock())
        assert status(page(console)) == 200

        rain(database, "53594", 2, 3, 60)
        eventually(lambda: levels(database))
        eventually(lambda: "NoticeProposed" in kinds(database))

        spare = parts.enter_context(program(*part("engine")))
        time.sleep(1)
        engine.kill()
        spare.wait_for("已接管 engine（第 2 任")
        rain(database, "53582", 2, 3, 60)
        eventually(lambda: len(levels(database)) > 1 or None)


def kinds(database: Database) -> set[str]:
    with database.read() as tx:
        return {fact.kind for fact in facts_since(tx)}


def test_sqlite_is_not_split(tmp_path: Path) -> None:
    with program("run", "--data", str(tmp_path), "--role", "web") as running:
        running.wait_for("请用 PostgreSQL")


def test_fictional_people_never_serve_in_earnest(tmp_path: Path) -> None:
    Database(
        f"sqlite:///{tmp_path / 'shouye.sqlite'}", WallClock()
    )  # and with it the key, which is asked for first
    with program("run", "--data", str(tmp_path), "--mode", "actual", "--port", "0") as running:
        running.wait_for("虚构人员")


class Speaking:
    """A station that says something, complains, and has reached the end."""

    ended = False

    def city(self, name: str) -> Path:
        return Path(name)

    def run(self, plan: RunPlan, stop: threading.Event, say: Callable[[str], None]) -> None:
        say("控制台：…")
        structlog.get_logger().warning("storage_away")
        self.ended = True


class FullDisk(StringIO):
    """Where the log would go."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, f"{len(text)} letters too many")


def test_a_full_disk_under_the_log_stops_no_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    monkeypatch.setattr(sys, "stderr", FullDisk())
    station = Speaking()
    make_run(station)("datong", ModeWord.SIMULATION, tmp_path, None, None, "127.0.0.1", 0, None, "")
    assert station.ended
