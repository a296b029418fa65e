"""事实与作业 — a fact and its reactions are one write; a lane keeps its order; what fails is kept and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from shouye.base.kernel import (
    BEIJING,
    Database,
    Fact,
    JobSource,
    Mode,
    SimClock,
    Tx,
    dead_jobs,
    enqueue,
    facts_since,
    handles,
    next_due,
    on,
    play,
    record,
    run_due,
)
from shouye.base.kernel.jobs import MAX_ATTEMPTS

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
HEARD: list[str] = []
FAILS: set[str] = set()


@dataclass(frozen=True, kw_only=True)
class BellRang(Fact):
    """试铃 — exists in this test only."""

    times: int


@dataclass(frozen=True, kw_only=True)
class BellRangLoudly(BellRang):
    """试响铃 — a kind of its own, though its class inherits."""


@on(BellRang)
def first(fact: BellRang, tx: Tx) -> None:
    note(f"first {fact.subject} {fact.times}", tx)


@on(BellRang)
def second(fact: BellRang, tx: Tx) -> None:
    note(f"second {fact.subject} {fact.times}", tx)


def note(what: str, tx: Tx) -> None:
    """It leaves a trace in the database before it fails, so that a rollback can be seen."""
    HEARD.append(what)
    record(tx, BellRangLoudly(subject="trace", times=len(HEARD)))
    if what in FAILS:
        raise RuntimeError(f"cannot {what}")


def plain(tx: Tx, payload: dict[str, str]) -> None:
    note(payload["say"], tx)


handles("test.plain", plain)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(NOON)


@pytest.fixture
def database(database_url: str, clock: SimClock) -> Iterator[Database]:
    HEARD.clear()
    FAILS.clear()
    made = Database(database_url, clock, durable=False)
    made.create(Mode.SIMULATION, "test")
    yield made
    made.close()


def traces(database: Database) -> int:
    with database.read() as tx:
        return len(facts_since(tx, kinds=["BellRangLoudly"]))


def ring(database: Database, subject: str = "bell:1", times: int = 1) -> None:
    with database.begin() as tx:
        record(tx, BellRang(subject=subject, times=times))


def run_dry(database: Database) -> None:
    while run_due(database):
        pass


def test_every_reaction_runs_once(database: Database) -> None:
    ring(database, times=3)
    assert HEARD == [], "a reaction is work for later, never a call inside the change"
    run_dry(database)
    run_dry(database)
    assert HEARD == ["first bell:1 3", "second bell:1 3"]
    with database.read() as tx:
        assert next_due(tx) is None
        (fact,) = facts_since(tx, kinds=["BellRang"])
    assert (fact.at, fact.subject, fact.actor, fact.body) == (NOON, "bell:1", "system", {"times": 3})


def test_an_inherited_kind_wakes_nobody_else(database: Database) -> None:
    with database.begin() as tx:
        record(tx, BellRangLoudly(subject="bell:1", times=1))
        assert next_due(tx) is None


def test_a_rollback_takes_the_fact_and_its_reactions(database: Database) -> None:
    def change_of_mind() -> None:
        with database.begin() as tx:
            record(tx, BellRang(subject="bell:1", times=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_of_mind()
    run_dry(database)
    with database.read() as tx:
        assert facts_since(tx) == []
        assert next_due(tx) is None
    assert HEARD == []


def test_facts_are_read_on_from_where_one_stopped(database: Database) -> None:
    for times in (1, 2, 3):
        ring(database, times=times)
    with database.read() as tx:
        all_of_them = facts_since(tx)
        assert [fact.body["times"] for fact in all_of_them] == [1, 2, 3]
        assert facts_since(tx, after_id=all_of_them[0].id) == all_of_them[1:]
        assert facts_since(tx, limit=1) == all_of_them[:1]
        assert facts_since(tx, kinds=["NoSuchKind"]) == []


def test_what_a_failed_reaction_wrote_is_undone(database: Database) -> None:
    FAILS.add("first bell:1 1")
    ring(database)
    run_due(database)
    assert HEARD == ["first bell:1 1"]
    assert traces(database) == 0


def test_what_fails_is_tried_again_with_growing_pauses_and_then_given_up(
    database: Database, clock: SimClock
) -> None:
    FAILS.add("broken")
    with database.begin() as tx:
        enqueue(tx, kind="test.plain", lane="a", due_at=tx.now, payload={"say": "broken"})
    begun = []
    for _ in range(MAX_ATTEMPTS):
        begun.append((clock.now() - NOON).total_seconds())
        assert run_due(database) == 1
        with database.read() as tx:
            upcoming = next_due(tx)
        if upcoming is not None:
            clock.move_to(upcoming)
    assert begun == [0, 2, 6, 14, 30]
    assert HEARD == ["broken"] * MAX_ATTEMPTS
    clock.move_to(NOON + timedelta(days=1))
    run_dry(database)
    assert HEARD == ["broken"] * MAX_ATTEMPTS
    with database.read() as tx:
        (dead,) = dead_jobs(tx)
        (told,) = facts_since(tx, kinds=["JobDied"])
    assert (dead.kind, dead.lane, dead.attempts) == ("test.plain", "a", MAX_ATTEMPTS)
    assert "cannot broken" in str(dead.error)
    assert "cannot" not in str(told.body), "what went wrong may hold personal data: it stays with the job"


def test_a_failure_holds_up_its_own_lane_only_and_in_order(database: Database, clock: SimClock) -> None:
    """Also what is written into the lane while it waits does not overtake."""
    FAILS.add("broken")
    with database.begin() as tx:
        for lane, say in (("a", "broken"), ("a", "behind"), ("b", "beside")):
            enqueue(tx, kind="test.plain", lane=lane, due_at=tx.now, payload={"say": say})
    run_dry(database)
    with database.begin() as tx:
        enqueue(tx, kind="test.plain", lane="a", due_at=tx.now, payload={"say": "later"})
    run_dry(database)
    assert HEARD == ["broken", "beside"]
    FAILS.clear()
    play([JobSource()], database, clock, NOON + timedelta(minutes=1))
    assert HEARD == ["broken", "beside", "broken", "behind", "later"]


def test_a_dead_job_lets_its_lane_go_on(database: Database, clock: SimClock) -> None:
    FAILS.add("broken")
    with database.begin() as tx:
        for say in ("broken", "behind"):
            enqueue(tx, kind="test.plain", lane="a", due_at=tx.now, payload={"say": say})
    play([JobSource()], database, clock, NOON + timedelta(minutes=5))
    assert HEARD == ["broken"] * MAX_ATTEMPTS + ["behind"]


def test_a_kind_that_nobody_handles_dies_and_is_shown(database: Database, clock: SimClock) -> None:
    with database.begin() as tx:
        enqueue(tx, kind="test.unknown", lane="a", due_at=tx.now, payload={})
    play([JobSource()], database, clock, NOON + timedelta(minutes=5))
    with database.read() as tx:
        assert [job.kind for job in dead_jobs(tx)] == ["test.unknown"]


def test_work_for_later_waits_and_does_not_hold_up_its_lane(database: Database, clock: SimClock) -> None:
    with database.begin() as tx:
        enqueue(tx, kind="test.plain", lane="a", due_at=NOON + timedelta(hours=3), payload={"say": "review"})
        enqueue(tx, kind="test.plain", lane="a", due_at=tx.now, payload={"say": "now"})
    run_dry(database)
    assert HEARD == ["now"]
    with database.read() as tx:
        assert next_due(tx) == NOON + timedelta(hours=3)
    play([JobSource()], database, clock, NOON + timedelta(hours=3))
    assert HEARD == ["now", "review"]
