"""下一个动作 — where an officer goes to do what a task asks; the task's room decides whether he may."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base import tasks
from shouye.base.access import Actor, Permission
from shouye.doors.web.sight import Sight
from shouye.during import warn


@dataclass(frozen=True)
class TaskAction:
    """动作 — a link, or a form that is posted; `mine` when this actor may do it himself."""

    label: str
    href: str
    posts: bool = False
    mine: bool = False
    why: str = ""


def action(task: tasks.Task, sight: Sight, actor: Actor) -> TaskAction:
    """What to offer beside a task."""
    if task.kind == "approve":
        draft = warn.proposal_of_task(sight.tx, task.id)
        href = f"/notices#draft-{draft.id}" if draft else "/notices"
        return TaskAction("去签发", href, mine=actor.may(Permission.ISSUE), why="拟稿等人签发；不签就没有人被叫醒")
    if task.kind == "review":
        why = "到了复核时间：险情还在就延长，不在就撤回"
        return TaskAction("去复核", f"/notices#{task.group}", mine=actor.may(Permission.ISSUE), why=why)
    if task.kind == "takeover":
        why = "本人、副手都已呼完，上面再没有人可转；接手后由你负责找到他们"
        mine = actor.may(Permission.ACT)
        return TaskAction("我来接手", f"/tasks/{task.id}/take-over", posts=True, mine=mine, why=why)
    notice = task.group.partition(":")[2] if task.group.startswith("notice:") else ""
    href = f"/calls?notice={notice}" if notice else "/calls"
    label = {"door": "派人敲门", "return": "看名单"}.get(task.kind, "打开")
    why = {"door": "逾期未应的人还没有人上门", "return": "要求的回报还没有来"}.get(task.kind, "")
    return TaskAction(label, href, mine=actor.may(Permission.ACT), why=why)


def next_task(owed: list[tasks.Task], sight: Sight, actor: Actor) -> tuple[tasks.Task, TaskAction] | None:
    """下一步 — the most urgent thing that this actor himself can do."""
    for task in owed:
        offered = action(task, sight, actor)
        if offered.mine:
            return task, offered
    return None
