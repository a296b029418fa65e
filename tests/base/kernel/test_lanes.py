"""作业的序 — a lane is strict even when an earlier job comes late; the dead are told of, retried, set aside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from shouye.base.kernel import (
    Database,
    JobDied,
    JobSource,
    Lanes,
    SimClock,
    Source,
    Tx,
    WallClock,
    dead_jobs,
    enqueue,
    facts_since,
    handles,
    next_due,
    on,
    pace,
    play,
    retry,
    run_due,
    set_aside,
    worker,
)
from shouye.base.kernel.jobs import MAX_ATTEMPTS, Job, NotDead, ReasonMissing, _run_one, job_table
from tests.base.kernel.sealing import NOON, new

ran: list[str] = []
broken: set[str] = set()
died: list[str] = []
SECOND = timedelta(seconds=1)


def work(tx: Tx, payload: dict[str, Any]) -> None:
    ran.append(payload["say"])
    if payload["say"] in broken:
        raise ValueError(f"{payload['say']} is broken")
    if "then" in payload:
        enqueue(tx, kind="lane.work", lane="a", due_at=NOON - SECOND, payload={"say": payload["then"]})


handles("lane.work", work)


@on(JobDied)
def mourn(fact: JobDied, tx: Tx) -> None:
    died.append(f"{fact.subject} {fact.job_kind} {fact.lane}")
    if "mourner" in broken:
        raise ValueError("too much")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    for traces in (ran, broken, died):
        traces.clear()
    yield new(database_url)
    broken.clear()


def put(database: Database, say: str, lane: str = "a", after_s: float = 0, **more: str) -> int:
    with database.begin() as tx:
        due = NOON + timedelta(seconds=after_s)
        return enqueue(tx, kind="lane.work", lane=lane, due_at=due, payload={"say": say, **more})


def dead(database: Database) -> list[Job]:
    with database.read() as tx:
        return dead_jobs(tx)


def clock_of(database: Database) -> SimClock:
    assert isinstance(database.clock, SimClock)
    return database.clock


def test_processes_take_the_lanes_that_are_theirs(database: Database) -> None:
    put(database, "judged", lane="engine")
    put(database, "called", lane="notice:1", after_s=20)
    engine, clock = Lanes(only=("engine",)), Lanes(but=("engine",))
    with database.read() as tx:
        assert next_due(tx, engine) == NOON
        assert next_due(tx, clock) == NOON + timedelta(seconds=20)
    clock_of(database).move_to(NOON + timedelta(minutes=1))
    assert run_due(database, lanes=clock) == 1
    assert ran == ["called"]
    with database.read() as tx:
        assert next_due(tx, clock) is None
    broken.add("judged")
    assert run_due(database, lanes=engine) == 1
    with database.read() as tx:
        assert next_due(tx, clock) is None, "what fails in another's lane is not waited for here"
        assert next_due(tx, engine) == clock_of(database).now() + timedelta(seconds=2)


def test_a_lane_runs_in_the_order_of_what_was_due_first(database: Database) -> None:
    put(database, "late", after_s=30)
    put(database, "second", after_s=10)
    put(database, "first", after_s=5)
    clock_of(database).move_to(NOON + timedelta(minutes=1))
    run_due(database)
    assert ran == ["first", "second", "late"]


def test_an_earlier_job_that_comes_meanwhile_goes_first(database: Database) -> None:
    """The list of due jobs is read once; what the first of them adds in front is not overtaken."""
    put(database, "first", then="added")
    put(database, "second")
    while run_due(database):
        pass
    assert ran == ["first", "added", "second"]


def test_two_processes_do_not_overtake_each_other(database: Database) -> None:
    """Another process read the same list, but the first job of the lane is not done yet."""
    put(database, "first")
    later = put(database, "second")
    job = Job(later, "lane.work", "a", NOON, {"say": "second"}, 0)
    assert not _run_one(database, job)
    assert ran == []
    run_due(database)
    assert not _run_one(database, job), "and nothing runs twice"
    assert ran == ["first", "second"]


def test_a_long_blocked_lane_starves_no_other(database: Database) -> None:
    broken.add("head")
    put(database, "head", lane="a")
    for number in range(30):
        put(database, f"behind {number}", lane="a")
    put(database, "free", lane="b")
    run_due(database, limit=5)
    ran.clear()
    assert run_due(database, limit=5) == 1
    assert ran == ["free"]
    with database.read() as tx:
        assert next_due(tx) == NOON + 2 * SECOND


def test_play_does_not_spin_while_a_lane_waits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.add("head")
    put(database, "head")
    put(database, "behind")
    put(database, "earlier", after_s=-60)
    put(database, "far", after_s=86_400)
    looks: list[int] = []
    look = worker.look

    def counted(sources: Sequence[Source], of: Database) -> tuple[list[Source], datetime | None]:
        looks.append(1)
        return look(sources, of)

    monkeypatch.setattr(worker, "look", counted)
    play([JobSource()], database, clock_of(database), NOON + timedelta(days=2))
    assert ran == ["earlier", *["head"] * MAX_ATTEMPTS, "behind", "far"]
    assert len(looks) < 25


def test_two_failing_jobs_of_one_lane_wait_in_order(database: Database) -> None:
    """The second failing job was put in front while the first waited for its next attempt."""
    broken.update(["one", "zero"])
    put(database, "one")
    run_due(database)
    put(database, "zero", after_s=-5)
    play([JobSource()], database, clock_of(database), NOON + timedelta(hours=1))
    assert ran == ["one", *["zero"] * MAX_ATTEMPTS, *["one"] * (MAX_ATTEMPTS - 1)]


def die(database: Database, say: str = "head") -> Job:
    broken.add(say)
    put(database, say)
    play([JobSource()], database, clock_of(database), NOON + timedelta(hours=1))
    (job,) = dead(database)
    return job


def test_a_death_is_a_fact_that_others_can_react_to(database: Database) -> None:
    job = die(database)
    assert (job.attempts, job.error, job.state) == (MAX_ATTEMPTS, "ValueError: head is broken", "dead")
    assert died == [f"job:{job.id} lane.work a"]
    with database.read() as tx:
        (fact,) = facts_since(tx, kinds=["JobDied"])
    assert (fact.subject, fact.body) == (f"job:{job.id}", {"job_kind": "lane.work", "lane": "a"})


def test_a_mourner_that_dies_is_not_mourned(database: Database) -> None:
    broken.update(["mourner", "head"])
    put(database, "head")
    play([JobSource()], database, clock_of(database), NOON + timedelta(hours=1))
    assert [job.kind for job in dead(database)] == ["lane.work", "reaction"]
    with database.read() as tx:
        assert len(facts_since(tx, kinds=["JobDied"])) == 1


def test_a_dead_job_is_tried_again(database: Database) -> None:
    job = die(database)
    broken.clear()
    ran.clear()
    with database.begin() as tx:
        retry(tx, job.id, actor="post:duty")
    assert dead(database) == []
    while run_due(database):
        pass
    assert ran == ["head"]
    with database.begin() as tx:
        (fact,) = facts_since(tx, kinds=["JobRetried"])
        assert fact.actor == "post:duty"
        with pytest.raises(NotDead):
            retry(tx, job.id)


def test_a_dead_job_is_set_aside_with_a_reason(database: Database) -> None:
    job = die(database)
    with database.begin() as tx:
        with pytest.raises(ReasonMissing):
            set_aside(tx, job.id, "  ")
        set_aside(tx, job.id, "已由人工电话处理", actor="post:duty")
    assert dead(database) == []
    with database.begin() as tx:
        row = tx.run(select(job_table).where(job_table.c.id == job.id)).one()
        assert (row.state, row.reason, row.error) == ("aside", "已由人工电话处理", "ValueError: head is broken")
        assert len(facts_since(tx, kinds=["JobSetAside"])) == 1
        with pytest.raises(NotDead):
            retry(tx, job.id)
        with pytest.raises(NotDead):
            set_aside(tx, job.id, "再次")
    ran.clear()
    run_due(database)
    assert ran == []


def test_what_is_done_costs_the_loop_nothing(database: Database) -> None:
    """The indexes that the loop uses hold only what waits: SQLite says that it uses them."""
    put(database, "one")
    run_due(database)
    with database.read() as tx:
        assert tx.run(select(func.count()).where(job_table.c.ended_at.is_(None))).scalar() == 0
        if not tx.on_postgresql:
            queries = {
                "job_due": select(job_table.c.id).where(
                    job_table.c.ended_at.is_(None), job_table.c.due_at <= NOON
                ),
                "job_retry": select(job_table.c.lane).where(job_table.c.retry_at > NOON),
            }
            for index, query in queries.items():
                text = str(query.compile(tx.connection, compile_kwargs={"literal_binds": True}))
                plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
                assert index in str(plan), plan


def live(database: Database, writer: Database) -> list[float]:
    """Seconds from the commit to the start of its job, for twenty commits of `writer`."""
    database.clock = writer.clock = WallClock()
    started: dict[int, float] = {}

    def note(tx: Tx, payload: dict[str, Any]) -> None:
        started.setdefault(payload["number"], time.perf_counter())

    handles("lane.time", note)
    stop = threading.Event()
    loop = threading.Thread(target=pace, args=([JobSource()], database, WallClock(), stop))
    loop.start()
    committed = []
    for number in range(20):
        with writer.begin() as tx:
            enqueue(tx, kind="lane.time", lane=f"l{number}", due_at=tx.now, payload={"number": number})
        committed.append(time.perf_counter())
        until = time.monotonic() + 20
        while number not in started and time.monotonic() < until:
            time.sleep(0.003)
        time.sleep(0.017)
    stop.set()
    database.bell.ring()
    loop.join()
    return sorted(started[number] - at for number, at in enumerate(committed))


def test_a_commit_wakes_the_loop_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would otherwise sleep for a minute, so that only the bell can have woken it."""
    monkeypatch.setattr(worker, "MAX_WAIT_S", 60)
    delays = live(database, database)
    assert delays[10] < 0.1
    assert delays[-2] < 0.2, delays


def test_the_commit_of_another_process_is_taken_up_in_time(database_url: str, database: Database) -> None:
    """Its bell is not heard here: the loop looks often enough by itself."""
    delays = live(database, Database(database_url, WallClock()))
    assert delays[10] < 0.2, delays


def test_a_loop_that_is_told_to_stop_stops(database: Database) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=pace, args=([JobSource()], database, WallClock(), stop))
    loop.start()
    stop.set()
    loop.join(timeout=10)
    assert not loop.is_alive()
