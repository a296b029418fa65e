"""普通引擎 — dictionaries and integers; slow, plain, and the oracle of any faster one.

Levels are decided at defined instants of event time: those at which a gauge has a reading. A late or corrected
reading takes back every decision from its instant on and decides again, so order of arrival says nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from types import MappingProxyType

from shouye.base.kernel import from_ms, to_ms
from shouye.base.rules import Truth, Value
from shouye.watch.assess.model import (
    NOTHING_SAID,
    EngineKind,
    Episode,
    Reset,
    Start,
    StationFacts,
    Told,
    Watch,
)
from shouye.watch.assess.natures import Counter, Series, nature_of, seconds
from shouye.watch.observe import Reading

_FIRST = -(10**12)
"""Before every instant."""

_SLACK_S = 24 * 3600
"""How late a reading may come without its gauge being started anew."""


class _Track:
    """One hazard at one gauge: its episodes, and how to fold them forward from any instant."""

    def __init__(self, watch: Watch, station: str, facts: StationFacts, series: Mapping[str, Series]) -> None:
        self.watch = watch
        self.station = station
        self.nature = nature_of(watch)
        self.series = {
            element: series[real]
            for element in watch.hazard.elements
            if (real := facts.in_force.get(element, element)) in series
        }
        self.constants = watch.constants(facts)
        self.hold_s = int(watch.hazard.hold.total_seconds())
        self.episodes: list[Episode] = []
        self.below: dict[str, int] = {}
        """Per open level: since when it is known not to hold."""
        self._marks: list[tuple[int, dict[str, int]]] = []

    def begin(self, since: int, standing: Iterable[Episode]) -> None:
        """Take over the episodes that stand at `since`, and since when they are known to be below.

        What came of them later is not known yet at that instant.
        """
        mine = (
            one for one in standing if one.hazard == self.watch.hazard.key and one.rules == self.watch.table.id
        )
        self.episodes = sorted(
            (replace(one, until=None) for one in mine), key=lambda one: (one.first_at, one.rank)
        )
        if self.hold_s:
            past = [time for time in self._instants(_FIRST) if time <= since]
            for time in past[bisect_left(past, past[-1] - self.hold_s) if past else 0 :]:
                self._note_below(time, self._truths(self._values(time))[1])
            self._marks = [(since, dict(self.below))]

    def refold(self, since: int, resets: Sequence[int]) -> bool:
        """Take back what was decided at or after `since`, then decide again; has anything changed?"""
        before = tuple(self.episodes)
        start = from_ms(since * 1000)
        self.episodes = [
            replace(episode, until=None) if episode.until is not None and episode.until >= start else episode
            for episode in self.episodes
            if episode.first_at < start
        ]
        while self._marks and self._marks[-1][0] >= since:
            self._marks.pop()
        if self._marks:
            self.below = dict(self._marks[-1][1])
        instants = self._instants(since)
        for time in sorted({*instants, *(reset for reset in resets if reset >= since)}):
            values = self._values(time)
            if time in instants:
                self._decide(time, instants[time], values)
            if time in resets and self.watch.restorable(values):
                for level in self.watch.hazard.latched:
                    self._end(level, time)
            if self.hold_s:
                self._marks.append((time, dict(self.below)))
        return before != tuple(self.episodes)

    def _instants(self, since: int) -> dict[int, Reading]:
        """Every instant from `since` on with the reading that speaks for it, the first element's first."""
        found: dict[int, Reading] = {}
        for series in reversed(self.series.values()):
            found |= series.instants(since)
        return dict(sorted(found.items()))

    def _values(self, time: int) -> dict[str, Value]:
        return self.constants | self.nature.values(self.watch, self.series, time)

    def _truths(self, values: dict[str, Value]) -> tuple[dict[str, Truth], dict[str, Truth]]:
        """Which levels hold, and which hold for the purpose of ending them."""
        raising = self.watch.table.truths(values)
        return raising, self.watch.table.truths(
            self.watch.cleared(values)
        ) if self.watch.hazard.margin else raising

    def _decide(self, time: int, reading: Reading, values: dict[str, Value]) -> None:
        raising, clearing = self._truths(values)
        for level, truth in raising.items():
            if truth is Truth.TRUE and self._open(level) is None:
                self.episodes.append(self._opened(level, values, reading))
                self.below.pop(level, None)
        self._note_below(time, clearing)
        for level, since in list(self.below.items()):
            if level not in self.watch.hazard.latched and time - since >= self.hold_s:
                self._end(level, time)

    def _note_below(self, time: int, clearing: Mapping[str, Truth]) -> None:
        for level, truth in clearing.items():
            if truth is not Truth.FALSE or self._open(level) is None:
                self.below.pop(level, None)
            else:
                self.below.setdefault(level, time)

    def _open(self, level: str) -> int | None:
        for index in range(len(self.episodes) - 1, -1, -1):
            if self.episodes[index].level == level:
                return index if self.episodes[index].until is None else None
        return None

    def _end(self, level: str, time: int) -> None:
        index = self._open(level)
        if index is not None:
            self.episodes[index] = replace(self.episodes[index], until=from_ms(time * 1000))
        self.below.pop(level, None)

    def _opened(self, level: str, values: dict[str, Value], reading: Reading) -> Episode:
        return Episode(
            hazard=self.watch.hazard.key,
            rules=self.watch.table.id,
            level=level,
            rank=self.watch.rank(level),
            word=self.watch.table.word(level),
            station=self.station,
            first_at=from_ms(seconds(reading) * 1000),
            until=None,
            source=reading.source or self.station,
            ground=self.watch.ground(level, values),
        )

    def forget(self, before: int) -> None:
        limit = from_ms(before * 1000)
        self.episodes = [one for one in self.episodes if one.until is None or one.until >= limit]
        settled = bisect_left(self._marks, before, key=lambda mark: mark[0])
        del self._marks[: max(0, settled - 1)]  # the last one before stands for what comes next


