"""事实 — the timeline as a person reads it, and the facts behind it; a county reads its own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from shouye.after import review
from shouye.doors.web.api import View
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiSee

router = api("事实")

After = Annotated[int, Query(ge=0, le=2**62, description="接着读：上一页最后一条的编号")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class FactView(View):
    """一条事实 — ids and values, never names or numbers of people."""

    id: int
    at: datetime
    kind: str
    subject: str
    actor: str
    body: dict[str, Any]


class LineView(View):
    """时间线的一行。"""

    at: datetime
    kind: str
    level: str | None
    text: str


@router.get("/facts")
def facts(visit: ApiSee, after: After = 0, limit: Limit = 200) -> list[FactView]:
    """事实 — in the order they were written."""
    with visit.look() as sight:
        found = review.facts_of(sight.tx, sight.scope, after)
        return [FactView.model_validate(one) for one in found[:limit]]


@router.get("/timeline")
def timeline(visit: ApiSee, limit: Limit = 200) -> list[LineView]:
    """时间线 — newest first."""
    with visit.look() as sight:
        found = review.facts_of(sight.tx, sight.scope)
        lines = list(reversed(review.timeline(sight.tx, sight.scope, found)))
        return [LineView.model_validate(one) for one in lines[:limit]]
