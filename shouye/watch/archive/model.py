"""历史 — columns of standing readings, buckets that keep the extremes, closed months, how long things are kept."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import BEIJING, BadInput, from_ms, to_ms
from shouye.watch.observe import Quality, Reading

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """历史序列 — standing readings of one station and element in order of time; nan is missing or bad.

    `sent` are the values as they came, `value` those that count.
    """

    time_ms: Whole
    step_s: Whole
    sent: Numbers
    value: Numbers
    doubts: Mapping[int, tuple[Quality, str]] = field(default_factory=dict)
    """Place of a reading -> suspect or bad, and why; what has no value has no place here."""


@dataclass(frozen=True)
class Flagged:
    """抽稀后仍在的标记 — a suspect or bad reading as it was sent."""

    time: datetime
    value: float
    quality: Quality
    why: str


@dataclass(frozen=True)
class Bucket:
    """抽稀的一格 — (begin, end]: the first, lowest, highest and last value with their instants, and the sum.

    `count` are values that count, `missing` readings that have none. A curve drawn through first, low, high and
    last goes through every extreme of the full series. `flagged` are its suspect and bad readings, where they are
    many the first, lowest, highest and last of each quality.
    """

    begin: datetime
    end: datetime
    count: int
    missing: int
    total: float
    first: tuple[datetime, float] | None
    low: tuple[datetime, float] | None
    high: tuple[datetime, float] | None
    last: tuple[datetime, float] | None
    flagged: tuple[Flagged, ...] = ()


@dataclass(frozen=True)
class Page:
    """一页历史 — readings in order, and the key after which the next page begins; None at the end."""

    readings: tuple[Reading, ...]
    after: str | None


@dataclass(frozen=True)
class Month:
    """已归档的月 — its file, its rows and their digest; `live` while they stand in the database, too."""

    month: str
    file: str
    rows: int
    digest: str
    made_at: datetime
    live: bool

    @property
    def span(self) -> tuple[int, int]:
        """[begin, end) in milliseconds, by Beijing time."""
        return month_span(self.month)


@dataclass(frozen=True)
class Keeping:
    """保存期限 — by class, in days. All proposed: no document read gives them for a city's own records.

    `close_after`: a month is written to its file when it has been over for so long. `live`: how long rows stand in
    the database beside their file. `raw`: how long the file itself is kept.
    """

    close_after_days: int = 10
    live_days: int = 730
    raw_days: int = 1826


def read_keeping(path: Path) -> Keeping:
    """保存期限表 — `[history]` of a city's retention.toml; our proposal without one."""
    if not path.is_file():
        return Keeping()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8")).get("history", {})
        found = Keeping(**{name: int(days) for name, days in said.items()})
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path.name}：{error}") from None
    if not 0 <= found.close_after_days <= found.live_days <= found.raw_days:
        raise BadInput(f"{path.name}：归档、在库、保存的天数须依次不减")
    return found


def month_of(ms: int) -> str:
    return from_ms(ms).strftime("%Y-%m")


def month_span(month: str) -> tuple[int, int]:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise BadInput(f"月份应写作 2026-07：{month}") from None
    after = (first + timedelta(days=31)).replace(day=1)
    begin, end = (datetime(one.year, one.month, 1, tzinfo=BEIJING) for one in (first, after))
    return to_ms(begin), to_ms(end)


