"""监测 — stations, the latest reading of every series, the readings of one station."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query

from shouye.base.kernel import BadInput, NotFound
from shouye.doors.web.api import View, Word
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiSee
from shouye.watch import observe
from shouye.watch.stations import gauges

router = api("监测")

SPAN = timedelta(hours=24)
LONGEST = timedelta(days=31)


class StationView(View):
    """测站。"""

    id: str
    name: str
    lon: float
    lat: float
    county: str
    kind: str


class FlagView(View):
    """质控标记 — `by` is empty for a check; `value` is what a person puts in place of the reading."""

    check: str
    quality: observe.Quality
    why: str
    by: str
    at: datetime | None
    value: float | None


class ReadingView(View):
    """监测数据 — over (time - step, time]; no value is 缺测. `counted` is what may be judged."""

    station: str
    element: str
    time: datetime
    value: float | None
    step: timedelta
    revision: int
    quality: observe.Quality
    counted: float | None
    flags: list[FlagView]


class SilenceView(View):
    """听不到的。"""

    county: str
    cause: observe.Cause
    stations: list[str]
    since: datetime | None


@router.get("/stations")
def stations(visit: ApiSee) -> list[StationView]:
    """在用测站。"""
    with visit.look() as sight:
        return [
            StationView.model_validate(sight.roster.stations[number])
            for number in gauges(sight.tx, sight.scope)
            if number in sight.roster.stations
        ]


@router.get("/latest")
def latest(visit: ApiSee, element: Annotated[str, Query(max_length=40)] = "") -> list[ReadingView]:
    """最新值 — of every series, or of one element."""
    with visit.look() as sight:
        return [
            ReadingView.model_validate(reading)
            for reading in observe.latest_all(sight.tx, sight.scope)
            if not element or reading.element == element
        ]


@router.get("/stations/{station}/readings")
def readings(
    visit: ApiSee,
    station: Word,
    element: Annotated[str, Query(max_length=40)] = "rain_mm",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ReadingView]:
    """过程线 — one reading per instant in (since, until], the one that stands; a day if nothing is said."""
    with visit.look() as sight:
        if station not in gauges(sight.tx, sight.scope):
            raise NotFound(f"测站 {station}")
        last = until or sight.tx.now
        if last.tzinfo is None or (since is not None and since.tzinfo is None):
            raise BadInput("时间须带时区")
        first = since or last - SPAN
        if not timedelta(0) <= last - first <= LONGEST:
            raise BadInput(f"时段为 0 至 {LONGEST.days} 天")
        return [
            ReadingView.model_validate(one)
            for one in observe.curve(sight.tx, sight.scope, station, element, first, last)
        ]


@router.get("/silence")
def silence(visit: ApiSee) -> list[SilenceView]:
    """听不到的测站 — by county and cause."""
    with visit.look() as sight:
        return [SilenceView.model_validate(one) for one in sight.silences]
