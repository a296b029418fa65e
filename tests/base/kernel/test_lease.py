"""租约 — one process plays a role; another takes over soon, and the one before it can write nothing more."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base.kernel import (
    Database,
    Fact,
    Lease,
    LeaseLost,
    Mode,
    WallClock,
    enqueue,
    facts_since,
    fence_of,
    hold,
    holder_name,
    holdings,
    record,
)
from shouye.base.kernel.lease import leave, renew, take
from tests.base.kernel.on_duty import LASTS

SHORT = timedelta(milliseconds=80)
JOBS = 120


@pytest.fixture
def database(database_url: str) -> Database:
    found = Database(database_url, WallClock(), durable=False)
    found.create(Mode.SIMULATION, "test")
    return found


def taken(database: Database, holder: str, lasts: timedelta = LASTS) -> Lease | None:
    with database.begin(alone=False) as tx:
        return take(tx, "clock", holder, lasts)


def test_one_holds_it_until_it_is_silent(database: Database) -> None:
    first = taken(database, "a", SHORT)
    assert first == Lease("clock", "a", 1)
    assert taken(database, "b") is None
    time.sleep(0.1)
    second = taken(database, "b")
    assert second is not None
    assert (second.holder, second.fence) == ("b", 2)
    assert second.silent_for is not None
    assert SHORT <= second.silent_for < timedelta(seconds=2)
    with pytest.raises(LeaseLost, match="clock"), database.begin(alone=False) as tx:
        renew(tx, first)
    with database.read() as tx:
        (holding,) = holdings(tx)
    assert (holding.holder, holding.fence, holding.alive) == ("b", 2, True)


def test_who_leaves_is_followed_at_once(database: Database) -> None:
    first = taken(database, "a")
    assert first is not None
    with database.begin(alone=False) as tx:
        renew(tx, first)
        leave(tx, first)
    assert taken(database, "b") == Lease("clock", "b", 2, None)
    with database.begin(alone=False) as tx:
        leave(tx, first)
    assert taken(database, "c") is None, "leaving late takes nothing from the next"


def test_of_many_who_try_one_gets_it(database: Database) -> None:
    got: list[Lease | None] = []
    start = threading.Barrier(8)

    def try_it(name: str) -> None:
        start.wait()
        got.append(taken(database, name))

    threads = [threading.Thread(target=try_it, args=(f"p{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in got if lease]) == 1


def test_the_one_before_writes_nothing(database: Database) -> None:
    first = taken(database, "a", SHORT)
    assert first is not None
    old = database.fenced(fence_of([first]))
    with old.begin() as tx:
        record(tx, Fact(subject="a:1"))
    time.sleep(0.1)
    with old.begin() as tx:
        record(tx, Fact(subject="a:2"))  # nobody has taken it: still ours
    second = taken(database, "b")
    assert second is not None
    with pytest.raises(LeaseLost), old.begin() as tx:
        record(tx, Fact(subject="a:3"))
    with pytest.raises(LeaseLost), database.begin(fence=fence_of([first])) as tx:
        record(tx, Fact(subject="a:4"))
    with database.begin(fence=fence_of([second])) as tx:
        record(tx, Fact(subject="b:1"))
    with database.read() as tx:
        assert [fact.subject for fact in facts_since(tx)] == ["a:1", "a:2", "b:1"]


def test_a_role_lost_in_the_middle_takes_the_transaction_with_it(postgres_url: str) -> None:
    """SQLite lets nobody take it over while somebody writes."""
    database = Database(postgres_url, WallClock())
    database.create(Mode.SIMULATION, "test")
    first = taken(database, "a", SHORT)
    assert first is not None
    writing = database.fenced(fence_of([first])).begin()
    tx = writing.__enter__()
    record(tx, Fact(subject="a:1"))
    time.sleep(0.1)
    assert taken(database, "b") is not None
    with pytest.raises(LeaseLost):
        writing.__exit__(None, None, None)
    with database.read() as tx:
        assert facts_since(tx) == []


def test_all_roles_or_none(database: Database) -> None:
    assert taken(database, "a", timedelta(minutes=1)) is not None
    stop = threading.Event()
    worked = threading.Event()
    asked = threading.Thread(
        target=hold, args=(database, ["clock", "engine"], "b", lambda *_: worked.set(), stop, LASTS), daemon=True
    )
    asked.start()
    time.sleep(0.3)
    with database.begin(alone=False) as tx:
        other = take(tx, "engine", "c", LASTS)
    stop.set()
    asked.join(10)
    assert other is not None, "waiting for one role does not keep the other"
    assert not worked.is_set()


def test_it_is_held_while_the_work_lasts_and_then_left(database: Database) -> None:
    seen: list[tuple[bool, bool]] = []

    def work(fenced: Database, leases: object, over: threading.Event) -> None:
        time.sleep(SHORT.total_seconds() * 4)
        with fenced.begin() as tx:
            record(tx, Fact(subject="a:1"))
        with database.read() as tx:
            seen.extend((holding.alive, over.is_set()) for holding in holdings(tx))

    hold(database, ["clock"], "a", work, threading.Event(), SHORT * 2)
    assert seen == [(True, False)]
    assert taken(database, "b") is not None


@contextmanager
def process(url: str, holder: str) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "tests.base.kernel.on_duty", url, holder]
    started = subprocess.Popen(words, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()


def until(true: Callable[[], bool], seconds: float) -> float:
    """Wait for it; returns how long it took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "it did not come"
        time.sleep(0.02)
    return time.monotonic() - begun


