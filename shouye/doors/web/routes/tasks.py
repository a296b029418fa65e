"""事项 — what is owed, by whom, by when."""

from __future__ import annotations

from datetime import datetime

from shouye.base import tasks
from shouye.base.kernel import NotFound
from shouye.doors.web.api import Number, View
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiAct, ApiSee
from shouye.during import call

router = api("事项")


class TaskView(View):
    """事项。"""

    id: int
    kind: str
    group: str
    title: str
    division: str
    owner: str
    opened_at: datetime
    due_at: datetime
    state: tasks.TaskState
    overdue: bool
    closed_at: datetime | None
    closed_by: str | None


@router.get("/tasks")
def owed(visit: ApiSee) -> list[TaskView]:
    """现在应办 — by due time; calls have a list of their own."""
    with visit.look() as sight:
        return [TaskView.model_validate(one) for one in sight.owed]


@router.get("/tasks/{number}")
def task(visit: ApiSee, number: Number) -> TaskView:
    """一件事项。"""
    with visit.look() as sight:
        return TaskView.model_validate(tasks.task(sight.tx, sight.scope, number))


@router.post("/tasks/{number}/take-over")
def take_over(visit: ApiAct, number: Number) -> TaskView:
    """接手 — the whole list of a task goes to who asks."""
    with visit.act() as sight:
        found = tasks.task(sight.tx, sight.scope, number)
        if found.kind != "takeover":
            raise NotFound(f"事项 {number}")
        call.take_over(sight.tx, visit.actor, found.detail["obligations"])
        return TaskView.model_validate(tasks.task(sight.tx, sight.scope, number))
