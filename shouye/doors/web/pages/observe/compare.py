"""对照 — several series on one axis, or one station's years over each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from shouye.base.kernel import BEIJING, NotFound
from shouye.doors.web.context import CityContext
from shouye.doors.web.pages.observe.plot import DAY, SPANS, single, thinned
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import See, render
from shouye.doors.web.words import ms
from shouye.watch import archive, observe
from shouye.watch.stations import gauges

router = APIRouter(include_in_schema=False)

MOST = 8
"""Lines that can still be told apart."""
YEARS = 5

Series = Annotated[list[str], Query(default_factory=list, max_length=50)]
Range = Annotated[str, Query(max_length=4)]


@router.get("/compare")
def compare(visit: See, s: Series, span: Range = "24h", years: bool = False) -> Response:
    """对照 — `s` is station~element, as often as wanted; of several units only the first is drawn."""
    with visit.look() as sight:
        chosen = _chosen(sight, s, span)
        unit = _unit(sight, chosen[0])
        return render(
            visit,
            sight,
            "observe/compare.html",
            here="/stations",
            series=[(key, _name(sight, key), _unit(sight, key) == unit) for key in chosen],
            dropped=max(0, len(dict.fromkeys(s)) - MOST),
            unit=unit,
            span=span,
            spans=SPANS,
            years=years and len(chosen) == 1,
            query="&".join(f"s={one}" for one in chosen),
        )


@router.get("/compare/curve")
def compare_curve(visit: See, s: Series, span: Range = "24h", years: bool = False) -> dict[str, Any]:
    """对照数据."""
    with visit.look() as sight:
        chosen = _chosen(sight, s, span)
        unit, now = _unit(sight, chosen[0]), sight.tx.now
        if years and len(chosen) == 1:
            lines = _years(visit.city, sight, chosen[0], span)
        else:
            lines = [
                {"name": _name(sight, key), "points": _points(visit.city, sight, key, span, now)}
                for key in chosen
                if _unit(sight, key) == unit
            ]
        return {
            "unit": unit,
            "since": ms(now - SPANS[span].length),
            "until": ms(now),
            "series": lines,
            "years": years,
            "note": "各年同日叠在一起" if years else f"近 {SPANS[span].word}",
        }


class NothingToCompare(NotFound):
    """请先勾选要对照的测站。"""


def _chosen(sight: Sight, keys: list[str], span: str) -> list[str]:
    """Known stations in sight, each series once."""
    known = gauges(sight.tx, sight.scope)
    wanted = list(dict.fromkeys(keys))[:MOST]
    if not wanted:
        raise NothingToCompare
    for key in wanted:
        station, _, element = key.partition("~")
        if station not in known or station not in sight.roster.stations or not element:
            raise NotFound(f"测站 {station}")
    if span not in SPANS:
        raise NotFound(span)
    return wanted


def _name(sight: Sight, key: str) -> str:
    station, _, element = key.partition("~")
    return f"{sight.roster.stations[station].name} {sight.elements[element].term}"


def _unit(sight: Sight, key: str) -> str:
    return sight.elements[key.partition("~")[2]].unit


def _points(city: CityContext, sight: Sight, key: str, span: str, until: datetime) -> list[list[Any]]:
    station, _, element = key.partition("~")
    wanted, is_sum = SPANS[span], sight.elements[element].kind == "sum"
    since = until - wanted.length
    if not wanted.stretch:
        readings = observe.curve(sight.tx, sight.scope, station, element, since, until)
        return single(readings, since, until).points
    many = round(wanted.length / wanted.stretch)
    found = archive.thinned(sight.tx, sight.scope, city.history, station, element, since, until, many)
    return thinned(found, wanted, until, is_sum=is_sum).points


def _years(city: CityContext, sight: Sight, key: str, span: str) -> list[dict[str, Any]]:
    """The same days of each year, laid on this year's axis."""
    now, found = sight.tx.now, []
    for back in range(YEARS):
        until = _year_before(now, back)
        points = _points(city, sight, key, span, until)
        shift = ms(now) - ms(until)
        if points:
            year = until.astimezone(BEIJING).year
            found.append({"name": f"{year} 年", "points": [[at + shift, value] for at, value in points]})
    return found


def _year_before(now: datetime, back: int) -> datetime:
    local = now.astimezone(BEIJING)
    try:
        return _moved(local, back)
    except ValueError:  # the 29th of February
        return _moved(local - DAY, back) + timedelta(days=1)


def _moved(local: datetime, back: int) -> datetime:
    return local.replace(year=local.year - back)
