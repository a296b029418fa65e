"""看钟 — whoever sets the machine's clock, it is a fact and a task until somebody has looked at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shouye.base import pulse, tasks
from shouye.base.access import OPERATOR, WHOLE, Role
from shouye.base.kernel import BEIJING, Database, Forbidden, Mode, NotFound, WallClock, facts_since
from shouye.base.pulse.jobs import ClockWatch

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)


class Shown:
    """What the machine's clock shows, and the seconds that go by."""

    at, seconds = NOON, 0.0


def test_a_clock_that_was_set_is_looked_at(tmp_path: Path) -> None:
    machine = Shown()
    database = Database(f"sqlite:///{tmp_path / 'night'}", WallClock(lambda: machine.at, lambda: machine.seconds))
    database.create(Mode.SIMULATION, "test")
    ladder = tasks.Ladder(tasks.UPKEEP, (tasks.LadderStep(tasks.OVERDUE, 0, True),))
    upkeep = tasks.Upkeep("city/city_duty", "city", timedelta(minutes=30))
    database.install(tasks.Ladders({tasks.UPKEEP: ladder}), upkeep)
    watch = ClockWatch(database.clock)

    def look() -> list[str]:
        with database.read() as tx:
            if watch.next_at(tx) is None:
                return []
        assert watch.run_due(database) == 1
        with database.read() as tx:
            return [one.title for one in tasks.owed(tx, WHOLE)]

    assert look() == []
    machine.at -= timedelta(hours=1)
    assert look() == ["机器时钟往回跳了 1 小时，请核对时间；它现在比程序的时间慢 1 小时，程序的时间不倒走"]
    assert look() == []
    machine.at += timedelta(hours=1, seconds=90)
    assert look() == ["机器时钟向前跳了 1 小时 1 分 30 秒，请核对时间"], "one task, which says the newest"

    with database.begin() as tx:
        board = pulse.board(tx, WHOLE)
        assert (board.clock_stepped_at, board.clock_stepped_s) == (machine.at, 3690)
        (owed,) = tasks.owed(tx, WHOLE)
        idle = replace(OPERATOR, role=Role.VIEWER)
        with pytest.raises(Forbidden):
            pulse.clock_checked(tx, idle, owed.id)
        pulse.clock_checked(tx, OPERATOR, owed.id)
        assert tasks.owed(tx, WHOLE) == []
        with pytest.raises(NotFound):
            pulse.clock_checked(tx, OPERATOR, owed.id)
        told = [(fact.kind, fact.body) for fact in facts_since(tx)]
    assert told == [
        ("ClockStepped", {"stepped_s": -3600, "behind_s": 3600}),
        ("ClockStepped", {"stepped_s": 3690, "behind_s": 0}),
        ("ClockChecked", {"task": owed.id}),
    ]
    database.close()
