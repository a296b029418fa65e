"""一条险情的详情和曲线数据。"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from shouye.base.kernel import NotFound
from shouye.base.rules import RuleTable
from shouye.doors.web.pages.desk.happening import answered, cited
from shouye.doors.web.readings import gauged, leading, limits, running, table_of
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.visit import See, render
from shouye.doors.web.words import ms
from shouye.watch import assess, observe, stations

router = APIRouter(include_in_schema=False)

SPAN = timedelta(hours=24)


@router.get("/situation/{hazard}/{division}")
def situation(visit: See, hazard: str, division: str) -> Response:
    """态势 — 依据、曲线、过程."""
    with visit.look() as sight:
        one = _situation(sight, hazard, division)
        found = [item for item in assess.findings(sight.tx, sight.scope, hazard) if division in item.areas]
        return render(
            visit,
            sight,
            "assess/situation.html",
            here="/",
            live="#situation,#findings,#steps",
            one=one,
            place=sight.roster.division(division),
            table=(table := table_of(visit.city.folder, hazard, one.rules)),
            cited=cited(table),
            findings=list(reversed(found)),
            steps=list(reversed(assess.history(sight.tx, sight.scope, hazard, division))),
            answered=answered(sight, hazard, division),
        )


@router.get("/situation/{hazard}/{division}/curve")
def situation_curve(visit: See, hazard: str, division: str) -> dict[str, Any]:
    """过程线 — rain of each step and its running sum at the leading gauge, with the thresholds of that window."""
    with visit.look() as sight:
        one = _situation(sight, hazard, division)
        now = sight.tx.now
        table = table_of(visit.city.folder, hazard, one.rules)
        station, hours = _watched(sight, table, one)
        raw = (
            observe.curve(sight.tx, sight.scope, station, "rain_mm", now - SPAN - timedelta(hours=hours), now)
            if station
            else []
        )
        sums = [(at, value) for at, value in running(raw, hours) if at >= now - SPAN]
        bars = [(item.time, item.value) for item in raw if item.time >= now - SPAN]
        lines = [(grade(level), limit) for level, limit in limits(table, hours)]
        return {
            "station": sight.roster.stations[station].name if station else "",
            "hours": hours,
            "bars": [[ms(at), value] for at, value in bars],
            "sums": [[ms(at), value] for at, value in sums],
            "limits": [{"word": level.word, "value": limit} for level, limit in lines if level is not None],
        }


def _situation(sight: Sight, hazard: str, division: str) -> assess.Situation:
    found = next((one for one in sight.situations if (one.hazard, one.division) == (hazard, division)), None)
    if found is None:
        raise NotFound("这里没有这个灾种的研判")
    return found


def _watched(sight: Sight, table: RuleTable, one: assess.Situation) -> tuple[str, float]:
    """The gauge and window to draw: those of the leading finding, else any gauge and the table's first window."""
    windows = [item.hours for item in table.inputs if item.hours]
    first = windows[0] if windows else 3.0
    if one.findings:
        finding = leading(assess.findings(sight.tx, sight.scope, one.hazard), one.findings)
        rule = gauged(table, finding.level, finding.values)
        return finding.station, rule.hours if rule else first
    speaking = [
        number
        for number, gauge in stations.gauges(sight.tx, sight.scope).items()
        if one.division in gauge.coverage.divisions
    ]
    return (speaking[0] if speaking else ""), first
