"""研判 — a hazard, what its rule table needs of a gauge, an episode over a threshold, a situation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from shouye.base.kernel import Refusal
from shouye.base.rules import Bounds, RuleTable, Truth
from shouye.watch.observe import Reading

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
class Hazard:
    """灾种 — which element is summed for which rule kind; windows and levels come from the rule table in use.

    A window of the table is an input whose `sum` is ours. `earlier` gives sums that end before the windows begin.
    """

    key: str
    term: str
    kind: str
    element: str
    sum: str
    review_after: timedelta
    earlier: Mapping[str, Earlier] = field(default_factory=dict)


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

    def rank(self, level: str) -> int:
        """1 for the lowest level of the table."""
        return self.table.levels.index(level) + 1

    def ground(self, level: str, values: Mapping[str, Bounds]) -> Ground:
        """依据 — the first row of this level that holds, in the table's own words."""
        facts = self.table.settle(values)
        row = next(row for row in self.table.rows if row.level == level and row.when.truth(facts) is Truth.TRUE)
        told = "，".join(self.table.by_name[name].reading(facts[name]) for name in dict.fromkeys(row.when.names()))
        proposed = "，建议值" if row.mark == "X" else ""
        word = self.table.word(level)
        known = {name: bound for name, bound in facts.items() if name in values and isinstance(bound, Bounds)}
        return Ground(
            text=f"{told}，达到“{row.text}”（{self.table.id} {self.table.term}·{word}{proposed}）",
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


class Engine(Protocol):
    """累积引擎 — folds readings into episodes; batch boundaries and order of arrival never change the result."""

    @property
    def elements(self) -> tuple[str, ...]:
        """What it wants to be fed."""

    def knows(self, station: str) -> bool:
        """Has it been fed this gauge's history?"""

    def feed(self, batch: Iterable[Reading]) -> dict[str, list[Episode]]:
        """Take these readings and give, per gauge they concern, all its episodes as they now stand."""


@dataclass(frozen=True)
class EngineKind:
    """引擎货架的一项 — makes an engine for the watches in use."""

    term: str
    make: Callable[[Sequence[Watch]], Engine]


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


def top(open_findings: Sequence[Finding]) -> list[Finding]:
    """最高级别的告警 — those at the highest level, the earliest first."""
    highest = max((finding.rank for finding in open_findings), default=0)
    found = [finding for finding in open_findings if finding.rank == highest]
    return sorted(found, key=lambda finding: (finding.first_at, finding.station, finding.id))
