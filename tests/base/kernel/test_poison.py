"""毒作业 — a job that takes the process down is found, loses its attempts and dies; innocent ones lose nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shouye.base.kernel import Database, JobSource, Tx, dead_jobs, enqueue, facts_since, handles, retry
from shouye.base.kernel.jobs import ENDED_THE_PROCESS, MAX_ATTEMPTS, job_table
from tests.base.kernel.sealing import NOON, new

ROOT = Path(__file__).parents[3]
deadly: set[str] = set()
ran: list[str] = []


def work(tx: Tx, payload: dict[str, Any]) -> None:
    ran.append(payload["say"])
    if payload["say"] in deadly:
        raise SystemExit  # passes every `except Exception`, as the end of a process does


handles("poison.work", work)


@pytest.fixture
def database(database_url: str) -> Database:
    deadly.clear()
    ran.clear()
    return new(database_url)


def put(database: Database, say: str, lane: str = "a") -> int:
    with database.begin() as tx:
        return enqueue(tx, kind="poison.work", lane=lane, due_at=NOON, payload={"say": say})


def lives(database: Database) -> int:
    """How many processes it takes until nothing is due."""
    count = 1
    jobs = JobSource()
    while True:
        try:
            if not jobs.run_due(database):
                return count
        except SystemExit:
            count += 1
            jobs = JobSource()


def rows(database: Database) -> list[tuple[str, int, str | None]]:
    with database.read() as tx:
        query = select(job_table.c.state, job_table.c.attempts, job_table.c.error)
        query = query.where(job_table.c.kind != "reaction").order_by(job_table.c.id)
        return [(row.state, row.attempts, row.error) for row in tx.run(query)]


def test_it_dies_after_its_attempts_and_the_others_go_on(database: Database) -> None:
    deadly.add("poison")
    for say, lane in (("before", "a"), ("poison", "a"), ("after", "a"), ("elsewhere", "b")):
        put(database, say, lane)
    assert lives(database) == MAX_ATTEMPTS + 1, "each attempt costs a process; then it is known"
    assert rows(database) == [
        ("done", 1, None),
        ("dead", MAX_ATTEMPTS, ENDED_THE_PROCESS),
        ("done", 1, None),
        ("done", 1, None),
    ]
    assert [say for say in ran if say != "poison"] == ["before", "after", "elsewhere"]
    with database.read() as tx:
        assert [fact.kind for fact in facts_since(tx)] == ["JobDied"]


def test_one_that_was_only_under_way_runs_at_once_in_its_place(database: Database) -> None:
    put(database, "first")
    put(database, "second")
    deadly.add("first")
    for _ in range(3):
        with pytest.raises(SystemExit):
            JobSource().run_due(database)
    deadly.clear()
    ran.clear()
    assert JobSource().run_due(database) == 2
    assert ran == ["first", "second"]
    assert rows(database) == [("done", 4, None), ("done", 1, None)]


def test_a_counted_attempt_that_fails_in_the_usual_way_counts_once(database: Database) -> None:
    number = put(database, "odd")
    with database.begin() as tx:
        tx.run(job_table.update().where(job_table.c.id == number).values(kind="no.such.kind"))
    JobSource().run_due(database)
    ((state, attempts, error),) = rows(database)
    assert (state, attempts, error) == ("ready", 1, "KeyError: 'no.such.kind'")


def test_what_was_born_in_this_process_is_not_written_twice(database: Database) -> None:
    """The usual job costs the transaction it always did: only what lay there at the start is counted first."""
    jobs = JobSource()
    jobs.run_due(database)
    put(database, "new")
    rung = database.bell.rung
    assert jobs.run_due(database) == 1
    assert database.bell.rung == rung + 1
    put(database, "old")
    rung = database.bell.rung
    assert JobSource().run_due(database) == 1
    assert database.bell.rung == rung + 2


def test_a_retried_poison_has_all_its_attempts_again(database: Database) -> None:
    deadly.add("poison")
    number = put(database, "poison")
    lives(database)
    with database.begin() as tx:
        retry(tx, number)
    assert lives(database) == MAX_ATTEMPTS + 1
    deadly.clear()
    with database.begin() as tx:
        retry(tx, number)
    assert lives(database) == 1
    with database.read() as tx:
        assert dead_jobs(tx) == []
        told = [fact.kind for fact in facts_since(tx)]
    assert told == ["JobDied", "JobRetried", "JobDied", "JobRetried", "JobRecovered"]


def test_a_real_process_that_is_really_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'poison.db'}"
    database = new(url)
    with database.begin() as tx:
        for kind in ("poison", "work"):
            enqueue(tx, kind=kind, lane=kind, due_at=NOON - timedelta(days=1), payload={})
    ends: list[int] = []
    while not ends or ends[-1] != 0:
        ends.append(subprocess.run([sys.executable, "-m", "tests.base.kernel.poisoned", url], cwd=ROOT).returncode)
        assert len(ends) < 10
    assert ends == [-signal.SIGKILL] * MAX_ATTEMPTS + [0]
    assert [state for state, _, _ in rows(database)] == ["dead", "done"]
