"""立项、办结、移交、升级 — the verbs of tasks. The ladder belongs to the task: nothing else escalates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shouye.base.access import Actor, Scope, covers
from shouye.base.kernel import NotFound, Tx, enqueue
from shouye.base.tasks import store
from shouye.base.tasks.model import OVERDUE, Ladder, NewTask, Task, TaskState

STEP_JOB = "tasks.step"
"""作业 — tell the room that owns a task of its step, when it could not be told with the others."""

StepHandler = Callable[[Tx, str, Sequence[Task]], None]
"""What a room does when a step of its kind of task falls due: (tx, act, tasks), in the ladder's transaction."""


CATCH_UP = timedelta(seconds=30)
"""停机之后 — a step later than this was missed: what follows is not heaped upon it."""


@dataclass
class Ladders:
    """阶梯册 — the ladders in force and who handles which kind of task."""

    ladders: Mapping[str, Ladder]
    handlers: dict[str, StepHandler] = field(default_factory=dict)

    def handle(self, kind: str, handler: StepHandler) -> None:
        self.handlers[kind] = handler

    def first_step(self, task: NewTask, now: datetime) -> datetime | None:
        step = self.ladders[task.ladder].next_step(now, task.due_at, 0)
        return step[0] if step else None


def open_tasks(tx: Tx, new: Sequence[NewTask]) -> list[int]:
    """立项 — write what is owed, in bulk; the ladder starts at once."""
    book = tx.of(Ladders)
    return store.insert_tasks(tx, new, [book.first_step(item, tx.now) for item in new])


def next_step_at(tx: Tx) -> datetime | None:
    """When the next step of any ladder falls due."""
    return store.next_instant(tx)


def due(tx: Tx, by: datetime, limit: int) -> list[Task]:
    """到时的事项 — whose step was due by then: the longest due first."""
    return store.due_tasks(tx, by, limit)


def count_tries(tx: Tx, tasks: Sequence[Task]) -> None:
    """先记后做 — the step of each of these is begun once more."""
    store.count_tries(tx, [task.id for task in tasks])


def climb(tx: Tx, due: Sequence[Task]) -> None:
    """升级 — take the due step of these tasks and tell the rooms that own them."""
    for (kind, act), tasks in _step(tx, due).items():
        _tell(tx, kind, act, tasks)


def set_apart(tx: Tx, task: Task) -> None:
    """单独处理 — the room could not take this step: the ladder goes on, a job of its own tells the room."""
    for _, act in _step(tx, [task]):
        enqueue(tx, kind=STEP_JOB, lane=f"task:{task.id}", due_at=tx.now, payload={"task": task.id, "act": act})


def tell_again(tx: Tx, payload: dict[str, Any]) -> None:
    """The job's part: the task as it is now."""
    for task in store.by_ids(tx, [payload["task"]]):
        _tell(tx, task.kind, payload["act"], [task])


def _tell(tx: Tx, kind: str, act: str, tasks: Sequence[Task]) -> None:
    handlers = tx.of(Ladders).handlers
    if kind in handlers:
        handlers[kind](tx, act, tasks)


def _step(tx: Tx, due: Sequence[Task]) -> dict[tuple[str, str], list[Task]]:
    """Take the steps; returns the tasks by kind and act."""
    book = tx.of(Ladders)
    rows: list[dict[str, Any]] = []
    acts: dict[tuple[str, str], list[Task]] = {}
    for task in due:
        ladder = book.ladders[task.ladder]
        ahead = ladder.schedule(task.opened_at, task.due_at, task.ahead_s)[task.taken :]
        if not ahead:
            rows.append(_step_row(task, task.taken, None))
            continue
        step, following = ahead[0], ahead[1] if len(ahead) > 1 else None
        next_at = following[0] if following else None
        if following is not None and following[1] != OVERDUE and tx.now - step[0] > CATCH_UP:
            next_at = max(following[0], tx.now + (following[0] - step[0]))  # missed steps keep their distance
        rows.append(_step_row(task, task.taken + 1, next_at, late=step[1] == OVERDUE or tx.now > task.due_at))
        acts.setdefault((task.kind, step[1]), []).append(task)
    store.write_steps(tx, rows)
    return acts


