"""一个测站 — its curve with the thresholds in force, its readings with their flags, a person's word on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response

from shouye.base.kernel import BEIJING, BadInput, NotFound
from shouye.base.papers import Sheet
from shouye.base.roster import Station
from shouye.base.rules import RuleTable
from shouye.doors.web.context import CityContext
from shouye.doors.web.download import Kind, download
from shouye.doors.web.pages.observe.board import rows
from shouye.doors.web.pages.observe.plot import (
    SPANS,
    Look,
    facts_of,
    limits_of,
    look,
    single,
    source_of,
    tables_for,
    thinned,
    windows,
)
from shouye.doors.web.pages.observe.stations import owners_of
from shouye.doors.web.readings import gauged, running
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, See, Visit, back_to, render
from shouye.doors.web.words import from_local, ms
from shouye.watch import archive, assess, observe
from shouye.watch.observe import Quality
from shouye.watch.stations import Gauge, gauges

router = APIRouter(include_in_schema=False)

SHOWN = 200
"""Readings in the table of the page; the file has all of them."""
MOST = 200_000
USUAL_H = 3.0
TABLE = timedelta(days=3)
"""Of a long span the page lists its last days."""

Word = Annotated[str, Query(max_length=60)]
Range = Annotated[str, Query(max_length=4)]
Until = Annotated[str, Query(max_length=19)]


class Verdict(StrEnum):
    """人工判定 — what a person says of readings."""

    BAD = "bad"
    SUSPECT = "suspect"
    GOOD = "good"
    CORRECTED = "corrected"

    @property
    def word(self) -> str:
        return {
            "bad": "判为无效，不参与研判",
            "suspect": "判为可疑，照样参与研判",
            "good": "判为可用",
            "corrected": "订正为",
        }[self.value]

    @property
    def quality(self) -> Quality:
        """What it makes of the readings; a corrected one is good."""
        return Quality.GOOD if self is Verdict.CORRECTED else Quality(self.value)


@router.get("/stations/{station}")
def one_station(
    visit: See,
    station: str,
    element: Word = "",
    span: Range = "24h",
    hours: float = 0,
    mark: int = 0,
    until: Until = "",
) -> Response:
    """测站 — one element over one span up to any time; `mark`: the reading of which a person wants to speak."""
    with visit.look() as sight:
        place, gauge = _station(sight, station)
        series = _series(visit, sight, station, gauge)
        known = list(dict.fromkeys(row.reading.element for row in series if row.reading))
        chosen = element or (known[0] if known else "")
        if element and element not in known:
            raise NotFound(f"测站 {station} 的要素")
        seen = look(span, until, sight.tx.now)
        tables = tables_for(visit.city.folder, _rules(sight), chosen)
        readings = _readings(sight, station, chosen, seen) if chosen else []
        return render(
            visit,
            sight,
            "observe/station.html",
            here="/stations",
            live="#now,#readings",
            slow=True,
            place=place,
            gauge=gauge,
            series=series,
            owners=owners_of(visit.city).get(station, []),
            chosen=chosen,
            span=span,
            seen=seen,
            spans=SPANS,
            listed=replace(seen, span=SPANS["3d"]).word if seen.span.stretch else seen.word,
            newest=next((row.reading for row in series if row.reading and row.reading.element == chosen), None),
            hours=hours or _window(tables, [one for row in series for one in row.findings]),
            windows=windows(tables),
            tables=[table for _, table in tables],
            readings=list(reversed(readings[-SHOWN:])),
            more=max(0, len(readings) - SHOWN),
            limits_source=source_of(visit.city.folder, station),
            marks=list(reversed(observe.marks(sight.tx, sight.scope, station, chosen))) if chosen else [],
            marking=next((one for one in readings if ms(one.time) == mark), None),
            verdicts=Verdict,
        )


@router.get("/stations/{station}/curve")
def station_curve(
    visit: See, station: str, element: Word = "", span: Range = "24h", hours: float = 0, until: Until = ""
) -> dict[str, Any]:
    """过程线数据."""
    with visit.look() as sight:
        _station(sight, station)
        seen, chosen = _seen(sight, element, span, until), sight.elements[element]
        is_sum = chosen.kind == "sum"
        since, end = seen.since, seen.until
        readings: list[observe.Reading] = []
        if seen.span.stretch:
            many = round(seen.span.length / seen.span.stretch)
            line = thinned(
                archive.thinned(sight.tx, sight.scope, visit.city.history, station, element, since, end, many),
                seen,
                is_sum=is_sum,
            )
        else:
            readings = _readings(sight, station, element, seen, hours if is_sum else 0)
            line = single([one for one in readings if one.time > since], since, end)
        tables = tables_for(visit.city.folder, _rules(sight), element)
        constants = facts_of(visit.city.folder, station)
        summed = is_sum and hours > 0 and not seen.span.stretch
        limits = limits_of(tables, element, hours, constants) if summed or not is_sum else []
        sums = [(at, value) for at, value in running(readings, hours) if at > since]
        return {
            "term": chosen.term,
            "unit": chosen.unit,
            "since": ms(since),
            "until": ms(end),
            "bars": is_sum,
            "hours": hours,
            "points": line.points,
            "band": line.band,
            "gaps": line.gaps,
            "flagged": line.flagged,
            "sums": [[ms(at), value] for at, value in sums] if summed else [],
            "limits": [{"word": one.word, "value": one.value} for one in limits],
            "note": _note(seen, is_sum, [one.word for one in limits], len(line.flagged)),
        }


@router.get("/stations/{station}/export.{kind}")
def export(
    visit: See, station: str, kind: Kind, element: Word = "", span: Range = "24h", until: Until = ""
) -> Response:
    """读数导出 — every reading of the span as it was sent, with what is thought of it."""
    with visit.look() as sight:
        sheet = readings_sheet(visit.city, sight, station, element, _seen(sight, element, span, until))
    return download(visit, sheet, kind)


def readings_sheet(city: CityContext, sight: Sight, station: str, element: str, seen: Look) -> Sheet:
    """读数 as a list, for the file and for the command line."""
    place, _ = _station(sight, station)
    found = archive.all_of(sight.tx, sight.scope, city.history, station, element, seen.since, seen.until)
    readings = list(islice(found, MOST + 1))
    if len(readings) > MOST:
        raise BadInput(f"超过 {MOST} 行，请缩短时段")
    known = sight.elements[element]
    lines = [
        (
            one.time,
            one.value,
            one.counted,
            known.unit,
            one.step.total_seconds() / 60,
            one.revision,
            "缺测" if one.value is None else one.quality.word,
            "；".join(flag.why for flag in one.flags),
        )
        for one in readings
    ]
    heads = ("时间（北京时间）", "来数", "参与研判的值", "单位", "时段（分）", "订正次数", "质量", "说明")
    return Sheet(f"{place.name} {known.term} {seen.word}".replace(":", ""), heads, lines)


@router.post("/stations/{station}/marks")
def mark_readings(
    visit: Act,
    station: str,
    element: Annotated[str, Form(max_length=60)],
    since: Annotated[datetime, Form()],
    verdict: Annotated[Verdict, Form()],
    reason: Annotated[str, Form(max_length=400)] = "",
    until: Annotated[str, Form(max_length=40)] = "",
    value: Annotated[str, Form(max_length=20)] = "",
    back: Annotated[str, Form(max_length=80, pattern="^[A-Za-z0-9=&:.-]*$")] = "",
) -> Response:
    """人工标记 — good, suspect, bad or truly another value; what was sent stays, the judge looks again."""
    with visit.act() as sight:
        _station(sight, station)
        end = None if not until else from_local(until)
        observe.mark_readings(
            sight.tx,
            visit.actor,
            station,
            element,
            since if since.tzinfo else since.replace(tzinfo=BEIJING),
            end,
            verdict.quality,
            reason,
            _number(value) if verdict is Verdict.CORRECTED else None,
        )
    return back_to(f"/stations/{station}?element={element}&{back}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput("请写明订正后的数值") from None


def _station(sight: Sight, station: str) -> tuple[Station, Gauge]:
    gauge = gauges(sight.tx, sight.scope).get(station)
    if gauge is None or station not in sight.roster.stations:
        raise NotFound(f"测站 {station}")
    return sight.roster.stations[station], gauge


def _seen(sight: Sight, element: str, span: str, until: str) -> Look:
    if not element:
        raise NotFound("要素")
    return look(span, until, sight.tx.now)


def _series(visit: Visit, sight: Sight, station: str, gauge: Gauge) -> list[Any]:
    """The latest of each of its series, as in the list."""
    mine = [one for one in observe.latest_all(sight.tx, sight.scope) if one.station == station]
    findings = assess.findings(sight.tx, sight.scope)
    measures = observe.Measures.in_force(sight.tx)
    return rows({station: gauge}, mine, findings, {}, sight.elements, sight.roster, sight.tx.now, measures)


def _readings(sight: Sight, station: str, element: str, seen: Look, hours: float = 0) -> list[observe.Reading]:
    length = TABLE if seen.span.stretch else seen.span.length
    since = seen.until - length - timedelta(hours=hours)
    return observe.curve(sight.tx, sight.scope, station, element, since, seen.until)


def _window(tables: Sequence[tuple[assess.Hazard, RuleTable]], open_here: Sequence[assess.Finding]) -> float:
    """The window of what is in force here, else three hours, else the shortest that a table asks for."""
    for one in sorted(open_here, key=lambda one: -one.rank):
        for hazard, table in tables:
            found = gauged(table, one.level, one.values) if hazard.key == one.hazard else None
            if found is not None:
                return found.hours
    known = windows(tables)
    return USUAL_H if USUAL_H in known else next(iter(known), 0)


def _rules(sight: Sight) -> list[tuple[str, str]]:
    return [(one.hazard, one.rules) for one in sight.situations]


def _note(seen: Look, is_sum: bool, limits: Sequence[str], flagged: int) -> str:
    said = [seen.word]
    if seen.span.stretch:
        each = seen.span.each
        said.append(f"{each}一柱，为合计" if is_sum else f"{each}一点：线为末值，带为最低到最高")
    if limits:
        said.append(f"虚线为在用标准：{'；'.join(limits)}，离曲线远的没有画出")
    said.append("灰底为没有数")
    if flagged:
        said.append(f"圈为可疑、菱形为无效 {flagged} 处")
    return " · ".join(said)
