"""机务 — a job that the machine has given up is somebody's task until it is done or set aside."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shouye.base import tasks
from shouye.base.access import WHOLE
from shouye.base.kernel import (
    BadInput,
    Database,
    SimClock,
    Tx,
    dead_jobs,
    enqueue,
    handles,
    retry,
    run_due,
    set_aside,
)
from shouye.base.tasks import OVERDUE, UPKEEP, Ladder, Ladders, LadderStep, Task, Upkeep, read_upkeep
from tests.base.kernel.sealing import new

DUTY = "140200/city_duty"
broken: set[str] = set()


def work(tx: Tx, payload: dict[str, Any]) -> None:
    if payload["say"] in broken:
        raise ValueError("broken")


handles("upkeep.work", work)


@pytest.fixture
def database(database_url: str) -> Database:
    broken.clear()
    made = new(database_url)
    ladder = Ladder(UPKEEP, (LadderStep(OVERDUE, 0, from_due=True),))
    made.install(Ladders({UPKEEP: ladder}), Upkeep(DUTY, "140200", timedelta(minutes=30)))
    return made


def put(database: Database, say: str, lane: str = "a") -> int:
    with database.begin() as tx:
        return enqueue(tx, kind="upkeep.work", lane=lane, due_at=tx.now, payload={"say": say})


def work_off(database: Database) -> None:
    """All attempts of everything."""
    clock = database.clock
    assert isinstance(clock, SimClock)
    for _ in range(12):
        run_due(database)
        clock.move_to(clock.now() + timedelta(minutes=1))


def owed(database: Database) -> list[Task]:
    with database.read() as tx:
        return tasks.owed(tx, WHOLE, (UPKEEP,))


def of_job(database: Database, number: int) -> list[tuple[str, str | None]]:
    with database.read() as tx:
        return [(str(one.state), one.closed_by) for one in tasks.in_group(tx, f"job:{number}", UPKEEP)]


def test_a_dead_job_is_owed_by_the_duty_office(database: Database) -> None:
    broken.add("odd")
    number = put(database, "odd")
    put(database, "well", "b")
    work_off(database)
    (task,) = owed(database)
    assert (task.owner, task.group, task.ladder) == (DUTY, f"job:{number}", UPKEEP)
    assert task.due_at - task.opened_at == timedelta(minutes=30)
    assert "upkeep.work" in task.title


def test_it_is_done_when_the_job_succeeds_and_not_before(database: Database) -> None:
    broken.add("odd")
    number = put(database, "odd")
    work_off(database)
    with database.begin() as tx:
        retry(tx, number, "user:2")
    work_off(database)
    assert [state for state, _ in of_job(database, number)] == ["open"], "it has died again: still the same task"
    broken.clear()
    with database.begin() as tx:
        retry(tx, number, "user:2")
    assert len(owed(database)) == 1
    work_off(database)
    assert of_job(database, number) == [("done", "system")]


def test_it_is_done_when_somebody_sets_the_job_aside(database: Database) -> None:
    broken.add("odd")
    number = put(database, "odd")
    work_off(database)
    with database.begin() as tx:
        set_aside(tx, number, "重复的报文", "user:2")
    run_due(database)
    assert of_job(database, number) == [("done", "user:2")]


def test_a_job_set_aside_before_anybody_was_told_owes_nothing(database: Database) -> None:
    broken.add("odd")
    number = put(database, "odd")
    clock = database.clock
    assert isinstance(clock, SimClock)
    while True:
        run_due(database, limit=1)
        with database.read() as tx:
            if dead_jobs(tx):
                break
        clock.move_to(clock.now() + timedelta(minutes=1))
    with database.begin() as tx:
        set_aside(tx, number, "已处理", "user:2")
    work_off(database)
    assert of_job(database, number) == []


def test_when_the_tasks_themselves_cannot_be_opened_it_ends_there(database: Database) -> None:
    database.install(Ladders({}))
    broken.add("odd")
    put(database, "odd")
    work_off(database)
    work_off(database)
    with database.read() as tx:
        assert [job.kind for job in dead_jobs(tx)] == ["upkeep.work", "reaction"], "both stand on the screen"
    assert owed(database) == []


def test_where_nobody_is_named_the_screen_alone_shows_it(database_url: str) -> None:
    database = new(database_url)
    broken.add("odd")
    put(database, "odd")
    work_off(database)
    with database.read() as tx:
        assert [job.kind for job in dead_jobs(tx)] == ["upkeep.work"]
    assert owed(database) == []


def test_a_city_says_how_soon_somebody_must_look(tmp_path: Path) -> None:
    path = tmp_path / "ladder.toml"
    step = '[ladder.upkeep]\nsteps = [{ act = "overdue", after_s = 0, from_due = true }]\n'
    path.write_text(step + "[deadline_min]\nupkeep = 15\n", encoding="utf-8")
    assert read_upkeep(path, DUTY, "140200") == Upkeep(DUTY, "140200", timedelta(minutes=15))
    path.write_text(step, encoding="utf-8")
    with pytest.raises(BadInput, match="upkeep"):
        read_upkeep(path, DUTY, "140200")