def test_a_standby_takes_over_from_the_killed_and_nothing_is_doubled(
    database: Database, database_url: str
) -> None:
    assert handed_over(database, database_url, signal.SIGKILL) <= LASTS.total_seconds() + 1


def test_one_who_slept_and_wakes_writes_nothing(postgres_url: str) -> None:
    """Frozen with a transaction open, SQLite's writer stops the house; PostgreSQL puts it out after a while."""
    database = Database(postgres_url, WallClock(), durable=False)
    database.create(Mode.SIMULATION, "test")
    handed_over(database, postgres_url, signal.SIGSTOP)


def handed_over(database: Database, url: str, end: signal.Signals) -> float:
    """a works, b stands by, a ends: b does the rest. Returns how long nobody held the role."""

    def holder() -> str:
        with database.read() as tx:
            return next((held.holder for held in holdings(tx) if held.alive), "")

    def ticks() -> list[str]:
        with database.read() as tx:
            return [fact.subject for fact in facts_since(tx, kinds=["Ticked"])]

    with process(url, "a") as a:
        until(lambda: holder() == "a", 20)
        with process(url, "b") as b:
            assert b.stdout is not None
            assert b.stdout.readline() == "waits\n", "a standby that is still starting stands by for nobody"
            now = database.clock.now()
            with database.begin() as tx:
                for number in range(JOBS):
                    due = now + timedelta(milliseconds=30 * number)
                    enqueue(tx, kind="tick", lane=f"lane:{number}", due_at=due, payload={"number": number})
            until(lambda: len(ticks()) > JOBS // 4, 20)
            assert holder() == "a"
            a.send_signal(end)
            took = until(lambda: holder() == "b", 30)
            a.send_signal(signal.SIGCONT)
            until(lambda: len(ticks()) >= JOBS, 40)
            time.sleep(0.5)
            assert sorted(ticks()) == sorted(f"tick:{number}" for number in range(JOBS))
            assert b.stdout.readline().startswith("b 2 ")
    return took


def test_a_process_of_this_machine_that_is_gone_holds_nothing(database: Database) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    host, _, rest = holder_name().partition(":")
    numbering = rest.partition("@")[2]
    assert numbering, "this machine counts its processes"
    assert taken(database, f"{host}:{gone.pid}@{numbering}", timedelta(hours=1))
    assert taken(database, holder_name(), timedelta(hours=1)), "nobody waits an hour for a process that is gone"
    assert taken(database, "b") is None, "this one lives"


@pytest.mark.parametrize("elsewhere", ["{host}:{pid}", "{host}:{pid}@00000000", "other:{pid}@{numbering}", "a"])
def test_of_processes_elsewhere_nothing_is_presumed(database: Database, elsewhere: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    host, _, rest = holder_name().partition(":")
    holder = elsewhere.format(host=host, pid=gone.pid, numbering=rest.partition("@")[2])
    assert taken(database, holder, timedelta(hours=1))
    assert taken(database, "b") is None
