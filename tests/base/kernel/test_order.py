"""提交次序 — PostgreSQL numbers a row when it is written, and others see it when it is committed."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from shouye.base.kernel import (
    Database,
    Fact,
    Mode,
    SimClock,
    Tx,
    enqueue,
    facts_since,
    from_ms,
    handles,
    record,
    run_due,
)
from shouye.base.kernel.facts import fact_table
from tests.house.reading import house


def _ran(tx: Tx, payload: dict[str, Any]) -> None:
    record(tx, Fact(subject=f"ran:{payload['number']}"))


handles("test.order", _ran)


@pytest.fixture
def database(database_url: str) -> Database:
    found = Database(database_url, SimClock(from_ms(0)), durable=False)
    found.create(Mode.SIMULATION, "test")
    return found


@pytest.fixture
def postgres(postgres_url: str) -> Database:
    found = Database(postgres_url, SimClock(from_ms(0)), durable=False)
    found.create(Mode.SIMULATION, "test")
    return found


def test_writers_take_turns_so_that_numbers_are_in_the_order_of_commits(database: Database) -> None:
    """A reader that looks all the time sees only the end of the row of numbers grow, never a number before it."""
    done = threading.Event()
    gaps: list[tuple[int, int]] = []

    def write(name: str) -> None:
        for number in range(25):
            with database.begin() as tx:
                record(tx, Fact(subject=f"{name}:{number}"))
                time.sleep(0.001)
                record(tx, Fact(subject=f"{name}:{number}"))

    def watch() -> None:
        while not done.is_set():
            with database.read() as tx:
                count, last = tx.run(select(func.count(), func.coalesce(func.max(fact_table.c.id), 0))).one()
            if count != last:
                gaps.append((count, last))

    watcher = threading.Thread(target=watch)
    watcher.start()
    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join()
    assert gaps == []
    with database.read() as tx:
        subjects = [fact.subject for fact in facts_since(tx)]
    assert subjects[0::2] == subjects[1::2], "what one transaction wrote stands together"
    assert len(subjects) == 200


def test_beside_each_other_numbers_are_not_in_the_order_of_commits(postgres: Database) -> None:
    """Why nothing may follow `id > last`: who does misses the row that is committed late. Why jobs do not."""
    late = postgres.begin(alone=False)
    tx = late.__enter__()
    enqueue(tx, kind="test.order", lane="a", due_at=tx.now, payload={"number": 1})
    record(tx, Fact(subject="late:1"))
    with postgres.begin(alone=False) as other:
        enqueue(other, kind="test.order", lane="b", due_at=other.now, payload={"number": 2})
        record(other, Fact(subject="early:2"))
    with postgres.read() as look:
        seen = facts_since(look)
        assert [fact.subject for fact in seen] == ["early:2"]
    assert run_due(postgres) == 1
    late.__exit__(None, None, None)
    with postgres.read() as look:
        assert "late:1" not in [fact.subject for fact in facts_since(look, seen[-1].id)], "it would be missed"
        assert [fact.subject for fact in facts_since(look)][:2] == ["late:1", "early:2"]
    assert run_due(postgres) == 1, "a job is found by its state and its time"
    with postgres.read() as look:
        ran = [fact.subject for fact in facts_since(look) if fact.subject.startswith("ran:")]
    assert ran == ["ran:2", "ran:1"]


def test_nobody_follows_the_numbers_of_rows() -> None:
    """Who may: paging through one view; a drill's single process; the sealer, which waits until all is settled."""
    allowed = {"shouye/base/kernel/facts.py", "shouye/base/kernel/audit.py"}
    allowed |= {"shouye/base/kernel/seal.py", "shouye/base/tasks/store.py"}
    followers = [
        source.path
        for source in house()
        if source.path not in allowed and any(word in source.text for word in (".c.id > ", ".c.id >= "))
    ]
    assert followers == []
    callers = {source.path for source in house() if "after_id=" in source.text or "opened_after(tx" in source.text}
    assert callers <= {
        "shouye/base/kernel/facts.py",
        "shouye/base/tasks/service.py",
        "shouye/base/tasks/store.py",
        "shouye/after/review/jobs.py",
    }


def test_a_view_is_one_instant_and_writes_nothing(postgres: Database) -> None:
    with postgres.read() as tx:
        assert facts_since(tx) == []
        with postgres.begin() as other:
            record(other, Fact(subject="a:1"))
        assert facts_since(tx) == [], "one consistent view"
    with pytest.raises(DBAPIError, match="read-only"), postgres.read() as tx:
        record(tx, Fact(subject="a:2"))


def test_a_silent_writer_does_not_stop_the_house(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process frozen with the turn in its hand loses it after a while; the others go on."""
    monkeypatch.setattr(
        "shouye.base.kernel.db._TAKE_TURN",
        text("SELECT pg_advisory_xact_lock(1), set_config('idle_in_transaction_session_timeout', '200', true)"),
    )
    frozen = postgres.begin()
    tx = frozen.__enter__()
    record(tx, Fact(subject="frozen:1"))
    with postgres.begin() as other:
        record(other, Fact(subject="other:1"))
    with pytest.raises(DBAPIError):
        frozen.__exit__(None, None, None)
    with postgres.read() as look:
        assert [fact.subject for fact in facts_since(look)] == ["other:1"]


def test_a_connection_that_died_is_replaced(postgres: Database) -> None:
    with postgres.read() as tx:
        number = tx.run(text("SELECT pg_backend_pid()")).scalar_one()
    admin = Database(str(postgres.engine.url), SimClock(from_ms(0)))
    with admin.begin() as tx:
        tx.run(text("SELECT pg_terminate_backend(:number)"), {"number": number})
    with postgres.begin() as tx:
        record(tx, Fact(subject="a:1"))
