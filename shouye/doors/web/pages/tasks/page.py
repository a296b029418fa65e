"""事项清单；接手叫不到的名单；机器时钟已核对。"""

from __future__ import annotations

from fastapi import APIRouter, Response

from shouye.base import pulse, tasks
from shouye.base.kernel import NotFound
from shouye.doors.web.pages.tasks.action import next_task, ordered
from shouye.doors.web.visit import Act, See, back_to, render
from shouye.during import call

router = APIRouter(include_in_schema=False)


@router.get("/tasks")
def task_list(visit: See) -> Response:
    """全部事项。"""
    with visit.look() as sight:
        rows = ordered(sight, visit.actor)
        live = "#next,#owed"
        return render(visit, sight, "tasks/tasks.html", here="/tasks", rows=rows, next=next_task(rows), live=live)


@router.post("/tasks/{number}/take-over")
def take_over(visit: Act, number: int) -> Response:
    """接手 — the whole list of a task goes to who pressed."""
    with visit.act() as sight:
        task = tasks.task(sight.tx, sight.scope, number)
        if task.kind != "takeover":
            raise NotFound(f"事项 {number}")
        call.take_over(sight.tx, visit.actor, task.detail["obligations"])
    return back_to(f"/calls?notice={task.detail['notice']}&show=handed_over")


@router.post("/tasks/{number}/checked")
def clock_checked(visit: Act, number: int) -> Response:
    """已核对 — the machine's clock was looked at after it had been set."""
    with visit.act() as sight:
        pulse.clock_checked(sight.tx, visit.actor, number)
    return back_to("/tasks")
