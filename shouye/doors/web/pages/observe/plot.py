"""过程线怎么画 — points, gaps, extremes of stretches, marks and the thresholds of the rules in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from shouye.base.rules import Compare, RuleTable
from shouye.doors.web.readings import table_of
from shouye.doors.web.words import ms
from shouye.watch import assess
from shouye.watch.observe import Quality, Reading

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """时段 — how far back, and how long a stretch is where single readings would be too many."""

    word: str
    length: timedelta
    stretch: timedelta = timedelta(0)


SPANS = {
    "6h": Span("6 小时", 6 * HOUR),
    "24h": Span("24 小时", DAY),
    "3d": Span("3 天", 3 * DAY),
    "7d": Span("7 天", 7 * DAY, timedelta(minutes=30)),
    "30d": Span("30 天", 30 * DAY, 2 * HOUR),
    "1y": Span("1 年", 365 * DAY, DAY),
}


@dataclass(frozen=True)
class Stretch:
    """一段 — the extremes, the last value and the sum of the readings that end in it; None where none is known."""

    at: datetime
    low: float | None
    high: float | None
    last: float | None
    total: float | None


def stretches(readings: Sequence[Reading], length: timedelta) -> list[Stretch]:
    """降采样 — a stretch keeps its lowest and highest, so that no peak is lost; a bad reading counts as none."""
    groups: dict[int, list[Reading]] = {}
    length_s = round(length.total_seconds())
    for one in readings:
        groups.setdefault(-(-round(one.time.timestamp()) // length_s), []).append(one)
    found = []
    for number, some in sorted(groups.items()):
        known = [one.counted for one in some if one.counted is not None]
        total = round(sum(known), 3) if known else None
        found.append(
            Stretch(
                datetime.fromtimestamp(number * length_s, tz=some[0].time.tzinfo),
                min(known, default=None),
                max(known, default=None),
                known[-1] if known else None,
                total,
            )
        )
    return found


@dataclass(frozen=True)
class Limit:
    """标准线 — a level's number on this axis, as a word; no colour: the line is not the level."""

    word: str
    value: float


def drawn(
    readings: Sequence[Reading], span: Span, *, is_sum: bool, now: datetime
) -> tuple[list[list[Any]], list[list[Any]], list[list[int]], list[dict[str, Any]]]:
    """(points, band, gaps, flagged) — the line stops where nothing is known."""
    step = min((one.step for one in readings), default=HOUR)
    readings = [one for one in readings if one.step == step]
    thin = span.stretch > step
    if thin:
        some = stretches(readings, span.stretch)
        values = [(one.at, one.total if is_sum else one.last) for one in some]
        band = [] if is_sum else [[ms(one.at), one.low, one.high] for one in some]
    else:
        values = [(one.time, one.counted) for one in readings]
        band = []
    gaps = _gaps(values, span.stretch if thin else step, now - span.length, now)
    points = _broken(values, span.stretch if thin else step)
    flagged = [
        {
            "at": ms(one.time),
            "value": one.value,
            "quality": one.quality.value,
            "why": "；".join(dict.fromkeys(flag.why for flag in one.flags)),
        }
        for one in readings
        if one.flags and one.value is not None and one.quality in (Quality.BAD, Quality.SUSPECT)
    ]
    return points, band, gaps, flagged[-500:]


def _broken(values: Sequence[tuple[datetime, float | None]], step: timedelta) -> list[list[Any]]:
    """Points with a hole wherever two neighbours are further apart than one and a half steps."""
    found: list[list[Any]] = []
    before: datetime | None = None
    for at, value in values:
        if before is not None and at - before > 1.5 * step:
            found.append([ms(before + step), None])
        found.append([ms(at), value])
        before = at
    return found


def _gaps(
    values: Sequence[tuple[datetime, float | None]], step: timedelta, since: datetime, until: datetime
) -> list[list[int]]:
    """Where nothing is known, as (from, to)."""
    known = [since, *(at for at, value in values if value is not None), until]
    return [[ms(a), ms(b)] for a, b in pairwise(known) if b - a > 1.5 * step]


def limits_of(
    tables: Iterable[tuple[assess.Hazard, RuleTable]], element: str, hours: float, constants: Mapping[str, object]
) -> list[Limit]:
    """标准线 — of a sum the levels that stand alone on one window, of a state those of the station."""
    found: dict[float, list[str]] = {}
    for hazard, table in tables:
        for row in table.rows:
            for clause in row.when.clauses:
                if len(clause) != 1 or not isinstance(clause[0], Compare):
                    continue
                value = _solved(hazard, table, clause[0], element, hours, constants)
                if value is not None:
                    found.setdefault(value, []).append(f"{table.word(row.level)} {table.term}")
    return [Limit(f"{'、'.join(dict.fromkeys(words))} ≥{value:g}", value) for value, words in found.items()]


def _solved(
    hazard: assess.Hazard,
    table: RuleTable,
    atom: Compare,
    element: str,
    hours: float,
    constants: Mapping[str, object],
) -> float | None:
    """The number from which the comparison holds, if it asks for this element and otherwise only for constants."""
    total, factor = atom.constant, 0.0
    for times, name in atom.terms:
        channel = hazard.channels.get(name)
        window = table.by_name[name]
        if hazard.nature == "sums" and window.sum == hazard.sum and hazard.element == element:
            if window.hours != hours:
                return None
            factor += times
        elif channel is not None and channel.element == element and channel.scale is None:
            factor += times
        elif isinstance(constants.get(name), int | float):
            total += times * float(str(constants[name]))
        else:
            return None
    return round(-total / factor, 6) if factor > 0 else None


def tables_for(
    folder: Path | None, rules: Iterable[tuple[str, str]], element: str
) -> list[tuple[assess.Hazard, RuleTable]]:
    """The tables in force that ask for this element."""
    shelf = assess.all_hazards()
    return [
        (shelf[hazard], table_of(folder, hazard, table))
        for hazard, table in dict.fromkeys(rules)
        if element in shelf[hazard].elements
    ]


def windows(tables: Iterable[tuple[assess.Hazard, RuleTable]]) -> list[float]:
    """Window lengths (hours) that these tables ask for."""
    found = {
        item.hours for hazard, table in tables for item in table.inputs if item.sum == hazard.sum and item.hours
    }
    return sorted(hours for hours in found if hours)


@lru_cache(maxsize=8)
def _facts(path: Path, stamp: int) -> Mapping[str, assess.StationFacts]:
    return assess.read_station_facts(path)


def facts_of(folder: Path | None, station: str) -> Mapping[str, object]:
    """测站特征值 — its own limits (警戒水位 …), as the city's file says."""
    path = folder / "station_facts.toml" if folder else None
    if path is None or not path.is_file():
        return {}
    found = _facts(path, path.stat().st_mtime_ns).get(station)
    return found.values if found else {}
