"""过程线怎么画 — points, gaps, extremes of stretches, marks and the thresholds of the rules in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from shouye.base.kernel import BEIJING, BadInput, NotFound, from_ms
from shouye.base.rules import Compare, RuleTable
from shouye.doors.web.readings import step_of, table_of
from shouye.doors.web.words import ms
from shouye.watch import archive, assess
from shouye.watch.observe import Quality, Reading

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """时段 — how far back, and how long a stretch is where single readings would be too many; `each` names it."""

    word: str
    length: timedelta
    stretch: timedelta = timedelta(0)
    each: str = ""


SPANS = {
    "6h": Span("6 小时", 6 * HOUR),
    "24h": Span("24 小时", DAY),
    "3d": Span("3 天", 3 * DAY),
    "7d": Span("7 天", 7 * DAY, HOUR / 2, "每 30 分钟"),
    "30d": Span("30 天", 30 * DAY, 2 * HOUR, "每 2 小时"),
    "1y": Span("1 年", 365 * DAY, DAY, "每天（8 时到次日 8 时）"),
    "5y": Span("5 年", 1827 * DAY, 7 * DAY, "每 7 天"),
}


@dataclass(frozen=True)
class Look:
    """看哪一段 — a span and where it ends; `past` is that end as an address says it, empty for now.

    Where readings are put together the stretches keep to the clock, days to 8 o'clock as hydrologists do
    (proposed), not to the minute of asking: a day's sum is the same whenever it is looked at.
    """

    span: Span
    until: datetime
    now: datetime
    past: str

    @property
    def since(self) -> datetime:
        return self.until - self.span.length

    @property
    def word(self) -> str:
        return f"{self.past.replace('T', ' ')} 以前 {self.span.word}" if self.past else f"近 {self.span.word}"

    @property
    def earlier(self) -> str:
        return self._moved(-self.span.length)

    @property
    def later(self) -> str:
        return self._moved(self.span.length)

    def _moved(self, by: timedelta) -> str:
        """The same look as far away, as an address says it; empty: up to now."""
        end = (_local(self.past) if self.past else self.now.astimezone(BEIJING)) + by
        return "" if end >= self.now else f"{end:%Y-%m-%dT%H:%M}"


def look(span: str, until: str, now: datetime) -> Look:
    """What the address asks for: the newest, or up to a minute or the end of a day (Beijing) that is past."""
    if span not in SPANS:
        raise NotFound("时段")
    end, chosen, past = now, SPANS[span], ""
    if until:
        try:
            said = _local(until) + (DAY if len(until) == len("2013-08-11") else timedelta(0))
        except (ValueError, OverflowError):
            raise BadInput("截至的时间读不懂") from None
        if said.year < FIRST_YEAR:
            raise BadInput(f"截至的时间早于 {FIRST_YEAR} 年")
        if said < now:
            end, past = said, f"{said:%Y-%m-%dT%H:%M}"
    if chosen.stretch:
        stretch_ms = round(chosen.stretch.total_seconds() * 1000)
        end = from_ms(-(-ms(end) // stretch_ms) * stretch_ms)
    return Look(chosen, end, now, past)


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


FEW = 5
FIRST_YEAR = 1900
"""Nobody keeps readings from before."""


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
    """逐点 — every reading of the series' own interval with the value that counts."""
    step = step_of(readings) if readings else HOUR
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


def thinned(buckets: Sequence[archive.Bucket], seen: Look, *, is_sum: bool) -> Drawn:
    """抽稀 — a stretch is drawn by its last value and the band between its extremes, rain by its sum."""
    stretch = seen.span.stretch
    ends = [min(one.end, seen.now) for one in buckets]
    lasts = [(round(one.total, 3) if is_sum else one.last[1]) if one.last else None for one in buckets]
    values = list(zip(ends, lasts, strict=True))
    step = _spacing([at for at, value in values if value is not None], stretch)
    lows = _broken([(at, one.low[1] if one.low else None) for at, one in zip(ends, buckets, strict=True)], step)
    highs = _broken([(at, one.high[1] if one.high else None) for at, one in zip(ends, buckets, strict=True)], step)
    band = [[at, low, high] for (at, low), (_, high) in zip(lows, highs, strict=True)]
    gaps = _gaps(values, step, seen.since, seen.until)
    flagged = [
        {"at": ms(each.time), "value": each.value, "quality": each.quality.value, "why": each.why}
        for one in buckets
        for each in one.flagged
    ]
    return Drawn(_broken(values, step), [] if is_sum else band, gaps, flagged)


def _spacing(known: Sequence[datetime], stretch: timedelta) -> timedelta:
    """How far apart neighbours usually are: an hour is no gap where every hour speaks; few tell nothing."""
    apart = sorted(b - a for a, b in pairwise(known))
    return max(stretch, apart[len(apart) // 2]) if len(apart) >= FEW else stretch


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


def source_of(folder: Path | None, station: str) -> str:
    """特征值的出处 — where its own limits are written, as the city's file says."""
    found = all_facts(folder).get(station)
    return found.source if found else ""


def all_facts(folder: Path | None) -> Mapping[str, assess.StationFacts]:
    path = folder / "station_facts.toml" if folder else None
    return _facts(path, path.stat().st_mtime_ns) if path is not None and path.is_file() else {}
