"""监测 — stations, the latest reading of every series, the readings of one station."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, Field

from shouye.base.kernel import BadInput, NotFound
from shouye.doors.web.api import View, Word
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiAct, ApiSee
from shouye.watch import archive, observe
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


class HistoryPage(View):
    """一页历史 — `after` asks for the next page; null at the end."""

    readings: list[ReadingView]
    after: str | None


class PointView(View):
    """一点。"""

    time: datetime
    value: float


class FlaggedView(View):
    """抽稀后仍在的标记 — a suspect or bad reading as it was sent."""

    time: datetime
    value: float
    quality: observe.Quality
    why: str


class BucketView(View):
    """抽稀的一格 — (begin, end] with its first, lowest, highest and last value, and the sum."""

    begin: datetime
    end: datetime
    count: int
    missing: int
    total: float
    first: PointView | None
    low: PointView | None
    high: PointView | None
    last: PointView | None
    flagged: list[FlaggedView]


class MarkForm(View):
    """人工质控标记 — over (since, until]; without `until` until further notice."""

    element: Annotated[str, Field(max_length=40)]
    since: AwareDatetime
    until: AwareDatetime | None = None
    quality: Literal["good", "suspect", "bad"]
    why: Annotated[str, Field(min_length=1, max_length=500)]
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Marked(View):
    """标记的编号。"""

    mark: int


Asked = Annotated[AwareDatetime, Query()]
Wanted = Annotated[str, Query(max_length=40)]


@router.get("/stations/{station}/history")
def history(
    visit: ApiSee,
    station: Word,
    since: Asked,
    until: Asked,
    element: Wanted = "rain_mm",
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> HistoryPage:
    """历史 — every revision in (since, until], page after page, over years and closed months."""
    with visit.look() as sight:
        found = archive.page(
            sight.tx, sight.scope, visit.city.history, station, element, since, until, after, limit
        )
    return HistoryPage(readings=[ReadingView.model_validate(one) for one in found.readings], after=found.after)


@router.get("/stations/{station}/thinned")
def thinned(
    visit: ApiSee,
    station: Word,
    since: Asked,
    until: Asked,
    element: Wanted = "rain_mm",
    buckets: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> list[BucketView]:
    """抽稀的过程线 — equal buckets that lose no extreme."""
    with visit.look() as sight:
        found = archive.thinned(sight.tx, sight.scope, visit.city.history, station, element, since, until, buckets)
    return [_bucket(one) for one in found]


def _bucket(one: archive.Bucket) -> BucketView:
    points = {
        name: PointView(time=point[0], value=point[1]) if point else None
        for name, point in (("first", one.first), ("low", one.low), ("high", one.high), ("last", one.last))
    }
    return BucketView(
        begin=one.begin,
        end=one.end,
        count=one.count,
        missing=one.missing,
        total=one.total,
        flagged=[FlaggedView.model_validate(each) for each in one.flagged],
        **points,
    )


@router.post("/stations/{station}/marks", status_code=201)
def mark(visit: ApiAct, station: Word, form: MarkForm) -> Marked:
    """标记读数 — good, suspect, bad, or truly another value; what was sent stays, the judge looks again."""
    with visit.act() as sight:
        number = observe.mark_readings(
            sight.tx,
            visit.actor,
            station,
            form.element,
            form.since,
            form.until,
            observe.Quality(form.quality),
            form.why,
            form.value,
        )
    return Marked(mark=number)


@router.get("/silence")
def silence(visit: ApiSee) -> list[SilenceView]:
    """听不到的测站 — by county and cause."""
    with visit.look() as sight:
        return [SilenceView.model_validate(one) for one in sight.silences]
