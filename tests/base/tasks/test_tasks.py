"""事项与阶梯 — schedules decided from the record alone, one step a pass, ends that are compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base import tasks
from shouye.base.access import CALLED, SYSTEM, WHOLE, named
from shouye.base.kernel import BEIJING, BadInput, Database, Mode, NotFound, SimClock, Tx
from shouye.base.tasks import OVERDUE, Ladder, LadderClock, Ladders, LadderStep, NewTask, Task, TaskState

pytestmark = pytest.mark.usefixtures("both_databases")

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
MINUTE = timedelta(minutes=1)
CALL = Ladder(
    "call",
    (
        LadderStep("primary", 0),
        LadderStep("primary", 120),
        LadderStep("deputy", 300),
        LadderStep(OVERDUE, 0, from_due=True),
        LadderStep("exhausted", 240, from_due=True),
    ),
)
steps = st.builds(
    LadderStep,
    st.sampled_from(["primary", "deputy", OVERDUE, "exhausted"]),
    st.integers(min_value=0, max_value=1200),
    st.booleans(),
)


def seconds(schedule: list[tuple[datetime, str]]) -> list[tuple[int, str]]:
    return [(int((at - NOON).total_seconds()), act) for at, act in schedule]


def test_steps_come_in_order_of_time_and_from_the_due_time_where_said() -> None:
    assert seconds(CALL.schedule(NOON, NOON + 10 * MINUTE)) == [
        (0, "primary"),
        (120, "primary"),
        (300, "deputy"),
        (600, OVERDUE),
        (840, "exhausted"),
    ]


def test_at_one_instant_steps_come_as_written() -> None:
    """With five minutes the deputy's turn and the due time fall together: first he is rung, then it is late."""
    assert seconds(CALL.schedule(NOON, NOON + 5 * MINUTE))[2:4] == [(300, "deputy"), (300, OVERDUE)]
    turned = Ladder("turned", (CALL.steps[3], CALL.steps[2]))
    assert seconds(turned.schedule(NOON, NOON + 5 * MINUTE)) == [(300, OVERDUE), (300, "deputy")]


@given(st.lists(steps, min_size=1, max_size=8), st.integers(min_value=0, max_value=1200))
def test_a_schedule_holds_every_step_once_in_order(given_steps: list[LadderStep], due_s: int) -> None:
    due_at = NOON + timedelta(seconds=due_s)
    ladder = Ladder("any", tuple(given_steps))
    schedule = ladder.schedule(NOON, due_at)
    assert sorted(schedule) == sorted((step.at(NOON, due_at), step.act) for step in given_steps)
    assert [at for at, _ in schedule] == sorted(at for at, _ in schedule)
    assert [ladder.next_step(NOON, due_at, taken) for taken in range(len(schedule))] == schedule
    assert ladder.next_step(NOON, due_at, len(schedule)) is None


def test_a_ladder_without_an_overdue_step_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ladder.toml"
    path.write_text('[ladder.call]\nsteps = [{ act = "primary", after_s = 0 }]\n', encoding="utf-8")
    with pytest.raises(BadInput, match="阶梯 call 没有逾期一级"):
        tasks.read_ladders(path)


def test_a_ladder_says_whether_a_document_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "ladder.toml"
    path.write_text('[ladder.x]\nsteps = [{ act = "overdue", after_s = 0, from_due = true }]\n', encoding="utf-8")
    (ladder,) = tasks.read_ladders(path).values()
    assert (ladder.mark, ladder.steps) == ("proposed", (LadderStep(OVERDUE, 0, from_due=True),))


