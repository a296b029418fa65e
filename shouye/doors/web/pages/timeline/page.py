"""时间线 — read from the facts; a county reads its own."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shouye.after import review
from shouye.doors.web.visit import See, render

router = APIRouter(include_in_schema=False)

SHOWN = 300


@router.get("/timeline")
def timeline(visit: See) -> Response:
    """时间线."""
    with visit.look() as sight:
        facts = review.facts_of(sight.tx, sight.scope)
        lines = list(reversed(review.timeline(sight.tx, sight.scope, facts)))
        return render(
            visit,
            sight,
            "timeline/timeline.html",
            here="/timeline",
            live="#lines",
            lines=lines[:SHOWN],
            more=len(lines) - SHOWN,
        )
