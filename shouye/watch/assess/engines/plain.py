"""普通引擎 — dictionaries and integers; slow, plain, and the oracle of any faster one.

A reading of interval d at time T covers (T - d, T]. Windows are summed at the instants at which a gauge has a
reading, walking back over readings that do not overlap, at each step the latest and of those the finest: rain sent
twice in two intervals counts once. If they tile the window the sum is exact; otherwise it is a lower bound whose
upper side is open: what is missing, or was before the first reading, may have been anything.
"""

from __future__ import annotations

from bisect import bisect_right, insort
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


class _Gauge:
    """One element at one gauge: the reading that stands per instant and interval (seconds)."""

    def __init__(self) -> None:
        self.keys: list[tuple[int, int]] = []
        """(time, minus interval) in order, so that walking back meets the finest of one instant first."""
        self.readings: dict[tuple[int, int], Reading] = {}
        self.scaled: dict[tuple[int, int], int | None] = {}

    def take(self, reading: Reading) -> int | None:
        """Keep the reading if it outranks what stands; the instant from which sums have changed."""
        key = (to_ms(reading.time) // 1000, -int(reading.step.total_seconds()))
        standing = self.readings.get(key)
        if standing is None:
            insort(self.keys, key)
        elif not outranks(reading, standing):
            return None
        self.readings[key] = reading
        self.scaled[key] = None if reading.value is None else round(reading.value * _SCALE)
        return key[0]

    def instants(self, since: int) -> list[tuple[int, Reading]]:
        """Every instant from `since` on, with its finest reading."""
        later = self.keys[bisect_right(self.keys, (since - 1, 0)) :]
        return list({key[0]: self.readings[key] for key in later}.items())

    def sums(self, windows: Sequence[Window], at: int) -> dict[str, Bounds]:
        """时段雨量 — what is known of every window at this instant.

        Where coarse and fine readings contradict each other the larger lower bound stands and the upper is open.
        """
        found: dict[str, Bounds] = {}
        least: dict[int, float] = {}
        for window in sorted(windows, key=lambda window: window.length_s):
            known, tiled = self._sum(window, at)
            floor = least[window.lag_s] = max(known, least.get(window.lag_s, 0.0))
            found[window.name] = Bounds(floor, known if tiled and known == floor else inf)
        return found

    def _sum(self, window: Window, at: int) -> tuple[float, bool]:
        end = at - window.lag_s
        begin = end - window.length_s
        total = covered = 0
        for index in range(bisect_right(self.keys, (end, 0)) - 1, -1, -1):
            key = self.keys[index]
            time, minus_step = key
            if time <= begin:
                break
            value = self.scaled[key]
            if value is not None and time <= end and time + minus_step >= begin:
                total += value
                covered -= minus_step
                end = time + minus_step
        return total / _SCALE, covered == window.length_s


class _Track:
    """One hazard at one gauge: its episodes, and how to fold them forward from any instant."""

    def __init__(self, watch: Watch, station: str) -> None:
        self.watch = watch
        self.station = station
        self.episodes: list[Episode] = []

    def refold(self, gauge: _Gauge, since: int) -> None:
        """Forget what was decided at or after `since`, then decide again at every instant from there."""
        start = from_ms(since * 1000)
        self.episodes = [
            replace(episode, until=None) if episode.until is not None and episode.until >= start else episode
            for episode in self.episodes
            if episode.first_at < start
        ]
        open_at = {episode.level: index for index, episode in enumerate(self.episodes) if episode.until is None}
        for time, reading in gauge.instants(since):
            values = gauge.sums(self.watch.windows, time)
            for level, truth in self.watch.table.truths(values).items():
                if truth is Truth.TRUE and level not in open_at:
                    open_at[level] = len(self.episodes)
                    self.episodes.append(self._opened(level, values, reading))
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
                    track.refold(self._gauges[station, element], start)
        return {
            station: [episode for track in self._tracks[station] for episode in track.episodes]
            for station in sorted(concerned)
        }


ENGINE = EngineKind(term="普通引擎", make=PlainEngine)
