"""普通引擎 — dictionaries and integers; slow, plain, and the oracle of any faster one.

A reading of interval d at time T covers (T - d, T]. Windows are summed at the instants at which a gauge has a
reading, walking back over readings that do not overlap. If they tile the window the sum is exact; otherwise it is
a lower bound whose upper side is open: what is missing, or was before the first reading, may have been anything.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from math import inf

from shouye.base.kernel import from_ms, to_ms
from shouye.base.rules import Bounds, Truth
from shouye.watch.assess.model import EngineKind, Episode, Watch, Window
from shouye.watch.observe import Reading, outranks

_SCALE = 1000
"""Values are whole thousandths of the element's unit inside, so that sums are exact."""


class _Series:
    """One series: the reading that stands at each instant, in seconds, and a scaled integer beside it."""

    def __init__(self, step_s: int) -> None:
        self.step_s = step_s
        self.times: list[int] = []
        self.readings: dict[int, Reading] = {}
        self.scaled: dict[int, int | None] = {}

    def take(self, reading: Reading) -> int | None:
        """Keep the reading if it outranks what stands; the instant from which sums have changed."""
        time = to_ms(reading.time) // 1000
        standing = self.readings.get(time)
        if standing is None:
            insort(self.times, time)
        elif not outranks(reading, standing):
            return None
        self.readings[time] = reading
        self.scaled[time] = None if reading.value is None else round(reading.value * _SCALE)
        return time

    def sum(self, window: Window, at: int) -> Bounds:
        """时段雨量 — what is known of the sum over (at - lag - length, at - lag]."""
        end = at - window.lag_s
        begin = end - window.length_s
        total = covered = 0
        for index in range(bisect_right(self.times, end) - 1, -1, -1):
            time = self.times[index]
            if time - self.step_s < begin:
                break
            value = self.scaled[time]
            if value is not None and time <= end:
                total += value
                covered += self.step_s
                end = time - self.step_s
        known = total / _SCALE
        return Bounds(known, known if covered == window.length_s else inf)


class _Gauge:
    """One element at one gauge. The finest series it sends is in force; the others are kept, never added to it."""

    def __init__(self) -> None:
        self.series: dict[int, _Series] = {}

    @property
    def in_force(self) -> _Series:
        return self.series[min(self.series)]

    def take(self, reading: Reading) -> int | None:
        step_s = int(reading.step.total_seconds())
        finest = min(self.series, default=None)
        changed = self.series.setdefault(step_s, _Series(step_s)).take(reading)
        if finest is None or step_s < finest:
            return 0  # another series is in force from now on: everything is judged anew
        return changed if step_s == finest else None


class _Track:
    """One hazard at one gauge: its episodes, and how to fold them forward from any instant."""

    def __init__(self, watch: Watch, station: str) -> None:
        self.watch = watch
        self.station = station
        self.episodes: list[Episode] = []

    def refold(self, series: _Series, since: int) -> None:
        """Forget what was decided at or after `since`, then decide again at every instant from there."""
        start = from_ms(since * 1000)
        self.episodes = [
            replace(episode, until=None) if episode.until is not None and episode.until >= start else episode
            for episode in self.episodes
            if episode.first_at < start
        ]
        open_at = {episode.level: index for index, episode in enumerate(self.episodes) if episode.until is None}
        for time in series.times[bisect_left(series.times, since) :]:
            values = {window.name: series.sum(window, time) for window in self.watch.windows}
            for level, truth in self.watch.table.truths(values).items():
                if truth is Truth.TRUE and level not in open_at:
                    open_at[level] = len(self.episodes)
                    self.episodes.append(self._opened(level, values, series.readings[time]))
                elif truth is Truth.FALSE and level in open_at:
                    index = open_at.pop(level)
                    self.episodes[index] = replace(self.episodes[index], until=from_ms(time * 1000))

    def _opened(self, level: str, values: dict[str, Bounds], reading: Reading) -> Episode:
        return Episode(
            hazard=self.watch.hazard.key,
            rules=self.watch.table.id,
            level=level,
            rank=self.watch.rank(level),
            word=self.watch.table.word(level),
            station=self.station,
            first_at=_whole(reading.time),
            until=None,
            source=reading.source or self.station,
            ground=self.watch.ground(level, values),
        )


def _whole(instant: datetime) -> datetime:
    return from_ms(to_ms(instant) // 1000 * 1000)


class PlainEngine:
    """普通引擎 — see the module."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = tuple(watches)
        self._gauges: dict[tuple[str, str], _Gauge] = {}
        self._tracks: dict[str, list[_Track]] = {}

    @property
    def elements(self) -> tuple[str, ...]:
        return tuple(sorted({watch.hazard.element for watch in self._watches}))

    def knows(self, station: str) -> bool:
        return station in self._tracks

    def feed(self, batch: Iterable[Reading]) -> dict[str, list[Episode]]:
        since: dict[tuple[str, str], int] = {}
        concerned = set()
        for reading in batch:
            if reading.element not in self.elements:
                continue
            concerned.add(reading.station)
            key = (reading.station, reading.element)
            changed = self._gauges.setdefault(key, _Gauge()).take(reading)
            if changed is not None:
                since[key] = min(changed, since.get(key, changed))
        for station in concerned:
            if station not in self._tracks:
                self._tracks[station] = [_Track(watch, station) for watch in self._watches]
        for (station, element), start in since.items():
            for track in self._tracks[station]:
                if track.watch.hazard.element == element:
                    track.refold(self._gauges[station, element].in_force, start)
        return {
            station: [episode for track in self._tracks[station] for episode in track.episodes]
            for station in sorted(concerned)
        }


ENGINE = EngineKind(term="普通引擎", make=PlainEngine)
