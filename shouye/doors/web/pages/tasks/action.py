"""下一个动作 — where an officer goes to do what a task asks; the task's room decides whether he may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shouye.base import pulse, tasks
from shouye.base.access import Actor, Permission
from shouye.doors.web.sight import Sight
from shouye.during import warn
from shouye.watch import assess


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
        draft = warn.proposal_of_task(sight.tx, sight.scope, task.id)
        href = f"/notices?draft={draft.id}#draft-{draft.id}" if draft else "/notices"
        return TaskAction("去签发", href, mine=actor.may(Permission.ISSUE), why="拟稿等人签发；不签就没有人被叫醒")
    if task.kind == "review":
        why = "到了复核时间：险情还在就延长，不在就撤回"
        return TaskAction("去复核", f"/notices#{task.group}", mine=actor.may(Permission.ISSUE), why=why)
    if task.kind == "takeover":
        why = "本人、副手都已呼完，上面再没有人可转；接手后由你负责找到他们"
        mine = actor.may(Permission.ACT)
        return TaskAction("我来接手", f"/tasks/{task.id}/take-over", posts=True, mine=mine, why=why)
    if task.kind == tasks.UPKEEP:
        why = "机器试过几次都没有做成，不会再试；它该做的事现在没有人做"
        return TaskAction("看停下的作业", "/silence", mine=actor.may(Permission.ACT), why=why)
    if task.kind == pulse.CLOCK:
        why = "阶梯、时限、读数的新旧都按时间算；对着电话报时或北斗时间核一遍，错了就改过来"
        href = f"/tasks/{task.id}/checked"
        return TaskAction("时间已核对", href, posts=True, mine=actor.may(Permission.ACT), why=why)
    if task.kind == assess.ELEMENTS:
        why = "同一测站两个要素报的雨不一样；只有一个参与判定，须有人查哪一个对"
        href = f"/stations/{task.group.removeprefix('station:')}"
        return TaskAction("看这个测站", href, mine=actor.may(Permission.ACT), why=why)
    if task.kind == "silence":
        why = "问清为什么听不到、几时恢复；恢复之前这里未知，不是平安"
        return TaskAction("去问", f"/silence#task-{task.id}", mine=actor.may(Permission.ACT), why=why)
    notice = task.group.partition(":")[2] if task.group.startswith("notice:") else ""
    href = f"/calls?notice={notice}" if notice else "/calls"
    label = {"door": "派人敲门", "return": "看名单"}.get(task.kind, "打开")
    why = {"door": "逾期未应的人还没有人上门", "return": "要求的回报还没有来"}.get(task.kind, "")
    return TaskAction(label, href, mine=actor.may(Permission.ACT), why=why)


LATER = ("return", "silence")
"""Reports and questions to sources: one answers nobody in danger by asking them first."""


def ordered(sight: Sight, actor: Actor) -> list[tuple[tasks.Task, TaskAction]]:
    """现在应办 — what his own posts owe, then what is overdue, then by due time; reports and silences last."""

    def urgency(task: tasks.Task) -> tuple[bool, bool, bool, datetime, int]:
        return (
            task.kind in LATER,
            task.owner not in actor.posts,
            task.due_at >= sight.tx.now,
            task.due_at,
            task.id,
        )

    return [(task, action(task, sight, actor)) for task in sorted(sight.owed, key=urgency)]


def next_task(rows: list[tuple[tasks.Task, TaskAction]]) -> tuple[tasks.Task, TaskAction] | None:
    """下一步 — the first thing that this actor himself can do."""
    return next((row for row in rows if row[1].mine), None)