class Desk:
    """Tasks on a fake clock; `heard` is what the room that owns them was told."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimClock(NOON)
        self.database = Database(f"sqlite:///{folder}/tasks.db", self.clock, durable=False)
        self.database.create(Mode.SIMULATION, "test")
        self.heard: list[tuple[datetime, str, list[int]]] = []
        self.book = Ladders({"call": CALL})
        self.book.handle("call", self.hear)
        self.database.install(self.book)
        self.source = LadderClock()

    def hear(self, tx: Tx, act: str, due: Sequence[Task]) -> None:
        self.heard.append((tx.now, act, [task.id for task in due]))

    def open(self, count: int = 1, kind: str = "call", within: timedelta = 10 * MINUTE) -> list[int]:
        new = [
            NewTask(kind, "notice:1", f"应答 {number}", f"v{number}", f"v{number}/head", NOON + within, "call")
            for number in range(count)
        ]
        with self.database.begin() as tx:
            return tasks.open_tasks(tx, new)

    def at(self, since: timedelta) -> int:
        self.clock.move_to(NOON + since)
        return self.source.run_due(self.database)

    def task(self, number: int) -> Task:
        with self.database.read() as tx:
            return tasks.task(tx, WHOLE, number)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_each_pass_takes_one_step(desk: Desk) -> None:
    """After a long stop nothing is leapt over or heaped up: rings keep their distance, late is said."""
    (one,) = desk.open()
    start = 60 * MINUTE
    assert desk.at(start) == 1
    assert desk.at(start) == 0, "the next ring is not due in the same breath"
    assert desk.task(one).overdue, "that it is late is known at once"
    for since in range(15):
        desk.at(start + since * MINUTE)
    heard = [(int((at - NOON - start).total_seconds()), act) for at, act, _ in desk.heard]
    assert heard == [(0, "primary"), (120, "primary"), (300, "deputy"), (360, OVERDUE), (600, "exhausted")]
    assert desk.task(one).next_at is None


def test_late_is_noted_once_at_the_due_time(desk: Desk) -> None:
    (one,) = desk.open()
    for since in (0, 120, 300):
        desk.at(timedelta(seconds=since))
    assert not desk.task(one).overdue
    assert desk.task(one).next_at == NOON + 10 * MINUTE
    desk.at(10 * MINUTE)
    assert desk.task(one).overdue
    assert desk.task(one).overdue_s(NOON + 11 * MINUTE) == 60
    desk.at(60 * MINUTE)
    assert [act for _, act, _ in desk.heard].count(OVERDUE) == 1


def test_steps_of_many_tasks_are_told_together(desk: Desk) -> None:
    numbers = desk.open(1200)
    assert numbers == sorted(numbers)
    assert desk.at(timedelta(0)) == 1200
    assert desk.heard == [(NOON, "primary", numbers)]
    with desk.database.read() as tx:
        assert desk.source.next_at(tx) == NOON + 2 * MINUTE


def test_a_kind_that_nobody_handles_still_becomes_late(desk: Desk) -> None:
    (one,) = desk.open(kind="other")
    for _ in range(5):
        desk.at(60 * MINUTE)
    assert desk.task(one).overdue
    assert desk.heard == []


def test_who_cannot_is_skipped(desk: Desk) -> None:
    (one,) = desk.open()
    desk.at(timedelta(0))
    desk.clock.move_to(NOON + timedelta(seconds=30))
    with desk.database.begin() as tx:
        tasks.skip_to(tx, [tasks.task(tx, WHOLE, one)], "deputy")
    desk.at(timedelta(seconds=30))
    assert [act for _, act, _ in desk.heard] == ["primary", "deputy"]
    assert desk.task(one).next_at == NOON + 10 * MINUTE, "the due time does not move"
    desk.at(10 * MINUTE)
    assert desk.task(one).overdue


def test_what_follows_a_step_brought_forward_keeps_its_distance() -> None:
    steps = tuple(LadderStep(act, after) for act, after in (("ring", 0), ("deputy", 300), ("deputy", 420)))
    ladder = Ladder("x", (*steps, LadderStep(OVERDUE, 0, from_due=True)))
    due_at = NOON + 10 * MINUTE
    assert ladder.schedule(NOON, due_at, ahead_s=270)[1:] == [
        (NOON + timedelta(seconds=30), "deputy"),
        (NOON + timedelta(seconds=150), "deputy"),
        (due_at, OVERDUE),
    ]


def test_skipping_to_a_step_that_is_past_changes_nothing(desk: Desk) -> None:
    (one,) = desk.open()
    for since in (0, 120, 300):
        desk.at(timedelta(seconds=since))
    before = desk.task(one)
    with desk.database.begin() as tx:
        tasks.skip_to(tx, [before], "deputy")
    assert desk.task(one) == before


def test_the_first_end_stands(desk: Desk) -> None:
    """Compare-and-set: of two who close the same task one does, and the other is told so."""
    numbers = desk.open(3)
    with desk.database.begin() as tx:
        assert tasks.hand_over(tx, named("dt/city_duty"), numbers[:2]) == numbers[:2]
        assert tasks.complete(tx, CALLED, numbers) == numbers[2:]
        assert tasks.cancel(tx, SYSTEM, numbers) == []
    assert [desk.task(number).state for number in numbers] == [
        TaskState.HANDED_OVER,
        TaskState.HANDED_OVER,
        TaskState.DONE,
    ]
    assert (desk.task(numbers[0]).closed_by, desk.task(numbers[0]).closed_at) == ("dt/city_duty", NOON)


def test_what_is_closed_climbs_no_more(desk: Desk) -> None:
    (one, two) = desk.open(2)
    desk.at(timedelta(0))
    with desk.database.begin() as tx:
        tasks.complete(tx, CALLED, [one])
    desk.at(60 * MINUTE)
    assert desk.heard[-1] == (NOON + 60 * MINUTE, "primary", [two])
    assert desk.task(one).next_at is None


def test_more_than_a_statement_holds_are_closed(desk: Desk) -> None:
    numbers = desk.open(1201)
    with desk.database.begin() as tx:
        assert tasks.complete(tx, CALLED, set(numbers)) == numbers
        assert tasks.owed(tx, WHOLE) == []


def test_acknowledged_is_still_owed(desk: Desk) -> None:
    (one,) = desk.open()
    with desk.database.begin() as tx:
        assert tasks.acknowledge(tx, one)
        assert not tasks.acknowledge(tx, one)
        assert [task.id for task in tasks.owed(tx, WHOLE)] == [one]
    desk.at(timedelta(0))
    assert [act for _, act, _ in desk.heard] == ["primary"]
    with desk.database.begin() as tx:
        assert tasks.complete(tx, CALLED, [one]) == [one]
        assert not tasks.acknowledge(tx, one)


def test_owed_comes_by_due_time_and_kind(desk: Desk) -> None:
    later = desk.open(kind="review")
    sooner = desk.open(within=5 * MINUTE)
    with desk.database.read() as tx:
        assert [task.id for task in tasks.owed(tx, WHOLE)] == [*sooner, *later]
        assert [task.id for task in tasks.owed(tx, WHOLE, ("review",))] == later
        assert [task.id for task in tasks.owed(tx, WHOLE, without=("review",))] == sooner
        assert [task.id for task in tasks.opened_after(tx, later[0], ("call", "review"))] == sooner
        assert tasks.owed_at(tx, "notice:1", "call", ["v0"]) == sooner
        assert tasks.owed_at(tx, "notice:2", "call", ["v0"]) == []
        assert [task.id for task in tasks.in_group(tx, "notice:1", "review")] == later


def test_a_list_that_grows_is_one_task(desk: Desk) -> None:
    (one,) = desk.open()
    with desk.database.begin() as tx:
        tasks.retitle(tx, one, "派人叫醒 2 件", {"obligations": [1, 2]})
    assert (desk.task(one).title, desk.task(one).detail) == ("派人叫醒 2 件", {"obligations": [1, 2]})


def test_an_unknown_task_is_refused(desk: Desk) -> None:
    with desk.database.read() as tx, pytest.raises(NotFound, match="事项 99"):
        tasks.task(tx, WHOLE, 99)
