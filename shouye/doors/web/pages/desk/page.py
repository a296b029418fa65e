"""值班台、大屏、地图数据。"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from shouye.base.delivery import channel_health
from shouye.base.kernel import dead_jobs
from shouye.base.roster import Roster
from shouye.doors.web.boundaries import county_boundaries
from shouye.doors.web.pages.call.page import worst
from shouye.doors.web.pages.desk.happening import Happening, by_division, happenings
from shouye.doors.web.pages.tasks.action import next_task, ordered
from shouye.doors.web.sight import Sight
from shouye.doors.web.unheard import NO_GAUGE
from shouye.doors.web.visit import See, render
from shouye.watch import assess, observe, stations

router = APIRouter(include_in_schema=False)

SHOWN = 6
"""Rows of a list on the desk; the rest is one line with a link."""

HAPPENING = 8
"""Rows of what is happening; of more the lowest levels are cut, never what is unknown."""
WORST = 12

CSS = {"RED": "r", "ORANGE": "o", "YELLOW": "y", "BLUE": "b", "PREPARE": "act", "IMMEDIATE": "act"}
LIVE = {"/": "#next,#happening,#owed,#silent", "/wall": "#happening,#doors,#silent"}


@router.get("/")
def desk(visit: See, all: bool = False) -> Response:
    """值班台 — 正在发生、现在应办、在哪里、听不到的; `all` shows every row of what is happening."""
    return _desk(visit, "desk/desk.html", "/", everything=all)


@router.get("/wall")
def wall(visit: See) -> Response:
    """大屏 — read from six metres: what happens and who is not awake; nothing to press."""
    return _desk(visit, "desk/wall.html", "/wall")


def _desk(visit: See, template: str, here: str, everything: bool = False) -> Response:
    with visit.look() as sight:
        rows = ordered(sight, visit.actor)
        happening = happenings(visit.city, sight)
        shown = happening if everything else _first(happening)
        return render(
            visit,
            sight,
            template,
            here=here,
            live=LIVE[here],
            happenings=shown,
            hidden=len(happening) - len(shown),
            worst=worst(sight) if here == "/wall" else [],
            worst_shown=WORST,
            rows=rows[:SHOWN],
            more=len(rows) - SHOWN,
            next=next_task(rows),
            boundaries=boundaries(visit.city.roster, visit.city.folder),
            **heard(sight),
        )


def _first(rows: list[Happening]) -> list[Happening]:
    judged = [row for row in rows if row.level is not None]
    unknown = [row for row in rows if row.level is None]
    return judged[: max(HAPPENING - len(unknown), 1)] + unknown


def heard(sight: Sight) -> dict[str, Any]:
    """听得到、听不到 — also of our own work: a dead job and a channel are listened to like a gauge."""
    latest = [reading for reading in observe.latest_all(sight.tx, sight.scope) if reading.value is not None]
    return {
        "unheard": sight.unheard,
        "dead": dead_jobs(sight.tx),
        "channels": channel_health(sight.tx),
        "last_reading": max((reading.time for reading in latest), default=None),
        "gauges": len(stations.gauges(sight.tx, sight.scope)),
    }


@lru_cache
def boundaries(roster: Roster, folder: Path | None) -> dict[str, Any]:
    return county_boundaries(roster, folder)


@router.get("/map/counties")
def map_counties(visit: See) -> dict[str, Any]:
    """县界。"""
    return boundaries(visit.city.roster, visit.city.folder)


@router.get("/map/state")
def map_state(visit: See) -> dict[str, Any]:
    """各县险情和测站 — what the map draws over the boundaries."""
    with visit.look() as sight:
        counties = {
            division: _county(sight, division, ones) for division, ones in by_division(sight.situations).items()
        }
        silent = {station for one in sight.silences for station in one.stations}
        hit = {station for one in sight.situations for station in one.stations}
        shown = []
        for number in sorted(stations.gauges(sight.tx, sight.scope)):
            station = sight.roster.stations.get(number)
            if station is None:
                continue
            state = "off" if number in silent else "hit" if number in hit else "on"
            shown.append({"name": station.name, "at": [station.lat, station.lon], "state": state})
        return {"counties": counties, "stations": shown}


def _county(sight: Sight, division: str, ones: list[assess.Situation]) -> dict[str, Any]:
    """Fill by the highest warning level; 转移 stands beside it as words; unknown only when nothing is known."""
    marks = []
    for one in ones:
        if one.level is not None:
            word = one.word.removesuffix("色")
            colour = CSS[one.level]
            marks.append({"css": colour, "text": word if colour == "act" else f"{word} {one.term}"})
    coloured = [one for one in ones if one.level is not None and CSS[one.level] != "act"]
    unknown = all(one.unknown for one in ones)
    unheard = len({station for one in ones for station in one.unheard})
    if unknown:
        marks.append({"css": "x", "text": f"{unheard} 站听不到" if unheard else NO_GAUGE})
    fill = CSS[str(coloured[0].level)] if coloured else "x" if unknown else ""
    return {"name": sight.roster.division(division).short, "fill": fill, "marks": marks}
