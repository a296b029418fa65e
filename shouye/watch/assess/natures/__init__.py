"""判定方式货架 — sums over windows, state, latch, extreme: one nature, one file, one constant `NATURE`.

A nature says what is known of a rule table's inputs at an instant. `Series` is what it looks at: one element at
one gauge, whole thousandths inside so that sums are exact. A reading of interval d at time T covers (T - d, T].
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shouye.base.kernel import load_shelf, to_ms
from shouye.base.rules import Value
from shouye.watch.assess.model import Watch
from shouye.watch.observe import Reading, outranks

SCALE = 1000
"""Values are whole thousandths of the element's unit inside."""


def seconds(reading: Reading) -> int:
    return to_ms(reading.time) // 1000


class Series:
    """序列 — one element at one gauge: the reading that stands per instant and interval (seconds)."""

    def __init__(self) -> None:
        self.keys: list[tuple[int, int]] = []
        """(time, minus interval) in order, so that walking back meets the finest of one instant first."""
        self.readings: dict[tuple[int, int], Reading] = {}
        self.scaled: dict[tuple[int, int], int | None] = {}
        self._sums: list[int] = []
        """Per key: the sum of all known values up to it; and how many are unknown, how many do not follow the
        reading before them at their own interval. As long as nothing came late they are as many as the keys."""
        self._unknown: list[int] = []
        self._breaks: list[int] = []

    def take(self, reading: Reading) -> int | None:
        """Keep the reading if it outranks what stands; the instant from which values have changed."""
        key = (seconds(reading), -int(reading.step.total_seconds()))
        standing = self.readings.get(key)
        if standing is not None and not outranks(reading, standing):
            return None
        self._put(key, reading, None if reading.value is None else round(reading.value * SCALE))
        return key[0]

    def _put(self, key: tuple[int, int], reading: Reading, scaled: int | None) -> None:
        place = bisect_left(self.keys, key)
        if key not in self.readings:
            self.keys.insert(place, key)
        self.readings[key] = reading
        self.scaled[key] = scaled
        self._doubt(place)

    def _doubt(self, since: int) -> None:
        """The running sums hold only before this place."""
        del self._sums[since:], self._unknown[since:], self._breaks[since:]

    def _drop(self, low: int, high: int) -> None:
        self._doubt(low)
        for key in self.keys[low:high]:
            del self.readings[key], self.scaled[key]
        del self.keys[low:high]

    def forget(self, before: int) -> None:
        """Let go of what ended before this instant."""
        self._drop(0, bisect_left(self.keys, (before, -(10**9))))

    def instants(self, since: int) -> dict[int, Reading]:
        """Every instant from `since` on, with its finest reading."""
        later = self.keys[bisect_right(self.keys, (since - 1, 0)) :]
        return {key[0]: self.readings[key] for key in later}

    def total(self, begin: int, end: int) -> tuple[int, int]:
        """累计 — the sum of the tiles of (begin, end] and how many seconds they cover.

        Readings that follow one another at one interval tile by themselves: two running sums tell all.
        """
        self._run_on()
        low, high = bisect_right(self.keys, (begin, 0)), bisect_right(self.keys, (end, 0))
        if low < high and self.keys[low][0] + self.keys[low][1] < begin:
            low += 1
        if low >= high:
            return 0, 0
        if self._breaks[high - 1] != self._breaks[low]:
            tiles = list(self.tiles(begin, end))
            return sum(value for value, _ in tiles), sum(step for _, step in tiles)
        before = (self._sums[low - 1], self._unknown[low - 1]) if low else (0, 0)
        known = high - low - (self._unknown[high - 1] - before[1])
        return self._sums[high - 1] - before[0], -self.keys[low][1] * known

    def _run_on(self) -> None:
        """Carry the running sums on to the last key."""
        at = len(self._sums)
        total, unknown, breaks = (self._sums[-1], self._unknown[-1], self._breaks[-1]) if self._sums else (0, 0, 0)
        for time, minus_step in self.keys[at:]:
            value = self.scaled[time, minus_step]
            total, unknown = (total, unknown + 1) if value is None else (total + value, unknown)
            if at:
                breaks += self.keys[at - 1] != (time + minus_step, minus_step)
            self._sums.append(total)
            self._unknown.append(unknown)
            self._breaks.append(breaks)
            at += 1

    def tiles(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """铺满 — (value, interval) of readings within (begin, end] that do not overlap, walking back.

        At each step the latest and of those the finest: what was sent twice in two intervals counts once.
        """
        for index in range(bisect_right(self.keys, (end, 0)) - 1, -1, -1):
            time, minus_step = key = self.keys[index]
            if time <= begin:
                return
            value = self.scaled[key]
            if value is not None and time <= end and time + minus_step >= begin:
                yield value, -minus_step
                end = time + minus_step

    def within(self, begin: int, end: int) -> list[int]:
        """Every known value whose whole interval lies in (begin, end]."""
        low, high = bisect_right(self.keys, (begin, 0)), bisect_right(self.keys, (end, 0))
        found = ((self.scaled[key], key[0] + key[1]) for key in self.keys[low:high])
        return [value for value, start in found if value is not None and start >= begin]

    def latest(self, at: int, within: int) -> int | None:
        """The finest reading of the latest instant not after `at` and less than `within` before it (or at it)."""
        index = bisect_right(self.keys, (at, 0)) - 1
        if index < 0 or (self.keys[index][0] != at and at - self.keys[index][0] >= within):
            return None
        return self.scaled[self.keys[index]]


class Counter(Series):
    """累计量 — a counter as increments between neighbours, made anew where a neighbour comes late.

    A fall is a turn-over (翻转) when it leads from the last fifth of the register to the first (proposed), else
    the counter began anew (归零) and what fell in between is unknown.
    """

    def __init__(self, wrap: float) -> None:
        super().__init__()
        self.wrap = round(wrap * SCALE)
        self.totals: dict[int, Reading] = {}
        self.times: list[int] = []
        """Instants at which the register is known."""

    def take(self, reading: Reading) -> int | None:
        time = seconds(reading)
        standing = self.totals.get(time)
        if standing is not None and not (
            outranks(reading, standing) or (not outranks(standing, reading) and reading.step > standing.step)
        ):
            return None
        self.totals[time] = reading
        place = bisect_left(self.times, time)
        known = place < len(self.times) and self.times[place] == time
        if reading.value is not None and not known:
            self.times.insert(place, time)
        elif reading.value is None and known:
            del self.times[place]
        self._derive(time)
        after = bisect_right(self.times, time)
        if after < len(self.times):
            self._derive(self.times[after])
        return time

    def _derive(self, time: int) -> None:
        low = bisect_left(self.keys, (time, -(10**9)))
        self._drop(low, bisect_right(self.keys, (time, 0)))
        reading = self.totals[time]
        place = bisect_left(self.times, time)
        if reading.value is None or place == 0:
            self._put((time, -int(reading.step.total_seconds())), replace(reading, value=None), None)
            return
        before = self.times[place - 1]
        grown = increment(self._total(before), self._total(time), self.wrap)
        value = None if grown is None else grown / SCALE
        self._put(
            (time, before - time), replace(reading, value=value, step=timedelta(seconds=time - before)), grown
        )

    def _total(self, time: int) -> int:
        return round((self.totals[time].value or 0.0) * SCALE)

    def forget(self, before: int) -> None:
        """As a series; the register's last total before that instant is kept for the next increment."""
        super().forget(before)
        for time in self.times[: max(0, bisect_left(self.times, before) - 1)]:
            del self.totals[time]
        del self.times[: max(0, bisect_left(self.times, before) - 1)]


def increment(before: int, now: int, wrap: int) -> int | None:
    """增量 — of two neighbouring totals; None when the counter began anew."""
    if now >= before:
        return now - before
    turned_over = wrap and 5 * before >= 4 * wrap and 5 * now <= wrap
    return wrap + now - before if turned_over else None


@dataclass(frozen=True)
class Nature:
    """判定方式 — the inputs of a table at an instant, and how far back (seconds) that looks."""

    term: str
    values: Callable[[Watch, Mapping[str, Series], int], dict[str, Value]]
    reach: Callable[[Watch], int]


def values_at(watch: Watch, readings: Iterable[Reading], at: datetime) -> dict[str, Value]:
    """What these readings say at an instant, without an engine."""
    series: dict[str, Series] = {element: Series() for element in watch.hazard.elements}
    for reading in readings:
        series[reading.element].take(reading)
    return nature_of(watch).values(watch, series, to_ms(at) // 1000)


def nature_of(watch: Watch) -> Nature:
    return load_shelf(sys.modules[__name__], "NATURE", Nature)[watch.hazard.nature]
