"""作业命令 — what the machine has given up is seen, tried again, or set aside with a reason."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shouye.base.access import OPERATOR
from shouye.base.kernel import Database, SimClock, Tx, enqueue, facts_since, handles, run_due
from shouye.main import cli
from tests.base.kernel.sealing import new

broken: set[str] = set()


def work(tx: Tx, payload: dict[str, Any]) -> None:
    if broken:
        raise ValueError("the map is not there")


handles("jobs.work", work)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def database(url: str) -> Database:
    broken.add("it")
    made = new(url)
    with made.begin() as tx:
        enqueue(tx, kind="jobs.work", lane="a", due_at=tx.now, payload={})
    run_all(made)
    return made


def run_all(database: Database) -> None:
    clock = database.clock
    assert isinstance(clock, SimClock)
    for _ in range(8):
        run_due(database)
        clock.move_to(clock.now() + timedelta(minutes=1))


def jobs(url: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["jobs", *words, "--database", url])


def test_it_is_listed_with_its_reason_and_tried_again(database: Database, url: str) -> None:
    told = jobs(url, "list")
    assert told.exit_code == 0
    assert "jobs.work" in told.output
    assert "the map is not" in told.output
    broken.clear()
    assert "将重试" in jobs(url, "retry", "1").output
    run_all(database)
    assert "没有停下的作业" in jobs(url, "list").output
    with database.read() as tx:
        (fact,) = facts_since(tx, kinds=("JobRetried",))
    assert fact.actor == OPERATOR.tag


def test_it_is_set_aside_with_a_reason_only(database: Database, url: str) -> None:
    refused = jobs(url, "set-aside", "1", "--reason", " ")
    assert (refused.exit_code, "理由" in refused.stderr) == (2, True)
    assert jobs(url, "set-aside", "1", "--reason", "已电话处理").exit_code == 0
    assert "没有停下的作业" in jobs(url, "list").output
    again = jobs(url, "retry", "1")
    assert (again.exit_code, "没有停下" in again.stderr) == (2, True)
