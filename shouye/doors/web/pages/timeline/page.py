"""时间线 — read from the facts; a county reads its own."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shouye.after import review
from shouye.base.kernel import RecordedFact, facts_since
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import See, render

router = APIRouter(include_in_schema=False)

SHOWN = 300


@router.get("/timeline")
def timeline(visit: See) -> Response:
    """时间线."""
    with visit.look() as sight:
        facts = [fact for fact in facts_since(sight.tx) if concerns(sight, fact)]
        lines = list(reversed(review.timeline(sight.tx, facts)))
        return render(
            visit,
            sight,
            "timeline/timeline.html",
            here="/timeline",
            live="#lines",
            lines=lines[:SHOWN],
            more=len(lines) - SHOWN,
        )


def concerns(sight: Sight, fact: RecordedFact) -> bool:
    """By the place the fact names, else by the notice it is about."""
    place = fact.body.get("county") or fact.body.get("division")
    if isinstance(place, str):
        return sight.concerns(place)
    if fact.subject.startswith("notice:"):
        return fact.subject in {notice.group for notice in sight.notices}
    return sight.inside(sight.roster.city.id)
