"""一并签发与不予签发；通知升级、降级、延长、撤回。The room decides who may sign; here his post is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Response

from shouye.base.access import Actor
from shouye.base.kernel import AlertLevel, BadInput, NotFound, Stale, TransferStage, Tx, rank_of
from shouye.doors.web.pages.warn.pending import together
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.visit import Issue, See, back_to, render
from shouye.during import warn

router = APIRouter(include_in_schema=False)

Reason = Annotated[str, Form(max_length=400)]
Change = Callable[[Tx, Actor, int, str], warn.Notice]
CHANGES: dict[str, Change] = {"extend": warn.extend, "withdraw": warn.withdraw}


class DraftChanged(Stale):
    """拟稿已有变化，没有签发；请看过新的拟稿再签。"""


@router.get("/notices")
def notices(visit: See, draft: int = 0) -> Response:
    """通知 — 待批在前; `draft` names the one an officer comes to sign: it leads the list and F2 signs it."""
    with visit.look() as sight:
        waiting = together(sight)
        ended = [one for one in sight.notices if one.state is not warn.NoticeState.IN_FORCE]
        return render(
            visit,
            sight,
            "warn/notices.html",
            here="/notices",
            live="#pending,#in-force,#ended",
            pending=sorted(waiting, key=lambda one: (draft not in one.numbers, -one.rank)),
            in_force=[(one, warn.revisions(sight.tx, sight.scope, one.id)) for one in reversed(sight.in_force)],
            ended=[(one, warn.revisions(sight.tx, sight.scope, one.id)) for one in reversed(ended)],
            levels=levels_of,
            signs_as=signing_post(sight, visit.actor),
        )


@router.post("/proposals/{number}/approve")
def approve(visit: Issue, number: int, seen: Annotated[str, Form()] = "") -> Response:
    """签发 — exactly what was shown; people are woken from here on, so the board of their calls comes next."""
    with visit.act() as sight:
        shown = next((one for one in together(sight) if number in one.numbers), None)
        if shown is not None and shown.seen != seen:
            raise DraftChanged
        signed = warn.approve_together(sight.tx, visit.actor, number)
    first = max(signed, key=lambda one: rank_of(one.level))
    return back_to(f"/calls?notice={first.id}" if shown is not None and shown.wakes else "/notices")


@router.post("/proposals/{number}/refuse")
def refuse(visit: Issue, number: int, reason: Reason = "") -> Response:
    """不予签发."""
    with visit.act() as sight:
        warn.refuse(sight.tx, visit.actor, number, reason)
    return back_to("/notices")


@router.post("/notices/{number}/level")
def change_level(visit: Issue, number: int, level: Annotated[str, Form()], reason: Reason = "") -> Response:
    """升级或降级 — the direction follows from the level chosen."""
    with visit.act() as sight:
        notice = warn.notice(sight.tx, sight.scope, number)
        if level not in [one.value for one in levels_of(notice)]:
            raise BadInput("级别")
        verb = warn.raise_level if rank_of(level) > rank_of(notice.level) else warn.lower
        verb(sight.tx, visit.actor, number, level, reason)
    return back_to("/notices")


@router.post("/notices/{number}/{change}")
def change(visit: Issue, number: int, change: str, reason: Reason = "") -> Response:
    """延长、撤回."""
    if change not in CHANGES:
        raise NotFound(change)
    with visit.act() as sight:
        CHANGES[change](sight.tx, visit.actor, number, reason)
    return back_to("/notices")


def levels_of(notice: warn.Notice) -> list[AlertLevel] | list[TransferStage]:
    """The other levels of the notice's own scale."""
    if isinstance(grade(notice.level), AlertLevel):
        return [level for level in reversed(AlertLevel) if level.value != notice.level]
    return [stage for stage in reversed(TransferStage) if stage.value != notice.level]


def signing_post(sight: Sight, actor: Actor) -> str:
    """以何岗位签发 — the first post of the policy that the actor holds; without one the room refuses."""
    approvers = sight.tx.of(warn.WarnPolicy).approvers
    return next((post for post in approvers if post in actor.posts), actor.tag)