def thin(history: History, since: datetime, until: datetime, buckets: int) -> list[Bucket]:
    """抽稀 — at most so many equal buckets over (since, until], each with its extremes, empty ones left out."""
    if buckets < 1 or until <= since:
        raise BadInput("抽稀须有时段，格数至少为 1")
    begin, end = to_ms(since), to_ms(until)
    width = -(-(end - begin) // buckets)
    place = (history.time_ms - begin - 1) // width
    summed = np.where(_once(history), history.value, 0.0)
    doubted: dict[int, list[int]] = {}
    for index in sorted(history.doubts):
        doubted.setdefault(int(place[index]), []).append(index)
    found = []
    for number in np.unique(place).tolist():
        low, high = np.searchsorted(place, [number, number + 1])
        time_ms, value = history.time_ms[low:high], history.value[low:high]
        known = np.flatnonzero(~np.isnan(value))

        def point(index: int, time_ms: Whole = time_ms, value: Numbers = value) -> tuple[datetime, float]:
            return from_ms(int(time_ms[index])), float(value[index])

        some = len(known) > 0
        found.append(
            Bucket(
                begin=from_ms(begin + number * width),
                end=from_ms(min(end, begin + (number + 1) * width)),
                count=len(known),
                missing=len(value) - len(known),
                total=round(float(summed[low:high].sum()), 6),
                first=point(known[0]) if some else None,
                low=point(int(np.nanargmin(value))) if some else None,
                high=point(int(np.nanargmax(value))) if some else None,
                last=point(known[-1]) if some else None,
                flagged=tuple(_told(history, doubted.get(number, []))),
            )
        )
    return found


def _once(history: History) -> NDArray[np.bool_]:
    """同一段雨只算一次 — an hour beside its own five minutes: these if they make it whole, else the hour alone."""
    taken = ~np.isnan(history.value)
    steps_ms = history.step_s * 1000
    for step_ms in np.unique(steps_ms[taken]).tolist()[1:]:
        longer = np.flatnonzero(taken & (steps_ms == step_ms))
        shorter = np.flatnonzero(taken & (steps_ms < step_ms))
        heard = np.concatenate(([0], np.cumsum(steps_ms[shorter])))
        ends = history.time_ms[shorter]
        first = np.searchsorted(ends, history.time_ms[longer] - step_ms, "right")
        last = np.searchsorted(ends, history.time_ms[longer], "right")
        whole = heard[last] - heard[first] >= step_ms
        taken[longer[whole]] = False
        for begin, end in zip(first[~whole].tolist(), last[~whole].tolist(), strict=True):
            taken[shorter[begin:end]] = False
    return taken


MOST_FLAGGED = 8
"""How many flagged readings of one bucket are all kept."""


def _told(history: History, places: Sequence[int]) -> Iterator[Flagged]:
    """Every flagged reading, or of many the ends and the extremes of each quality."""
    kept = list(places)
    if len(kept) > MOST_FLAGGED:
        kept = []
        for quality in (Quality.SUSPECT, Quality.BAD):
            mine = [index for index in places if history.doubts[index][0] is quality]
            if mine:
                by_value = sorted(mine, key=lambda index: history.sent[index])
                kept += [mine[0], by_value[0], by_value[-1], mine[-1]]
    for index in sorted(set(kept)):
        yield Flagged(from_ms(int(history.time_ms[index])), float(history.sent[index]), *history.doubts[index])


LEAST_ALIKE = 24
"""How many values other than zero two stations must share, and differ in none, to be one source (proposed)."""


def alike(series: dict[str, dict[int, float]]) -> list[tuple[str, str, int]]:
    """重复测源 — (station, the one it repeats, shared values): equal at every common instant, often not zero."""
    leaders: list[str] = []
    found = []
    for station in sorted(series):
        for leader in leaders:
            shared = _shared(series[station], series[leader])
            if shared >= LEAST_ALIKE:
                found.append((station, leader, shared))
                break
        else:
            leaders.append(station)
    return found


def _shared(one: dict[int, float], other: dict[int, float]) -> int:
    """How many equal values other than zero; 0 as soon as two differ."""
    shared = 0
    for time_ms, value in one.items():
        against = other.get(time_ms)
        if against is None:
            continue
        if value != against:
            return 0
        shared += value != 0
    return shared


def safe_cell(text: str) -> str:
    """A cell that begins like a formula is text. 依据: design.md 8."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_row(cells: Sequence[object]) -> list[object]:
    return [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
