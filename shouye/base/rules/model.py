"""规则判定 — a published table, the values one knows, and what can be proved from them.

Truth has three values (Kleene): an unknown reading proves nothing and clears nothing. A number may be known,
unknown or bounded. Windows of one sum (3, 6, 12 hours of one rain) bound each other: a longer one holds more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import cached_property
from itertools import combinations
from math import inf, isfinite
from typing import Any, cast

from shouye.base.kernel import AlertLevel, BadInput, NotFound, Refusal

NONE = "none"
UNKNOWN = "unknown"


class BadRule(Refusal):
    """规则表有误，未载入。"""


class NoSuchRule(NotFound):
    """没有这张规则表。"""


class NoSuchInput(BadInput):
    """规则表没有这项输入。"""


class BadValue(BadInput):
    """输入值不合要求。"""


class Contradiction(BadInput):
    """各时段数值互相矛盾，不能判定。"""


class Truth(IntEnum):
    """三值真值 — `and` takes the lower of two, `or` the higher."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """上下界 — what is known of a number: lo <= x <= hi."""

    lo: float
    hi: float


Value = float | str | bool | Bounds | None
"""What a caller may say of an input; None is unknown."""
Known = Bounds | str | bool | None
"""What is known after settling: a number is always bounds."""
Facts = Mapping[str, Known]


@dataclass(frozen=True)
class Input:
    """输入项 — one quantity a table asks for.

    `default` is what leaving it out means (an explicit None stays unknown). `sum` names the quantity that several
    windows share, `hours` is this window's length.
    """

    name: str
    unit: str
    term: str
    kind: str = "number"
    sum: str | None = None
    hours: float | None = None
    low: float = -inf
    high: float = inf
    choices: tuple[str, ...] = ()
    default: float | str | bool | None = None

    def settle(self, value: Value) -> Known:
        """Check one value; a number becomes bounds, an unknown number its widest bounds."""
        if self.kind == "number":
            return self._settle_number(value)
        wanted = bool if self.kind == "bool" else str
        if value is not None and not isinstance(value, wanted):
            raise BadValue(f"{self.term} {self.name} 应为{'是或否' if wanted is bool else '文字'}")
        if isinstance(value, str) and self.choices and value not in self.choices:
            raise BadValue(f"{self.term} {self.name} 只能是 {'、'.join(self.choices)}，不能是 {value}")
        return value

    def _settle_number(self, value: Value) -> Bounds:
        if isinstance(value, str | bool):
            raise BadValue(f"{self.term} {self.name} 应为数字，单位 {self.unit}")
        if value is None:
            value = Bounds(-inf, inf)
        span = value if isinstance(value, Bounds) else Bounds(value, value)
        lo, hi = max(span.lo, self.low), min(span.hi, self.high)
        if not lo <= hi or lo == inf or hi == -inf:
            raise BadValue(f"{self.term} {self.name} 不能是 {shown(value)} {self.unit}")
        return Bounds(lo, hi)

    def reading(self, known: Known) -> str:
        """The value as a person reads it: 3小时降雨量 55 mm."""
        return f"{self.term} {shown(known)}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True)
class Compare:
    """比较 — a constant plus multiples of inputs is >= 0 (以上), or > 0 when `strict`: rain_3h_mm - 50 >= 0."""

    constant: float
    terms: tuple[tuple[float, str], ...]
    strict: bool = False

    def truth(self, facts: Facts) -> Truth:
        lo, hi = self._range(facts)
        if lo > 0 or (lo == 0 and not self.strict):
            return Truth.TRUE
        return Truth.FALSE if hi < 0 or (hi == 0 and self.strict) else Truth.UNKNOWN

    def _range(self, facts: Facts) -> tuple[float | Decimal, float | Decimal]:
        numbers = [(factor, _number(facts, name)) for factor, name in self.terms]
        ends = [(f, x.lo, x.hi) if f > 0 else (f, x.hi, x.lo) for f, x in numbers]
        if len(ends) == 1 and abs(ends[0][0]) == 1:  # one float difference always has the right sign
            factor, lo, hi = ends[0]
            return self.constant + factor * lo, self.constant + factor * hi
        # decimal: 101.3 - 0.5 - 100.8 is 0, as typed
        constant = Decimal(repr(self.constant))
        lows = (Decimal(repr(f)) * Decimal(repr(lo)) for f, lo, _ in ends)
        return sum(lows, constant), sum((Decimal(repr(f)) * Decimal(repr(hi)) for f, _, hi in ends), constant)

    def names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.terms)


def _number(facts: Facts, name: str) -> Bounds:
    return cast(Bounds, facts[name])  # the loader compares only numbers with numbers


@dataclass(frozen=True)
class Is:
    """等于 — a text is (or is not) this choice, a yes-no input is this answer."""

    name: str
    value: str | bool
    equal: bool = True

    def truth(self, facts: Facts) -> Truth:
        known = facts[self.name]
        if known is None:
            return Truth.UNKNOWN
        return Truth.TRUE if (known == self.value) is self.equal else Truth.FALSE

    def names(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class Condition:
    """条件 — any of some clauses, each of which needs all its comparisons."""

    clauses: tuple[tuple[Compare | Is, ...], ...]

    def truth(self, facts: Facts) -> Truth:
        return max([min([atom.truth(facts) for atom in clause]) for clause in self.clauses])

    def names(self) -> Iterator[str]:
        """Every input it reads."""
        return (name for clause in self.clauses for atom in clause for name in atom.names())

    def open_names(self, facts: Facts) -> Iterator[str]:
        """The inputs whose knowledge could settle it: what is open in a clause that nothing refutes."""
        for clause in self.clauses if self.truth(facts) is Truth.UNKNOWN else ():
            if min(atom.truth(facts) for atom in clause) is Truth.UNKNOWN:
                open_atoms = (atom for atom in clause if atom.truth(facts) is Truth.UNKNOWN)
                yield from (name for atom in open_atoms for name in atom.names() if _open(facts[name]))


def _open(known: Known) -> bool:
    return known.lo != known.hi if isinstance(known, Bounds) else known is None


@dataclass(frozen=True)
class Row:
    """表中一行 — the level it gives, when, and its published wording in short.

    A 附带责任 (duty) is such a row beside the levels: a report, a ban; its `level` is the duty's name.
    """

    level: str
    when: Condition
    text: str
    mark: str
    source: str


@dataclass(frozen=True)
class DutyFinding:
    """附带责任的判定 — whether the same facts oblige us to something beside the level."""

    duty: Row
    truth: Truth
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        duty, holds = self.duty, ("no", UNKNOWN, "yes")[self.truth]
        found = {"name": duty.level, "holds": holds, "text": duty.text, "missing": list(self.missing)}
        return found | {"source": duty.source, "mark": duty.mark}


@dataclass(frozen=True)
class Judgement:
    """判定 — what a table says of some values.

    `level` is the highest level proven; "none" when every level is disproved; "unknown" when nothing is proven
    and something is open. `known` is False while a higher level is open: then the proven level stands ("at
    least") and `missing` lists the inputs that would settle it. `unknown_levels` are the open levels without a
    published row: no reading settles them.
    """

    kind: str
    rules: str
    level: str
    word: str
    known: bool
    missing: tuple[str, ...]
    unknown_levels: tuple[str, ...]
    row: Row | None
    text: str
    source: str
    mark: str
    values: Mapping[str, Value]
    duties: tuple[DutyFinding, ...] = ()

    @property
    def proven(self) -> str | None:
        """The level that holds for certain, if any."""
        return None if self.level in (NONE, UNKNOWN) else self.level

    def to_json(self) -> dict[str, Any]:
        """For `--json`: `at_least` appears only when a higher level is still open."""
        found: dict[str, Any] = {"kind": self.kind, "rules": self.rules, "level": self.level, "word": self.word}
        found |= {"known": self.known, "missing": list(self.missing), "reason": self.text}
        if self.proven and not self.known:
            found["at_least"] = self.proven
        if self.unknown_levels:
            found["unknown_levels"] = list(self.unknown_levels)
        if self.duties:
            found["duties"] = [duty.to_json() for duty in self.duties]
        values = {name: _plain(value) for name, value in self.values.items()}
        return found | {"source": self.source, "mark": self.mark, "values": values}


@dataclass(frozen=True)
class RuleTable:
    """规则表 — one published table, typed as published; `levels` run from low to high."""

    kind: str
    id: str
    title: str
    term: str
    authority: str
    document: str
    effective_from: str
    source: str
    mark: str
    basis: str
    levels: tuple[str, ...]
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]
    duties: tuple[Row, ...] = ()
    unknown_levels: tuple[str, ...] = ()
    words: Mapping[str, str] | None = None
    note: str = ""
    default: bool = False

    @property
    def name(self) -> str:
        """How a finding cites it: rainstorm@CMA16-2007."""
        return f"{self.kind}@{self.id}"

    @cached_property
    def by_name(self) -> dict[str, Input]:
        return {item.name: item for item in self.inputs}

    @cached_property
    def windows(self) -> tuple[tuple[Input, ...], ...]:
        """The inputs that are windows of one sum, shortest first."""
        sums = dict.fromkeys(item.sum for item in self.inputs if item.sum)
        groups = ([item for item in self.inputs if item.sum == name] for name in sums)
        return tuple(tuple(sorted(group, key=lambda item: item.hours or 0)) for group in groups)

    def word(self, level: str) -> str:
        """The level in Chinese: 橙色, 立即转移, 较大."""
        if self.words and level in self.words:
            return self.words[level]
        if level in AlertLevel.__members__:
            return f"{AlertLevel(level).word}色"
        return {NONE: "未达标准", UNKNOWN: "无法判定"}.get(level, level)

    def settle(self, values: Mapping[str, Value]) -> dict[str, Known]:
        """Check the values, put defaults, and let windows of one sum bound each other."""
        for name in values:
            if name not in self.by_name:
                raise NoSuchInput(f"{self.kind} 没有 {name}；可用：{'、'.join(self.by_name)}")
        facts: dict[str, Known] = {i.name: i.settle(values.get(i.name, i.default)) for i in self.inputs}
        for group in self.windows:
            _nest(group, facts)
        return facts

    def truths(self, values: Mapping[str, Value]) -> dict[str, Truth]:
        """各级真值 — per level, low to high; a level without a published row is UNKNOWN."""
        return self._truths(self.settle(values))

    def judge(self, values: Mapping[str, Value]) -> Judgement:
        """判定 — the highest level proven, and what is missing to exclude a higher one."""
        facts = self.settle(values)
        truths = self._truths(facts)
        proven = next((level for level in reversed(self.levels) if truths[level] is Truth.TRUE), None)
        above = self.levels[self.levels.index(proven) + 1 :] if proven else self.levels
        undecided = [level for level in above if truths[level] is Truth.UNKNOWN]
        missing = self._missing((row.when for row in self.rows if row.level in undecided), facts)
        row = next((r for r in self.rows if r.level == proven and r.when.truth(facts) is Truth.TRUE), None)
        level = proven or (UNKNOWN if undecided else NONE)
        unpublished = tuple(name for name in undecided if name in self.unknown_levels)
        return Judgement(
            kind=self.kind,
            rules=self.id,
            level=level,
            word=self.word(level),
            known=not undecided,
            missing=missing,
            unknown_levels=unpublished,
            row=row,
            text=self._reason(row, facts, missing, unpublished),
            source=row.source if row else self.source,
            mark=row.mark if row else self.mark,
            values={name: values.get(name, item.default) for name, item in self.by_name.items()},
            duties=tuple(DutyFinding(d, d.when.truth(facts), self._missing([d.when], facts)) for d in self.duties),
        )

    def _truths(self, facts: Facts) -> dict[str, Truth]:
        found = {level: Truth.UNKNOWN if level in self.unknown_levels else Truth.FALSE for level in self.levels}
        for row in self.rows:
            found[row.level] = max(found[row.level], row.when.truth(facts))
        return found

    def _missing(self, conditions: Iterable[Condition], facts: Facts) -> tuple[str, ...]:
        names = {name for condition in conditions for name in condition.open_names(facts)}
        return tuple(name for name in self.by_name if name in names)

    def _reason(
        self, row: Row | None, facts: Facts, missing: tuple[str, ...], unpublished: tuple[str, ...]
    ) -> str:
        parts = []
        if row is not None:
            used = dict.fromkeys(row.when.names())
            readings = "，".join(
                self.by_name[name].reading(facts[name]) for name in used if shown(facts[name]) != "不明"
            )
            parts.append(f"达到{self.word(row.level)}标准：{row.text}（{readings}）")
        if missing:
            terms = "、".join(self.by_name[name].term for name in missing)
            parts.append(f"{'更高级别待定' if row else '无法判定'}，缺：{terms}")
        if unpublished:
            parts.append(f"{'、'.join(self.word(level) for level in unpublished)}的标准未见公布，不能判定")
        return "；".join(parts) or "所给数值未达到任何一级标准"


def _nest(group: tuple[Input, ...], facts: dict[str, Known]) -> None:
    """A longer window holds at least what a shorter one holds, a shorter at most what a longer one holds."""
    bounds = [_number(facts, item.name) for item in group]
    for (shorter, least), (longer, most) in combinations(zip(group, bounds, strict=True), 2):
        if least.lo > most.hi:
            raise Contradiction(f"{shorter.reading(least)}，却大于{longer.reading(most)}")
    for index, item in enumerate(group):
        lo = max(bound.lo for bound in bounds[: index + 1])
        hi = min(bound.hi for bound in bounds[index:])
        facts[item.name] = Bounds(lo, hi)


def shown(value: Value) -> str:
    """A value for people: 49.9, ≥35, 35～60, 是, 不明."""
    if isinstance(value, Bounds):
        if value.lo == value.hi:
            return shown(value.lo)
        if value.hi == inf:
            return "不明" if value.lo == -inf else f"≥{shown(value.lo)}"
        return f"≤{shown(value.hi)}" if value.lo == -inf else f"{shown(value.lo)}～{shown(value.hi)}"
    if value is None:
        return "不明"
    if isinstance(value, bool):
        return "是" if value else "否"
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")


def _plain(value: Value) -> Any:
    if not isinstance(value, Bounds):
        return value
    return {"lo": value.lo if isfinite(value.lo) else None, "hi": value.hi if isfinite(value.hi) else None}
