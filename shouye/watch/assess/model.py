"""研判 — a hazard, what its rule table needs of a gauge, an episode over a threshold, a situation."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from shouye.base.kernel import Refusal
from shouye.base.rules import Bounds, RuleTable, Truth, Value
from shouye.watch.observe import Block, Reading

NO_SIGNAL = "实况达到标准，非气象预警信号"
"""What every finding says of itself. 依据: 气象灾害防御条例 第三十条 — only the observatory issues signals."""


class BadActive(Refusal):
    """在用规则表（assess.toml）有误，未启用。"""


@dataclass(frozen=True)
class Earlier:
    """前期雨量 — a sum over `hours` that ends `lag_h` hours before the instant judged."""

    hours: float
    lag_h: float


@dataclass(frozen=True)
class Channel:
    """通道 — the element that feeds an input of the table, and how its unit becomes the table's."""

    element: str
    scale: Callable[[float], float] | None = None


@dataclass(frozen=True)
class Hazard:
    """灾种 — what of a gauge is judged by which rule kind; windows and levels come from the rule table in use.

    `nature` names how (natures/): *sums* over the table's windows whose `sum` is ours, with `earlier` sums that
    end before the windows begin; *state*, *latch* and *extreme* of `channels` (input -> element). `window` is how
    long an extreme or a state counts; `margin` is the hysteresis per input (回差), `hold` how long a level must
    be known not to hold before it ends. A `latched` level ends only by a person's reset while the duty `restore`
    holds.
    """

    key: str
    term: str
    kind: str
    element: str
    review_after: timedelta
    sum: str = ""
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    nature: str = "sums"
    channels: Mapping[str, Channel] = field(default_factory=dict)
    window: timedelta = timedelta(0)
    margin: Mapping[str, float] = field(default_factory=dict)
    hold: timedelta = timedelta(0)
    latched: tuple[str, ...] = ()
    restore: str = ""

    @property
    def elements(self) -> tuple[str, ...]:
        """Every element it asks for."""
        return tuple(dict.fromkeys((self.element, *(channel.element for channel in self.channels.values()))))


@dataclass(frozen=True)
class StationFacts:
    """测站特征 — a station's own limits and place, what it measures, and which element stands for which.

    `values` are inputs of rule tables (警戒水位 …). `measures` empty: all that a hazard asks. `in_force` names the
    element that is judged where several carry the same rain, `checked_by` those that only check it; `wraps` where
    a counter turns over (翻转); `source` says where its limits are written.
    """

    values: Mapping[str, float | str] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    in_force: Mapping[str, str] = field(default_factory=dict)
    wraps: Mapping[str, float] = field(default_factory=dict)
    checked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""


NOTHING_SAID = StationFacts()


@dataclass(frozen=True)
class Reset:
    """人工复位 — a person put a latch back at this instant."""

    hazard: str
    station: str
    at: datetime


@dataclass(frozen=True)
class Window:
    """时段 — the sum over (T - lag - length, T - lag], under the name the table gives it; in seconds."""

    name: str
    length_s: int
    lag_s: int = 0


