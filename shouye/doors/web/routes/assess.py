"""研判 — situations and findings; a finding is ours and is never an official warning signal."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query

from shouye.base.kernel import NotFound
from shouye.doors.web.api import Number, View, Word
from shouye.doors.web.api import router as api
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import ApiSee
from shouye.watch import assess

router = api("研判")


class SituationView(View):
    """态势 — without a level it is 无险情, or 未知 when `unknown`."""

    hazard: str
    term: str
    rules: str
    division: str
    level: str | None
    word: str
    since: datetime | None
    changed_at: datetime | None
    review_at: datetime | None
    findings: list[int]
    stations: list[str]
    best: str
    unknown: bool
    unheard: list[str]
    basis: str


class StepView(View):
    """态势变化。"""

    at: datetime
    level: str | None
    previous: str | None
    ground: str
    findings: list[int]


class FindingView(View):
    """监测告警 — 实况达到标准，非气象预警信号."""

    id: int
    hazard: str
    rules: str
    level: str
    word: str
    station: str
    division: str
    areas: list[str]
    basis: str
    first_at: datetime
    found_at: datetime
    until: datetime | None
    values: dict[str, float]
    missing: list[str]
    text: str
    mark: str
    already_over: bool
    retracted_at: datetime | None
    open: bool


@router.get("/situations")
def situations(visit: ApiSee) -> list[SituationView]:
    """态势 — every watched division and hazard, the calm and the unknown ones too; highest first."""
    with visit.look() as sight:
        return [SituationView.model_validate(one) for one in sight.situations]


@router.get("/situations/{hazard}/{division}")
def situation(visit: ApiSee, hazard: Word, division: Word) -> SituationView:
    """一地一灾种的态势。"""
    with visit.look() as sight:
        return SituationView.model_validate(_situation(sight, hazard, division))


@router.get("/situations/{hazard}/{division}/history")
def history(visit: ApiSee, hazard: Word, division: Word) -> list[StepView]:
    """态势变化 — in the order in which we learnt it."""
    with visit.look() as sight:
        _situation(sight, hazard, division)
        return [StepView.model_validate(one) for one in assess.history(sight.tx, sight.scope, hazard, division)]


@router.get("/findings")
def findings(
    visit: ApiSee, hazard: Annotated[str, Query(max_length=40)] = "", open: bool = False
) -> list[FindingView]:
    """监测告警 — all of them, or only those in force."""
    with visit.look() as sight:
        found = assess.findings(sight.tx, sight.scope, hazard or None)
        return [FindingView.model_validate(one) for one in found if one.open or not open]


@router.get("/findings/{number}")
def finding(visit: ApiSee, number: Number) -> FindingView:
    """一条监测告警。"""
    with visit.look() as sight:
        return FindingView.model_validate(assess.finding(sight.tx, sight.scope, number))


def _situation(sight: Sight, hazard: str, division: str) -> assess.Situation:
    found = next((one for one in sight.situations if (one.hazard, one.division) == (hazard, division)), None)
    if found is None:
        raise NotFound("这里没有这个灾种的研判")
    return found
