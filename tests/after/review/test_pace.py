"""倍速演练 — a machine that cannot follow the clock says so, once, and the record keeps how late it was."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from shouye.after import review
from shouye.after.review import DrillResult
from shouye.base.kernel import BEIJING, Database, Delay, Mode, PacedClock, SimClock, Tx, pace
from shouye.doors.cli.drill import Staged, watch

START = datetime(2026, 7, 20, 22, tzinfo=BEIJING)
SECOND = timedelta(seconds=1)
END = START + 20 * SECOND


class Work:
    """Due every `every` of the drill's time; each piece takes `takes_s` of the machine's."""

    def __init__(self, every: timedelta, takes_s: float) -> None:
        self.every, self.takes_s, self.due_at = every, takes_s, START + every

    def next_at(self, tx: Tx) -> datetime | None:
        return self.due_at if self.due_at <= END else None

    def run_due(self, database: Database) -> int:
        time.sleep(self.takes_s)
        self.due_at += self.every
        return 1


def follow(folder: Path, work: Work, speed: float, bearable: timedelta) -> tuple[Delay, list[timedelta]]:
    told: list[timedelta] = []
    delay = Delay(bearable, told.append)
    database = Database(f"sqlite:///{folder}/pace.db", SimClock(START), durable=False)
    database.create(Mode.SIMULATION, "test")
    clock = database.clock = PacedClock(START, speed)
    pace([work], database, clock, threading.Event(), END, behind=delay.note)
    return delay, told


def test_one_that_falls_ever_further_behind_is_told_once(tmp_path: Path) -> None:
    """A second of the drill is 10 ms here, and each takes 20: after twenty it is twenty late."""
    delay, told = follow(tmp_path, Work(SECOND, 0.02), speed=100, bearable=5 * SECOND)
    assert len(told) == 1
    assert told[0] > 5 * SECOND
    assert delay.worst >= 15 * SECOND
    assert delay.past_bearing


def test_one_that_follows_is_told_nothing_and_its_delay_is_known(tmp_path: Path) -> None:
    delay, told = follow(tmp_path, Work(5 * SECOND, 0.05), speed=40, bearable=600 * SECOND)
    assert told == []
    assert 2 * SECOND <= delay.worst <= 600 * SECOND, "what a piece of work takes is delay, too"


@pytest.mark.parametrize(("late_s", "kept_up"), [(0, True), (60, True), (61, False)])
def test_the_record_says_how_late_it_was(late_s: int, kept_up: bool) -> None:
    played = DrillResult(record={"notes": ["移植"], "paced": None}, lines=(), lead=(), unreached=())
    record = review.paced(played, 600, late_s * SECOND).record
    assert record["paced"] == {"speed": 600, "late_max_s": late_s, "kept_up": kept_up}
    notes = ["移植"] if kept_up else ["移植", review.falling_behind(600, late_s * SECOND)]
    assert record["notes"] == notes
    assert played.record["paced"] is None


class Overtaken:
    """A drill whose machine cannot follow."""

    def serve(self, host: str, port: int, speed: float, stop: Any, say: Any, complain: Any, stay: bool) -> None:
        say("控制台已打开")
        complain(review.falling_behind(speed, 75 * SECOND))


def test_the_complaint_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    watch(Console(), cast("Staged", Overtaken()), 600, None, "127.0.0.1", 0, False)
    out, err = capsys.readouterr()
    assert "控制台已打开" in out
    assert "机器跟不上 600 倍速：已晚 75 秒（演练时间）" in err
    assert "机器跟不上" not in out
