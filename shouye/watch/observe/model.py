"""监测数据 — a reading, which of two readings stands, what is thought of it, and what silence is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite

from shouye.base.kernel import Tx
from shouye.watch.marks import Mark as Mark
from shouye.watch.marks import Quality as Quality
from shouye.watch.observe.elements import Limits

NEAR_STEPS = 4
"""邻近时段 — how many intervals away a neighbour in time still says something (proposed)."""


@dataclass(frozen=True)
class Flag:
    """质控标记 — which check or person (`by`) says what of a reading, why and since when; the value stays as sent.

    `check` is the file of the check, "sender" for the device's own word, "person" for a mark by hand; `value` is
    what a person puts in place of the reading.
    """

    check: str
    quality: Quality
    why: str
    by: str = ""
    at: datetime | None = None
    value: float | None = None


@dataclass(frozen=True)
class Reading:
    """监测数据 — the value of an element over (time - step, time]; None is 缺测, which is not zero.

    `revision` rises when the sender corrects (订正); `source` names the gauge that truly measured, so that one
    gauge heard twice counts once. `value` is as it was sent; `flags` say what is thought of it, `counted` is what
    may be judged.
    """

    station: str
    element: str
    time: datetime
    value: float | None
    step: timedelta
    revision: int = 0
    source: str = ""
    flags: tuple[Flag, ...] = ()

    @property
    def quality(self) -> Quality:
        """The last word of a person, else the worst of the machine's; good without any."""
        marks = [flag.quality for flag in self.flags if flag.by]
        return (
            marks[-1] if marks else max((flag.quality for flag in self.flags), key=_GRAVITY.index, default=_GOOD)
        )

    @property
    def counted(self) -> float | None:
        """参与研判的值 — none where it is bad, a person's where he has corrected it."""
        marks = [flag for flag in self.flags if flag.by]
        if marks and marks[-1].value is not None:
            return marks[-1].value
        return None if self.quality is Quality.BAD else self.value


_GRAVITY = tuple(Quality)
_GOOD = Quality.GOOD


def judged(reading: Reading) -> Reading:
    """研判所见 — the reading with the value that counts."""
    return replace(reading, value=reading.counted) if reading.flags else reading


def flag_of(mark: Mark) -> Flag:
    """A person's word beside the reading."""
    return Flag("person", mark.quality, mark.why, mark.by, mark.at, mark.value)


def outranks(one: Reading, other: Reading) -> bool:
    """取舍 — of two readings of one series and instant, does the first stand? Content decides, never arrival."""
    return _rank(one) > _rank(other)


def _rank(reading: Reading) -> tuple[int, bool, float, str]:
    return reading.revision, reading.value is not None, reading.value or 0.0, reading.source


Content = tuple[int, bool, float, str]
"""What decides between two readings of one series and instant; see `model.outranks`."""


@dataclass(frozen=True)
class Tail:
    """序列之末 — the latest reading of a series and what is remembered of those before it."""

    ms: int
    reading: tuple[int, float | None, str]
    """(revision, value, source)."""
    first_ms: int
    steady_ms: int | None
    doubt: bool


@dataclass(frozen=True)
class Series:
    """一个序列 — as the store knows it, with what can be expected of it."""

    id: int
    station: str
    element: str
    step_s: int
    tail: Tail | None
    limits: Limits

    @property
    def reach_ms(self) -> int:
        """How far a neighbour in time still says something."""
        return NEAR_STEPS * self.step_s * 1000

    @property
    def stuck_ms(self) -> int:
        return round(self.limits.stuck_h * 3_600_000) if isfinite(self.limits.stuck_h) else 0

    def sound(self, value: float | None) -> bool:
        """Could the value be, taken alone?"""
        high = self.limits.high * (max(self.step_s, 1) / 3600) ** (self.limits.sums / 2)
        return value is not None and self.limits.low <= value <= high and value not in self.limits.sentinels


@dataclass(frozen=True)
class Arrived:
    """到数 — one reading of the batch: the number of its series and its instant."""

    number: int
    ms: int
    reading: Reading

    @property
    def content(self) -> Content:
        return content(self.reading.revision, self.reading.value, self.reading.source)


def content(revision: int, value: float | None, source: str) -> Content:
    return revision, value is not None, value or 0.0, source


class Cause(StrEnum):
    """听不到的原因。"""

    NEVER = "NEVER"
    LATE = "LATE"
    MISSING = "MISSING"
    BAD = "BAD"

    @property
    def word(self) -> str:
        return {"NEVER": "从未收到", "LATE": "超时未到", "MISSING": "来数缺测", "BAD": "来数无效"}[self.value]


@dataclass(frozen=True)
class Silence:
    """听不到的 — the gauges of one county that are not heard for one cause; `since` is the oldest last value."""

    county: str
    cause: Cause
    stations: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True)
class Measures:
    """应测要素 — what stations are declared to measure: `recorded` is all, `carried` what their feeds bring.

    `every` is how often: (station, element), or (station, "") for all that has no line of its own. Of the elements
    that nobody has recorded only `judged` ones are missed when they alone fall silent.
    """

    recorded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    carried: Mapping[str, frozenset[str]] = field(default_factory=dict)
    every: Mapping[tuple[str, str], timedelta] = field(default_factory=dict)
    judged: frozenset[str] = frozenset()

    @classmethod
    def in_force(cls, tx: Tx) -> Measures:
        """As this program installed them; a drill without feeds says nothing."""
        found = tx.installed.get(cls)
        return found if isinstance(found, cls) else cls()

    def owes(self, station: str, element: str, sent: frozenset[str]) -> bool:
        """Is this element expected of the station? What it has sent counts where its record does not say all; of
        one of which nothing is known everything is."""
        known = self.recorded.get(station) or sent | self.carried.get(station, frozenset())
        return element in known or not known

    def missed(self, station: str, sent: frozenset[str]) -> frozenset[str]:
        """Which elements of a station that is heard would be missed if they alone stopped."""
        return self.recorded.get(station) or sent & self.judged

    def within(self, reading: Reading) -> timedelta:
        """应到间隔 — how soon the next of its series: after what it covers, or later where its feed says so."""
        key = (reading.station, reading.element)
        return max(reading.step, self.every.get(key) or self.every.get((reading.station, ""), reading.step))


_NOTHING_SAID = Measures()

LATE_AFTER = 2
"""超时 — two intervals without a reading; `proposed`, no document gives the number."""


def unheard(
    latest: list[Reading], now: datetime, measures: Measures = _NOTHING_SAID
) -> tuple[Cause, datetime | None] | None:
    """听得到吗 — judged over the series given: one living series is enough."""
    if not latest:
        return Cause.NEVER, None
    newest = max(reading.time for reading in latest)
    in_time = [reading for reading in latest if now - reading.time <= LATE_AFTER * measures.within(reading)]
    if not in_time:
        return Cause.LATE, newest
    if all(reading.counted is None for reading in in_time):
        return Cause.BAD if any(reading.value is not None for reading in in_time) else Cause.MISSING, newest
    return None
