"""对照 — several series on one axis, or one station's years over each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from shouye.base.kernel import BEIJING, NotFound, from_ms
from shouye.base.papers import Sheet
from shouye.doors.web.context import CityContext
from shouye.doors.web.pages.observe.plot import DAY, SPANS, Look, look, single, thinned
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
Until = Annotated[str, Query(max_length=19)]


@router.get("/compare")
def compare(visit: See, s: Series, span: Range = "24h", years: bool = False, until: Until = "") -> Response:
    """对照 — `s` is station~element, as often as wanted; of several units only the first is drawn."""
    with visit.look() as sight:
        chosen, seen = _chosen(sight, s), look(span, until, sight.tx.now)
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
            seen=seen,
            spans=SPANS,
            years=years and len(chosen) == 1,
            query="&".join(f"s={one}" for one in chosen),
        )


@router.get("/compare/curve")
def compare_curve(
    visit: See, s: Series, span: Range = "24h", years: bool = False, until: Until = ""
) -> dict[str, Any]:
    """对照数据."""
    with visit.look() as sight:
        chosen, seen = _chosen(sight, s), look(span, until, sight.tx.now)
        unit = _unit(sight, chosen[0])
        if years and len(chosen) == 1:
            lines = _years(visit.city, sight, chosen[0], seen)
        else:
            lines = [
                {"name": _name(sight, key), "points": _points(visit.city, sight, key, seen)}
                for key in chosen
                if _unit(sight, key) == unit
            ]
        return {
            "unit": unit,
            "since": ms(seen.since),
            "until": ms(seen.until),
            "series": lines,
            "years": years,
            "note": _note(seen, years, sight.elements[chosen[0].partition("~")[2]].kind == "sum"),
        }


def compare_sheet(city: CityContext, sight: Sight, keys: list[str], seen: Look) -> Sheet:
    """对照 as a list, for the command line: a row an instant, a column a series with its unit."""
    chosen = _chosen(sight, keys)
    points = {
        key: {at: value for at, value in _points(city, sight, key, seen) if value is not None} for key in chosen
    }
    times = sorted({at for some in points.values() for at in some})
    heads = ("时间（北京时间）", *(f"{_name(sight, key)} {_unit(sight, key)}" for key in chosen))
    rows = [(from_ms(at), *(points[key].get(at) for key in chosen)) for at in times]
    each = f"，{seen.span.each}一行，雨量为合计，其余为末值" if seen.span.stretch else ""
    return Sheet(f"对照 {seen.word}{each}", heads, rows)


class NothingToCompare(NotFound):
    """请先勾选要对照的测站。"""


def _note(seen: Look, years: bool, is_sum: bool) -> str:
    said = ["各年同日叠在一起，" + seen.word if years else seen.word]
    if seen.span.stretch:
        said.append(f"{seen.span.each}一点，为{'合计' if is_sum else '末值'}")
    return " · ".join(said)


def _chosen(sight: Sight, keys: list[str]) -> list[str]:
    """Known stations in sight, each series once."""
    known = gauges(sight.tx, sight.scope)
    wanted = list(dict.fromkeys(keys))[:MOST]
    if not wanted:
        raise NothingToCompare
    for key in wanted:
        station, _, element = key.partition("~")
        if station not in known or station not in sight.roster.stations or not element:
            raise NotFound(f"测站 {station}")
    return wanted


def _name(sight: Sight, key: str) -> str:
    station, _, element = key.partition("~")
    return f"{sight.roster.stations[station].name} {sight.elements[element].term}"


def _unit(sight: Sight, key: str) -> str:
    return sight.elements[key.partition("~")[2]].unit


def _points(city: CityContext, sight: Sight, key: str, seen: Look) -> list[list[Any]]:
    station, _, element = key.partition("~")
    span, is_sum = seen.span, sight.elements[element].kind == "sum"
    if not span.stretch:
        readings = observe.curve(sight.tx, sight.scope, station, element, seen.since, seen.until)
        return single(readings, seen.since, seen.until).points
    many = round(span.length / span.stretch)
    found = archive.thinned(sight.tx, sight.scope, city.history, station, element, seen.since, seen.until, many)
    return thinned(found, seen, is_sum=is_sum).points


def _years(city: CityContext, sight: Sight, key: str, seen: Look) -> list[dict[str, Any]]:
    """The same days of each year, laid on the last one's axis."""
    found = []
    for back in range(YEARS):
        then = replace(seen, until=_year_before(seen.until, back))
        points = _points(city, sight, key, then)
        shift = ms(seen.until) - ms(then.until)
        if points:
            year = (then.until - seen.span.length / 2).astimezone(BEIJING).year
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
