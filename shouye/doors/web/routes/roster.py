"""行政区划与岗位 — public facts of the city; who holds a post is not among them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from shouye.base.kernel import NotFound
from shouye.base.roster import DivisionLevel, Post
from shouye.doors.web.api import View, Word
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiSee

router = api("区划")


class DivisionView(View):
    """行政区划。"""

    id: str
    name: str
    short: str
    level: DivisionLevel
    kind: str
    parent: str | None
    lon: float | None
    lat: float | None


class PostView(View):
    """岗位。"""

    id: str
    division: str
    kind: str
    title: str
    superior: str | None
    department: str


@router.get("/divisions")
def divisions(
    visit: ApiSee, parent: Annotated[str, Query(max_length=40)] = "", level: DivisionLevel | None = None
) -> list[DivisionView]:
    """管辖范围内的区划 — all of them, or those below one, or of one level."""
    roster, scope = visit.city.roster, visit.actor.scope
    return [
        DivisionView.model_validate(one)
        for one in roster.divisions.values()
        if scope.covers(roster, one.id)
        and (not parent or one.parent == parent)
        and (level is None or one.level is level)
    ]


@router.get("/divisions/{division}")
def division(visit: ApiSee, division: Word) -> DivisionView:
    """一处区划。"""
    roster = visit.city.roster
    found = roster.division(division)
    if not visit.actor.scope.concerns(roster, division):
        raise NotFound(f"区划 {division}")
    return DivisionView.model_validate(found)


@router.get("/divisions/{division}/posts")
def posts(visit: ApiSee, division: Word) -> list[PostView]:
    """一处的岗位。"""
    roster = visit.city.roster
    found: tuple[Post, ...] = roster.posts_of(roster.division(division).id)
    if not visit.actor.scope.concerns(roster, division):
        raise NotFound(f"区划 {division}")
    return [PostView.model_validate(one) for one in found]