class _Gauge:
    """One station: its series, its tracks, and the instant from which it can be folded again."""

    def __init__(self, station: str, facts: StationFacts, watches: Sequence[Watch], floor: int) -> None:
        self.floor = floor
        self.series: dict[str, Series] = {}
        own = [reduced for watch in watches if (reduced := watch.at(facts)) is not None]
        for watch in own:
            for element in watch.hazard.elements:
                real = facts.in_force.get(element, element)
                self.series.setdefault(real, Counter(facts.wraps[real]) if real in facts.wraps else Series())
        self.tracks = [_Track(watch, station, facts, self.series) for watch in own]
        self.resets: dict[str, list[int]] = {}

    def take(self, readings: Iterable[Reading], resets: Iterable[Reset]) -> int | None:
        """Keep them; the earliest instant at which anything may have changed."""
        changed: list[int] = []
        for reading in readings:
            if reading.element in self.series:
                time = self.series[reading.element].take(reading)
                changed += [] if time is None else [time]
        for reset in resets:
            time = to_ms(reset.at) // 1000
            if time not in self.resets.setdefault(reset.hazard, []):
                self.resets[reset.hazard].append(time)
                changed.append(time)
        return min(changed, default=None)

    def refold(self, since: int) -> bool:
        changed = [track.refold(since, self.resets.get(track.watch.hazard.key, ())) for track in self.tracks]
        return any(changed)

    def told(self, since: int) -> Told:
        start = from_ms(since * 1000)
        episodes = (one for track in self.tracks for one in track.episodes)
        reaching = (one for one in episodes if one.first_at >= start or one.until is None or one.until >= start)
        return Told(start, tuple(reaching))

    def forget(self, reach: int) -> None:
        """Let go of what no reading within the slack can change any more."""
        newest = max((series.keys[-1][0] for series in self.series.values() if series.keys), default=self.floor)
        if newest - self.floor <= 2 * _SLACK_S:
            return
        self.floor = newest - _SLACK_S
        for series in self.series.values():
            series.forget(self.floor - reach)
        for track in self.tracks:
            track.forget(self.floor - reach)


class PlainEngine:
    """普通引擎 — see the module."""

    def __init__(self, watches: Sequence[Watch], facts: Mapping[str, StationFacts]) -> None:
        self._watches = tuple(watches)
        self._facts = facts
        self._gauges: dict[str, _Gauge] = {}
        reach = [nature_of(watch).reach(watch) + int(watch.hazard.hold.total_seconds()) for watch in watches]
        self._reach_s = max(reach, default=0)

    @property
    def lookback(self) -> timedelta:
        return timedelta(seconds=self._reach_s)

    def strangers(self, batch: Sequence[Reading]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for reading in batch:
            if seconds(reading) <= self.floor(reading.station):
                found[reading.station] = min(reading.time, found.get(reading.station, reading.time))
        return found

    def floor(self, station: str) -> float:
        """The second up to which this engine cannot fold a gauge again; of one that it has not met, any."""
        gauge = self._gauges.get(station)
        return inf if gauge is None else gauge.floor

    def start(self, start: Start) -> Told:
        since = to_ms(start.since) // 1000
        gauge = _Gauge(start.station, self._facts.get(start.station, NOTHING_SAID), self._watches, since)
        self._gauges[start.station] = gauge
        gauge.take(start.readings(gauge.series), start.resets)
        for track in gauge.tracks:
            track.begin(since, start.open)
        gauge.refold(since + 1)
        return gauge.told(since + 1)

    def feed(
        self,
        batch: Sequence[Reading],
        resets: Iterable[Reset] = (),
        asked: Mapping[str, datetime] = MappingProxyType({}),
    ) -> dict[str, Told]:
        """As every engine; of gauges that are `asked` for it tells in any case, from that instant on."""
        heard: dict[str, tuple[list[Reading], list[Reset]]] = {}
        for reading in batch:
            heard.setdefault(reading.station, ([], []))[0].append(reading)
        for reset in resets:
            heard.setdefault(reset.station, ([], []))[1].append(reset)
        told = {}
        for station in asked.keys() & self._gauges.keys():
            heard.setdefault(station, ([], []))
        for station, (readings, back) in sorted(heard.items()):
            if station not in self._gauges:
                first = min([*(reading.time for reading in readings), *(reset.at for reset in back)])
                self.start(Start(station, first - timedelta(seconds=1)))
            gauge = self._gauges[station]
            since = gauge.take(readings, back)
            changed = since is not None and gauge.refold(max(since, gauge.floor + 1))
            wanted = [since] if since is not None and changed else []
            wanted += [to_ms(asked[station]) // 1000] if station in asked else []
            if wanted:
                told[station] = gauge.told(min(wanted))
            gauge.forget(self._reach_s)
        return told


ENGINE = EngineKind(term="普通引擎", make=PlainEngine)
