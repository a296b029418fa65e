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
from shouye.watch import archive, assess
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
class Limit:
    """标准线 — a level's number on this axis, as a word; no colour: the line is not the level."""

    word: str
    value: float


@dataclass(frozen=True)
class Drawn:
    """一条线 — points with holes where nothing is known, the band of extremes, the gaps, what is flagged."""

    points: list[list[Any]]
    band: list[list[Any]]
    gaps: list[list[int]]
    flagged: list[dict[str, Any]]


def single(readings: Sequence[Reading], since: datetime, until: datetime) -> Drawn:
    """逐点 — every reading of the shortest interval with the value that counts."""
    step = min((one.step for one in readings), default=HOUR)
    some = [one for one in readings if one.step == step]
    values = [(one.time, one.counted) for one in some]
    flagged = [
        {
            "at": ms(one.time),
            "value": one.value,
            "quality": one.quality.value,
            "why": "；".join(dict.fromkeys(flag.why for flag in one.flags)),
        }
        for one in some
        if one.value is not None and one.quality in (Quality.BAD, Quality.SUSPECT)
    ]
    return Drawn(_broken(values, step), [], _gaps(values, step, since, until), flagged)


def thinned(buckets: Sequence[archive.Bucket], span: Span, until: datetime, *, is_sum: bool) -> Drawn:
    """抽稀 — a stretch is drawn by its last value and the band between its extremes, rain by its sum."""
    values = [(one.end, (round(one.total, 3) if is_sum else one.last[1]) if one.last else None) for one in buckets]
    lows = _broken([(one.end, one.low[1] if one.low else None) for one in buckets], span.stretch)
    highs = _broken([(one.end, one.high[1] if one.high else None) for one in buckets], span.stretch)
    band = [[at, low, high] for (at, low), (_, high) in zip(lows, highs, strict=True)]
    gaps = _gaps(values, span.stretch, until - span.length, until)
    flagged = [
        {"at": ms(each.time), "value": each.value, "quality": each.quality.value, "why": each.why}
        for one in buckets
        for each in one.flagged
    ]
    return Drawn(_broken(values, span.stretch), [] if is_sum else band, gaps, flagged)


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
    found = all_facts(folder).get(station)
    return found.values if found else {}


def all_facts(folder: Path | None) -> Mapping[str, assess.StationFacts]:
    path = folder / "station_facts.toml" if folder else None
    return _facts(path, path.stat().st_mtime_ns) if path is not None and path.is_file() else {}