def skip_to(tx: Tx, tasks: Sequence[Task], act: str) -> None:
    """提前升级 — a person has said he cannot: go on to `act` now; what follows keeps its distance from it."""
    book = tx.of(Ladders)
    rows = []
    for task in tasks:
        schedule = book.ladders[task.ladder].schedule(task.opened_at, task.due_at, task.ahead_s)
        taken = next((i for i, (_, name) in enumerate(schedule) if i >= task.taken and name == act), None)
        if taken is None:
            continue
        late = any(name == OVERDUE for _, name in schedule[:taken])
        # Steps counted from the due time stand still; with one behind us, others must keep their place.
        ahead_s = 0 if late else max(0, int((schedule[taken][0] - tx.now).total_seconds()))
        rows.append(_step_row(task, taken, tx.now, late=late, ahead_s=task.ahead_s + ahead_s))
    store.write_steps(tx, rows)


def complete(tx: Tx, by: Actor, ids: Collection[int]) -> list[int]:
    """办结。Returns the tasks that were still owed and are now done."""
    return store.close(tx, ids, TaskState.DONE, by.signs_as)


def cancel(tx: Tx, by: Actor, ids: Collection[int]) -> list[int]:
    """撤销 — the ground for it is gone."""
    return store.close(tx, ids, TaskState.CANCELLED, by.signs_as)


def hand_over(tx: Tx, by: Actor, ids: Collection[int]) -> list[int]:
    """移交 — a person takes it over by name."""
    return store.close(tx, ids, TaskState.HANDED_OVER, by.signs_as)


def acknowledge(tx: Tx, task_id: int) -> bool:
    """知悉 — seen by its owner; it stays owed."""
    return store.set_state(tx, task_id, TaskState.ACKNOWLEDGED)


def retitle(tx: Tx, task_id: int, title: str, detail: dict[str, Any]) -> None:
    """A list that grows keeps one task: its title and detail say what it now holds."""
    store.set_texts(tx, [(task_id, title, detail)])


def retitle_all(tx: Tx, texts: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
    """The same for many: (task, title, detail)."""
    store.set_texts(tx, texts)


def task(tx: Tx, scope: Scope, task_id: int) -> Task:
    found = store.get(tx, task_id)
    if found is None or not covers(tx, scope, found.division):
        raise NotFound(f"事项 {task_id}")
    return found


def owed(tx: Tx, scope: Scope, kinds: Collection[str] = (), without: Collection[str] = ()) -> list[Task]:
    """现在应办 — what is owed, by due time; `without` leaves out kinds that have a board of their own."""
    return [one for one in store.owed(tx, kinds, without) if covers(tx, scope, one.division)]


def opened_after(tx: Tx, number: int, kinds: Collection[str]) -> list[Task]:
    """Tasks of these kinds opened since the one with this id, whatever has become of them."""
    return store.opened_after(tx, number, kinds)


def owed_at(tx: Tx, group: str, kind: str, divisions: Collection[str]) -> list[int]:
    """The ids of tasks of this group and kind that these divisions still owe."""
    return store.owed_at(tx, group, kind, divisions)


def in_group(tx: Tx, group: str, kind: str) -> list[Task]:
    return store.in_group(tx, group, kind)


def owed_tasks_at(tx: Tx, group: str, kind: str, divisions: Collection[str]) -> list[Task]:
    """What these divisions still owe of this group and kind."""
    return store.owed_tasks_at(tx, group, kind, divisions)


def by_ids(tx: Tx, ids: Collection[int]) -> list[Task]:
    """These tasks, whatever has become of them, in the order of their numbers."""
    return store.by_ids(tx, ids)


def _step_row(
    task: Task, taken: int, next_at: datetime | None, *, late: bool = False, ahead_s: int | None = None
) -> dict[str, Any]:
    return {
        "task": task.id,
        "taken_": taken,
        "ahead_": task.ahead_s if ahead_s is None else ahead_s,
        "next_": next_at,
        "overdue_": task.overdue or late,
    }
