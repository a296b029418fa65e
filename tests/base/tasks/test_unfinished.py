"""一级做不完 — a step that raises, or ends the process, costs a few tries and stands alone; no other waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base import tasks
from shouye.base.access import SYSTEM
from shouye.base.kernel import JobSource, Tx, dead_jobs
from shouye.base.tasks import OVERDUE, LadderClock, Task
from tests.base.tasks.test_tasks import MINUTE, NOON, Desk

pytestmark = pytest.mark.usefixtures("both_databases")

COUNT = 120
TRIES = 4
"""Twice all together, once fifty, once alone; then it is set apart."""
JOB_TRIES = 5


class Poisoned(Desk):
    """The room that owns the tasks cannot bear one of them; `wanted` is how often it was asked to take each."""

    def __init__(self, folder: Path, error: BaseException) -> None:
        super().__init__(folder)
        self.error = error
        self.poison = 0
        self.wanted: Counter[int] = Counter()

    def hear(self, tx: Tx, act: str, due: Sequence[Task]) -> None:
        self.wanted.update(task.id for task in due)
        if self.poison in {task.id for task in due}:
            raise self.error
        super().hear(tx, act, due)

    def lives(self) -> int:
        """How many processes it takes until nothing is due."""
        count, jobs = 1, JobSource()
        self.source = LadderClock()
        while True:
            try:
                if not self.at(self.clock.now() - NOON) + jobs.run_due(self.database):
                    return count
            except SystemExit:
                count, jobs = count + 1, JobSource()
                self.source = LadderClock()


def take_all(desk: Poisoned) -> list[int]:
    numbers = desk.open(COUNT)
    desk.poison = numbers[70]
    return numbers


def heard_once(desk: Poisoned, numbers: Sequence[int]) -> None:
    """Everybody else's step was taken, and once only."""
    assert Counter(one for _, _, ids in desk.heard for one in ids) == Counter(set(numbers) - {desk.poison})
    assert all(desk.task(number).taken == 1 for number in numbers), "its ladder goes on, too"


def test_a_step_that_raises_keeps_no_other_and_lies_on_the_screen(tmp_path: Path) -> None:
    desk = Poisoned(tmp_path, ValueError("the room is not ready for this"))
    numbers = take_all(desk)
    assert desk.lives() == 1, "the loop goes on"
    heard_once(desk, numbers)
    for _ in range(JOB_TRIES):
        desk.clock.move_to(desk.clock.now() + timedelta(seconds=20))
        desk.lives()
    with desk.database.read() as tx:
        (dead,) = dead_jobs(tx)
    assert (dead.kind, dead.payload["act"], "not ready" in str(dead.error)) == ("tasks.step", "primary", True)
    assert desk.wanted[desk.poison] <= TRIES + 1 + JOB_TRIES


def test_a_step_that_ends_the_process_ends_so_many_and_no_more(tmp_path: Path) -> None:
    desk = Poisoned(tmp_path, SystemExit())
    numbers = take_all(desk)
    assert desk.lives() - 1 <= TRIES + 1 + JOB_TRIES
    heard_once(desk, numbers)
    with desk.database.read() as tx:
        assert [job.kind for job in dead_jobs(tx)] == ["tasks.step"]
    assert desk.wanted[desk.poison] <= TRIES + 1 + JOB_TRIES


def test_what_was_only_under_way_when_the_power_went_is_taken_at_once(tmp_path: Path) -> None:
    desk = Poisoned(tmp_path, SystemExit())
    numbers = take_all(desk)
    with pytest.raises(SystemExit):
        desk.at(timedelta(0))
    poison, desk.poison = desk.poison, 0
    desk.source = LadderClock()
    assert desk.at(timedelta(0)) == COUNT, "all of them, in one go"
    assert desk.task(poison).tries == 0, "a step that was taken leaves no count behind"
    assert sorted(one for _, _, ids in desk.heard for one in ids) == numbers


def test_one_closed_between_two_tries_is_not_taken(tmp_path: Path) -> None:
    """A person answered meanwhile: its ladder has ended."""
    desk = Poisoned(tmp_path, SystemExit())
    take_all(desk)
    with pytest.raises(SystemExit):
        desk.at(timedelta(0))
    with desk.database.begin() as tx:
        tasks.complete(tx, SYSTEM, [desk.poison])
    assert desk.lives() == 1
    assert desk.task(desk.poison).next_at is None
    desk.clock.move_to(NOON + 10 * MINUTE)
    desk.lives()
    assert desk.poison not in {one for _, act, ids in desk.heard for one in ids if act == OVERDUE}