@dataclass(frozen=True)
class Watch:
    """在用研判 — a hazard with the table that is in force for it."""

    hazard: Hazard
    table: RuleTable

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        found = []
        for item in self.table.inputs:
            earlier = self.hazard.earlier.get(item.name)
            if item.sum == self.hazard.sum and item.hours:
                found.append(Window(item.name, round(item.hours * 3600)))
            elif earlier is not None:
                found.append(Window(item.name, round(earlier.hours * 3600), round(earlier.lag_h * 3600)))
        return tuple(found)

    def at(self, station: StationFacts) -> Watch | None:
        """What of the table this station can answer: rows that ask for what it neither measures nor has are left
        out, for a gauge of stages would else be unknown for ever. None when nothing is left."""
        if self.hazard.nature == "sums":
            return self
        defaults = {item.name for item in self.table.inputs if item.default is not None}
        able = {
            name
            for name, channel in self.hazard.channels.items()
            if not station.measures or channel.element in station.measures
        }
        able |= defaults | (station.values.keys() & self.table.by_name.keys())
        rows = []
        for row in self.table.rows:
            clauses = [clause for clause in row.when.clauses if {n for one in clause for n in one.names()} <= able]
            if clauses and not {name for clause in clauses for one in clause for name in one.names()} <= defaults:
                rows.append(replace(row, when=replace(row.when, clauses=tuple(clauses))))
        return replace(self, table=replace(self.table, rows=tuple(rows))) if rows else None

    def constants(self, station: StationFacts) -> dict[str, Value]:
        """The station's own values that the table asks for."""
        return {name: value for name, value in station.values.items() if name in self.table.by_name}

    def cleared(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """回差 — the values as they count for the end of a level: nearer to it by the margin."""
        return {
            name: Bounds(value.lo + margin, value.hi + margin)
            if isinstance(value, Bounds) and (margin := self.hazard.margin.get(name))
            else value
            for name, value in values.items()
        }

    def restorable(self, values: Mapping[str, Value]) -> bool:
        """复电条件 — is it known that a person may reset the latch?"""
        judged = self.table.judge(values)
        return any(one.duty.level == self.hazard.restore and one.truth is Truth.TRUE for one in judged.duties)

    def rank(self, level: str) -> int:
        """1 for the lowest level of the table."""
        return self.table.levels.index(level) + 1

    def ground(self, level: str, values: Mapping[str, Value]) -> Ground:
        """依据 — the first row of this level that holds, in the table's own words."""
        facts = self.table.settle(values)
        row = next(row for row in self.table.rows if row.level == level and row.when.truth(facts) is Truth.TRUE)
        told = "，".join(self.table.by_name[name].reading(facts[name]) for name in dict.fromkeys(row.when.names()))
        proposed = "，建议值" if row.mark == "X" else ""
        word = self.table.word(level)
        known = {name: bound for name, bound in facts.items() if name in values and isinstance(bound, Bounds)}
        table = "" if self.table.id == "proposed" else f"{self.table.id} "  # the words 建议值 say it already
        return Ground(
            text=f"{told}，达到“{row.text}”（{table}{self.table.term}·{word}{proposed}）",
            mark=row.mark,
            values={name: bound.lo for name, bound in known.items() if bound.lo == bound.hi or bound.lo > 0},
            missing=tuple(name for name, bound in known.items() if bound.lo != bound.hi),
        )


@dataclass(frozen=True)
class Ground:
    """依据 — why a level holds. A value whose name is in `missing` is a lower bound: so much at least."""

    text: str
    mark: str
    values: dict[str, float]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Episode:
    """超标过程 — a level held at one gauge from `first_at` until it was known not to hold; pure event time."""

    hazard: str
    rules: str
    level: str
    rank: int
    word: str
    station: str
    first_at: datetime
    until: datetime | None
    source: str
    ground: Ground


@dataclass(frozen=True)
class Told:
    """引擎所言 — the episodes of one gauge as they stand, as far as they reach `since` or later.

    Whatever ended before that is settled and was told before.
    """

    since: datetime
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class Start:
    """起算 — what an engine is given of a gauge that it does not know: folding begins after `since`.

    `open` are the episodes that stood at that instant; `past` is every reading that later windows reach.
    """

    station: str
    since: datetime
    open: tuple[Episode, ...] = ()
    past: tuple[Reading, ...] = ()
    resets: tuple[Reset, ...] = ()
    blocks: Mapping[str, Block] = field(default_factory=dict)
    """element -> its past as columns, where it has one; then `past` has none of it."""

    def readings(self, elements: Collection[str]) -> list[Reading]:
        """The past of these elements, reading by reading."""
        mine = [block for element, block in self.blocks.items() if element in elements]
        return [one for one in self.past if one.element in elements] + [
            one for block in mine for one in block.readings()
        ]


class Engine(Protocol):
    """累积引擎 — folds readings into episodes; batch boundaries and order of arrival never change the result."""

    @property
    def lookback(self) -> timedelta:
        """How much older than an instant the readings are on which it depends."""

    def strangers(self, batch: Sequence[Reading]) -> dict[str, datetime]:
        """Gauges that must be started (again), not later than from this; each then with all that the batch has."""

    def start(self, start: Start) -> Told:
        """Begin with this gauge, forgetting what was known of it."""

    def feed(self, batch: Sequence[Reading], resets: Iterable[Reset] = ()) -> dict[str, Told]:
        """Take these; only gauges for which something may have changed are told."""


@dataclass(frozen=True)
class EngineKind:
    """引擎货架的一项 — makes an engine for the watches in use."""

    term: str
    make: Callable[[Sequence[Watch], Mapping[str, StationFacts]], Engine]


@dataclass(frozen=True)
class Finding:
    """监测告警 — an episode as recorded: 实况达到标准，非气象预警信号.

    `division` is the county of the gauge, `areas` the divisions for which the gauge speaks and `basis` why.
    `already_over`: it had ended when we learnt of it; recorded, never called. `retracted_at`: its ground is gone.
    """

    id: int
    hazard: str
    rules: str
    level: str
    rank: int
    word: str
    station: str
    division: str
    areas: tuple[str, ...]
    basis: str
    first_at: datetime
    found_at: datetime
    until: datetime | None
    values: dict[str, float]
    missing: tuple[str, ...]
    source: str
    text: str
    mark: str
    already_over: bool
    retracted_at: datetime | None

    @property
    def open(self) -> bool:
        """In force: neither known to have ended nor withdrawn."""
        return self.until is None and self.retracted_at is None

    @property
    def episode(self) -> Episode:
        """The episode as an engine told it."""
        return Episode(
            hazard=self.hazard,
            rules=self.rules,
            level=self.level,
            rank=self.rank,
            word=self.word,
            station=self.station,
            first_at=self.first_at,
            until=self.until,
            source=self.source,
            ground=Ground(self.text, self.mark, self.values, self.missing),
        )


@dataclass(frozen=True)
class Situation:
    """态势 — one hazard in one division: without a level it is 无险情, or 未知 when `unknown`.

    A level stays in force while nobody is heard (`unknown`): from `review_at` on somebody must extend or lift it.
    """

    hazard: str
    term: str
    rules: str
    division: str
    level: str | None
    rank: int
    word: str
    since: datetime | None
    changed_at: datetime | None
    review_at: datetime | None
    findings: tuple[int, ...]
    stations: tuple[str, ...]
    sources: int
    best: str
    unknown: bool
    unheard: tuple[str, ...]
    basis: str
    discarded: tuple[Reading, ...] = ()
    """弃用的读数 — readings of its gauges in the last day that have a value which was not judged."""


@dataclass(frozen=True)
class SituationStep:
    """态势变化 — one line of a situation's history."""

    at: datetime
    hazard: str
    division: str
    level: str | None
    previous: str | None
    ground: str
    findings: tuple[int, ...]


def strongest(leading: Iterable[Finding]) -> str:
    """The strongest ground at the highest level: the one with the largest sum."""
    found = max(leading, key=lambda one: (max(one.values.values(), default=0), one.station), default=None)
    return found.text if found else ""


def read_active(path: Path) -> dict[str, str]:
    """在用规则表 — `assess.toml` of a city: `[hazard.rainstorm] rules = "CMA16-2007"`."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return {hazard: str(row["rules"]) for hazard, row in said["hazard"].items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadActive(f"{path.name}：{error}") from None


def read_station_facts(path: Path) -> dict[str, StationFacts]:
    """测站特征表 — `station_facts.toml` of a city, one table for each station; none without such a file.

    `values`: inputs of rule tables (warning_stage_m = 100.0); `measures`: elements; `in_force`: element -> the one
    that is judged; `checked_by`: element -> others that carry the same; `wraps`: where counters turn over.
    """
    if not path.is_file():
        return {}
    try:
        return {key: _facts(key, row) for key, row in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError) as error:
        raise BadActive(f"{path.name}：{error}") from None


def _facts(station: str, row: dict[str, Any]) -> StationFacts:
    if strange := sorted(row.keys() - {one.name for one in fields(StationFacts)}):
        raise ValueError(f"[{station}] 里不认识 {'、'.join(strange)}")
    return StationFacts(
        dict(row.get("values", {})),
        tuple(row.get("measures", ())),
        dict(row.get("in_force", {})),
        {element: float(wrap) for element, wrap in row.get("wraps", {}).items()},
        {element: tuple(others) for element, others in row.get("checked_by", {}).items()},
        str(row.get("source", "")),
    )


def read_measured(path: Path) -> dict[str, frozenset[str]]:
    """应测要素 — what the stations measure of whom the table says it."""
    facts = read_station_facts(path)
    return {station: frozenset(one.measures) for station, one in facts.items() if one.measures}


def top(open_findings: Sequence[Finding]) -> list[Finding]:
    """最高级别的告警 — those at the highest level, the earliest first."""
    highest = max((finding.rank for finding in open_findings), default=0)
    found = [finding for finding in open_findings if finding.rank == highest]
    return sorted(found, key=lambda finding: (finding.first_at, finding.station, finding.id))
