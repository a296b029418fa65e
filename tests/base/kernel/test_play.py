"""离散事件 — time moves only when nothing is runnable, to the next due instant, and stops at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shouye.base.kernel import BEIJING, Database, SimClock, Tx, play
from shouye.base.kernel.worker import look

pytestmark = pytest.mark.usefixtures("both_databases")

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
SECOND = timedelta(seconds=1)


@dataclass
class Alarm:
    """A source with its own instants; each one it takes may set others."""

    name: str
    due: list[datetime]
    log: list[tuple[str, datetime]]
    sets: dict[datetime, list[tuple[Alarm, datetime]]] = field(default_factory=dict)

    def next_at(self, tx: Tx) -> datetime | None:
        return min(self.due, default=None)

    def run_due(self, database: Database) -> int:
        now = database.clock.now()
        ready = [at for at in self.due if at <= now]
        for at in ready:
            self.due.remove(at)
            self.log.append((self.name, now))
            for other, later in self.sets.pop(at, ()):
                other.due.append(later)
        return len(ready)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/play.db", SimClock(NOON), durable=False)
    yield made
    made.close()


def at_second(log: list[tuple[str, datetime]]) -> list[tuple[str, float]]:
    return [(name, (at - NOON).total_seconds()) for name, at in log]


def test_what_is_runnable_comes_before_time(database: Database) -> None:
    log: list[tuple[str, datetime]] = []
    one, two = Alarm("one", [NOON], log), Alarm("two", [NOON + 5 * SECOND], log)
    one.sets[NOON] = [(two, NOON), (one, NOON)]
    clock = SimClock(NOON)
    database.clock = clock
    moved: list[datetime] = []
    play([one, two], database, clock, NOON + 10 * SECOND, moved.append)
    assert at_second(log) == [("one", 0), ("one", 0), ("two", 0), ("two", 5)]
    assert moved == [NOON + 5 * SECOND]
    assert clock.now() == NOON + 10 * SECOND


def test_sources_are_asked_in_their_order(database: Database) -> None:
    log: list[tuple[str, datetime]] = []
    sources = [Alarm(name, [NOON + SECOND], log) for name in ("storm", "jobs", "ladder")]
    clock = SimClock(NOON)
    database.clock = clock
    play(sources, database, clock, NOON + SECOND)
    assert at_second(log) == [("storm", 1), ("jobs", 1), ("ladder", 1)]


def test_it_stops_at_the_end_and_goes_on_from_there(database: Database) -> None:
    log: list[tuple[str, datetime]] = []
    source = Alarm("one", [NOON + 2 * SECOND, NOON + 4 * SECOND, NOON + 4 * SECOND + SECOND / 1000], log)
    clock = SimClock(NOON)
    database.clock = clock
    play([source], database, clock, NOON + 4 * SECOND)
    assert at_second(log) == [("one", 2), ("one", 4)]
    assert clock.now() == NOON + 4 * SECOND
    play([source], database, clock, NOON + 9 * SECOND)
    assert len(log) == 3
    assert clock.now() == NOON + 9 * SECOND


def test_with_nothing_left_time_goes_to_the_end(database: Database) -> None:
    clock = SimClock(NOON)
    database.clock = clock
    play([Alarm("none", [], [])], database, clock, NOON + 3 * SECOND)
    assert clock.now() == NOON + 3 * SECOND


def test_a_drill_clock_never_goes_back() -> None:
    clock = SimClock(NOON)
    clock.move_to(NOON - SECOND)
    assert clock.now() == NOON


def test_look_says_what_is_due_and_what_comes_next(database: Database) -> None:
    early, late = Alarm("early", [NOON], []), Alarm("late", [NOON + 7 * SECOND], [])
    assert look([late, early], database) == ([early], NOON + 7 * SECOND)
