"""质控货架 — range, sentinel, rate, jump, stuck, gap, spatial, twin: one check, one file, one `CHECK`.

A check looks at columns of standing readings (one per series and instant, in order) and says which it flags. What
it says depends on the readings alone, never on when they came: a reading is looked at again when its surroundings
change. Limits are data (elements.toml, quality.toml).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import load_shelf
from shouye.watch.marks import Quality
from shouye.watch.observe.elements import Limits
from shouye.watch.observe.model import NEAR_STEPS

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

AFTER_GAP = 2
"""缺报 — more than so many intervals to the reading before is a gap (proposed); as for silence."""
MIN_NEAR = 3
"""How many stations around must be heard before one can be told to stand alone (proposed)."""


@dataclass(frozen=True)
class Columns:
    """列 — readings in order of (series, time); seconds and values. nan is a missing value.

    `before_s` is the time of the reading before, where it is known to be or not to be (nan: there is none).
    `steady_s`: since when the value of a first reading is known to be the same (nan: only itself is known).
    `near_top`, `near_count`: the largest value and the number of stations around at that instant; `twin_value`
    the reading of another instrument at that place.
    """

    series: Whole
    time_s: Numbers
    value: Numbers
    step_s: Numbers
    kind: Whole
    limits: Sequence[Limits]
    """The different ones; `kind` says which holds for a reading."""
    before_s: Numbers | None = None
    steady_s: Numbers | None = None
    near_top: Numbers | None = None
    near_count: Whole | None = None
    twin_value: Numbers | None = None
    _limit: dict[str, Numbers] = field(default_factory=dict)

    def limit(self, name: str) -> Numbers:
        """A limit for each reading."""
        if name not in self._limit:
            of_kind = np.array([getattr(one, name) for one in self.limits], dtype=np.float64)
            self._limit[name] = of_kind[self.kind]
        return self._limit[name]

    @cached_property
    def sentinel(self) -> Mask:
        found = np.zeros(len(self.value), dtype=np.bool_)
        for number, one in enumerate(self.limits):
            if one.sentinels:
                found |= (self.kind == number) & np.isin(self.value, one.sentinels)
        return found

    @cached_property
    def outside(self) -> Mask:
        """Out of range; a sum's upper end grows with the root of its interval."""
        high = self.limit("high") * np.where(self.limit("sums") > 0, np.sqrt(self.step_s / 3600), 1.0)
        return (self.value < self.limit("low")) | (self.value > high)

    @cached_property
    def sound(self) -> Whole:
        """Where a value is that can be compared with others."""
        return np.flatnonzero(~(np.isnan(self.value) | self.sentinel | self.outside))

    def shift(self, by: int) -> tuple[Numbers, Numbers]:
        """(value, time) of the `by`-th sound neighbour of each sound reading; nan where there is none near."""
        at, count = self.sound, len(self.sound)
        other = np.clip(np.arange(count) + by, 0, max(count - 1, 0))
        there = np.arange(count) + by == other
        if count:
            near = np.abs(self.time_s[at[other]] - self.time_s[at]) <= NEAR_STEPS * self.step_s[at]
            there &= near & (self.series[at[other]] == self.series[at])
        return (
            np.where(there, self.value[at[other]], np.nan),
            np.where(there, self.time_s[at[other]], np.nan),
        )

    def spread(self, mask: Mask) -> Mask:
        """A mask over the sound readings as one over all."""
        found = np.zeros(len(self.value), dtype=np.bool_)
        found[self.sound[mask]] = True
        return found

    @cached_property
    def company(self) -> tuple[Whole, Whole]:
        """Of each sound reading: how many of its four nearest neighbours there are, and how many agree with it."""
        at = self.sound
        there = np.zeros(len(at), dtype=np.int64)
        agree = np.zeros(len(at), dtype=np.int64)
        allowed = self.limit("jump")[at] * np.maximum(1.0, self.step_s[at] / 600)
        if not np.isfinite(allowed).any():  # nothing here can jump: whoever is near says nothing
            return there, agree
        for by in (-2, -1, 1, 2):
            value, _ = self.shift(by)
            known = ~np.isnan(value)
            there += known
            agree += known & (np.abs(value - self.value[at]) <= allowed)
        return there, agree

    @cached_property
    def steady(self) -> Numbers:
        """Of each sound reading: since when the value is the same, without a break in the readings."""
        at = self.sound
        value, _ = self.shift(-1)
        begins = ~(value == self.value[at])
        since = self.time_s[at]
        if self.steady_s is not None:
            given = self.steady_s[at]
            since = np.where(begins & ~np.isnan(given), given, since)
        where = np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0)) if len(at) else np.arange(0)
        return since[where]


@dataclass(frozen=True)
class Check:
    """质控检查 — `examine` says which readings it flags; `why` is the sentence beside them."""

    term: str
    quality: Quality
    why: str
    examine: Callable[[Columns], Mask]
    around: bool = False
    """Looks at other stations at the same instant."""


@cache
def all_checks() -> dict[str, Check]:
    return load_shelf(sys.modules[__name__], "CHECK", Check)
