"""监测一览 — the latest of all, as a list and on the map; searched, filtered, sorted, exported."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response

from shouye.base.kernel import BEIJING, NotFound
from shouye.base.papers import Sheet
from shouye.doors.web.context import CityContext
from shouye.doors.web.download import Kind, download
from shouye.doors.web.pages.desk.page import boundaries
from shouye.doors.web.pages.feeds.blocks import blocks
from shouye.doors.web.pages.observe.board import Filter, Row, State, asked_by, rows, tallied
from shouye.doors.web.pages.observe.plot import all_facts
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import See, render
from shouye.watch import assess, observe
from shouye.watch.stations import gauges

router = APIRouter(include_in_schema=False)

Word = Annotated[str, Query(max_length=60)]
_HEADS = (
    "状态",
    "级别",
    "测站",
    "站号",
    "县区",
    "归口部门",
    "要素",
    "最新值",
    "单位",
    "时间（北京时间）",
    "时段（分）",
    "说明",
)


MOST = 500
"""Rows of a page: beyond it a browser is slow and nobody scrolls; what needs a look comes first."""


def asked(
    county: Word = "", element: Word = "", owner: Word = "", state: Word = "", hazard: Word = "", find: Word = ""
) -> Filter:
    """What the address asks for."""
    return Filter(county, element, owner, state, hazard, find.strip())


Asked = Annotated[Filter, Depends(asked)]


@router.get("/stations")
def station_list(visit: See, wanted: Asked) -> Response:
    """监测 — which stations need a look, then all the rest."""
    return _page(visit, wanted, "observe/stations.html")


@router.get("/stations/map")
def station_map(visit: See, wanted: Asked) -> Response:
    """监测地图."""
    return _page(visit, wanted, "observe/map.html")


@router.get("/stations/map/state")
def map_state(visit: See, wanted: Asked) -> dict[str, Any]:
    """图上的站 — those of the filter, by shape; the counties are not filled here."""
    with visit.look() as sight:
        marks: dict[str, Row] = {}
        for row in all_rows(visit.city, sight, wanted.hazard):
            if wanted.takes(row):
                marks.setdefault(row.station.id, row)  # the most urgent of its series comes first
        return {
            "counties": {},
            "stations": [
                {
                    "name": row.station.name,
                    "at": [row.station.lat, row.station.lon],
                    "state": _SHAPES[row.state],
                    "text": f"{row.station.name}：{row.term} {row.said or '—'}，{row.state.word}",
                    "href": f"/stations/{row.station.id}",
                }
                for row in marks.values()
            ],
        }


_SHAPES = {
    State.OVER: "hit",
    State.UNHEARD: "off",
    State.MISSING: "off",
    State.DOUBT: "doubt",
    State.NORMAL: "on",
}


@router.get("/stations/export.{kind}")
def export(visit: See, kind: Kind, wanted: Asked) -> Response:
    """最新值导出 — what the filter shows."""
    with visit.look() as sight:
        sheet = latest_sheet(visit.city, sight, wanted)
    return download(visit, sheet, kind)


def latest_sheet(city: CityContext, sight: Sight, wanted: Filter) -> Sheet:
    """监测最新值 as a list, for the file and for the command line."""
    lines = [
        (
            row.state.word,
            "、".join(one.word for one in row.findings),
            row.station.name,
            row.station.id,
            row.county,
            "、".join(row.owners),
            row.term,
            row.reading.value if row.reading else None,
            sight.elements[row.reading.element].unit if row.reading else "",
            row.reading.time if row.reading else None,
            row.reading.step.total_seconds() / 60 if row.reading else None,
            row.why,
        )
        for row in all_rows(city, sight, wanted.hazard)
        if wanted.takes(row)
    ]
    return Sheet(f"监测最新值 {sight.tx.now.astimezone(BEIJING):%Y-%m-%d %H%M}", _HEADS, lines)


def _page(visit: See, wanted: Filter, template: str) -> Response:
    with visit.look() as sight:
        every = all_rows(visit.city, sight, wanted.hazard)
        found = [row for row in every if wanted.takes(row)]
        of_any_state = replace(wanted, state="")
        return render(
            visit,
            sight,
            template,
            here="/stations",
            live="#rows",
            slow=True,
            rows=found[:MOST],
            found=len(found),
            every=len(every),
            stations=len({row.station.id for row in found}),
            counts=tallied(row for row in every if of_any_state.takes(row)),
            wanted=wanted,
            query=_query(wanted),
            counties=sorted({(row.station.county, row.county) for row in every}),
            hazards=_hazards(sight),
            terms=dict(sorted({row.reading.element: row.term for row in every if row.reading}.items())),
            owners=sorted({owner for row in every for owner in row.owners}),
            boundaries=boundaries(visit.city.roster, visit.city.folder),
        )


def _query(wanted: Filter) -> str:
    return urlencode({name: value for name, value in asdict(wanted).items() if value})


def _hazards(sight: Sight) -> dict[str, str]:
    """The hazards in use."""
    return dict(sorted({one.hazard: one.term for one in sight.situations}.items()))


def all_rows(city: CityContext, sight: Sight, hazard: str = "") -> list[Row]:
    """Every series in sight; of a hazard only the gauges and elements it is judged on, and its own findings."""
    here = gauges(sight.tx, sight.scope)
    readings = observe.latest_all(sight.tx, sight.scope)
    if hazard:
        shelf, facts = assess.all_hazards(), all_facts(city.folder)
        if hazard not in shelf:
            raise NotFound(f"灾种 {hazard}")
        heard = {one.station for one in readings}
        own = {station: asked_by(shelf[hazard], facts.get(station)) for station in here}
        readings = [one for one in readings if one.element in own.get(one.station, ())]
        sending = {one.station for one in readings}
        here = {
            station: one
            for station, one in here.items()
            if station in sending or (station not in heard and own[station])
        }
    return rows(
        here,
        readings,
        assess.findings(sight.tx, sight.scope, hazard or None),
        owners_of(city),
        sight.elements,
        sight.roster,
        sight.tx.now,
        observe.Measures.in_force(sight.tx),
    )


def owners_of(city: CityContext) -> dict[str, list[str]]:
    """归口部门 — station -> the departments whose feeds bring it."""
    found: dict[str, list[str]] = {}
    for feed in blocks(city).feeds.values():
        for station in dict.fromkeys(feed.stations.values()):
            if feed.enabled and feed.owner not in found.setdefault(station, []):
                found[station].append(feed.owner)
    return found
