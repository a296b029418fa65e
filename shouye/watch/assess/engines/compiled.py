"""编译引擎 — sums of regular gauges in the compiled rings; whatever is not regular goes to the plain engine.

Regular: one interval, on its own grid, one source, tenths of the unit. A gauge that sends anything else, or
something older than its ring, is started again in the plain engine, which gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf

import numpy as np

from shouye.base.kernel import from_ms, to_ms
from shouye.base.rules import Bounds, Compare, Value
from shouye.watch.assess.engines.plain import PlainEngine
from shouye.watch.assess.kernels import (
    MISSING,
    Bytes,
    Ints,
    Program,
    Shorts,
    least_tenths,
    lengthened,
    new_bank,
    new_log,
    widened,
)
from shouye.watch.assess.model import (
    NOTHING_SAID,
    EngineKind,
    Episode,
    Reset,
    Start,
    StationFacts,
    Told,
    Watch,
    Window,
)
from shouye.watch.observe import Reading, outranks

_TENTH = 100
"""Thousandths in a tenth: what the rings count in."""
_SLACK = timedelta(hours=24)
"""How late a reading may come to a ring."""
_LOG = 1 << 16
"""Steps that a log has room for at least."""


def _compilable(watch: Watch) -> bool:
    """Sums only, every comparison one window against a number, and nothing held or eased."""
    names = {window.name for window in watch.windows}
    atoms = [atom for row in watch.table.rows for clause in row.when.clauses for atom in clause]
    simple = all(
        isinstance(atom, Compare) and len(atom.terms) == 1 and atom.terms[0][0] > 0 and atom.terms[0][1] in names
        for atom in atoms
    )
    plain_words = not watch.table.unknown_levels and not watch.hazard.hold and not watch.hazard.margin
    return watch.hazard.nature == "sums" and simple and plain_words


def _by_length(watch: Watch) -> list[Window]:
    """A longer window stands after a shorter one, which it bounds from above."""
    return sorted(watch.windows, key=lambda window: window.length_s)


def _tenths(reading: Reading) -> int:
    return MISSING if reading.value is None else round(reading.value * 1000) // _TENTH


def _representable(reading: Reading) -> bool:
    """Whole tenths, small enough for sixteen bits, and a revision that fits its column."""
    if not 0 <= reading.revision < 128:
        return False
    scaled = 0 if reading.value is None else round(reading.value * 1000)
    return scaled % _TENTH == 0 and 0 <= scaled < 32000 * _TENTH


class _Member:
    """A regular series of one station in a bank."""

    def __init__(self, station: str, column: int, source: str, since: int) -> None:
        self.station = station
        self.column = column
        self.source = source
        self.floor = since
        """The slot up to which everything is settled."""
        self.episodes: list[Episode] = []


class _RingBank:
    """The gauges of one element and one interval."""

    def __init__(self, watches: Sequence[Watch], element: str, step_s: int, first: int) -> None:
        from shouye.watch.assess.kernels.rings import KERNEL  # numba is loaded only when it is needed

        self.kernel, self.element, self.step_s = KERNEL, element, step_s
        self.windows = [(watch, window) for watch in watches for window in _by_length(watch)]
        self.levels = [(watch, level) for watch in watches for level in watch.table.levels]
        self.slack = max(int(_SLACK.total_seconds()) // step_s, 16)
        self.reach = max((w.length_s + w.lag_s) // step_s + 1 for _, w in self.windows)
        whole = self.reach + min(self.slack, 120)
        atom_window, least, clause_end, level_end = [], [], [], []
        for watch, level in self.levels:
            for row in (row for row in watch.table.rows if row.level == level):
                for clause in row.when.clauses:
                    for atom in clause:
                        assert isinstance(atom, Compare)
                        atom_window.append(self._window(watch, atom.terms[0][1]))
                        least.append(least_tenths(atom))
                    clause_end.append(len(least))
            level_end.append(len(clause_end))

        def ints(values: Iterable[int]) -> Ints:
            return np.array(list(values), np.int32)

        self.program = Program(
            length=ints([*(w.length_s // step_s for _, w in self.windows), whole]),
            lag=ints([*(w.lag_s // step_s for _, w in self.windows), 0]),
            exact=np.array([*(w.length_s % step_s == 0 for _, w in self.windows), False]),
            longer=ints([*(self._longer(at) for at in range(len(self.windows))), -1]),
            atom_window=ints(atom_window),
            up=ints(least),
            down=ints(least),
            clause_end=ints(clause_end),
            level_end=ints(level_end),
        )
        slots = 1 << (self.reach + 2 * self.slack).bit_length()
        self.base = first - slots
        self.bank = new_bank(self.program, slots, 16)
        self.bank.head[0] = slots - 1
        self.log = new_log(self.program, max(_LOG, 4 * slots))
        self.spare = new_log(self.program, max(_LOG, 4 * slots))
        self.read = 0
        self.columns: list[_Member] = []
        self.concerned: dict[str, datetime] = {}
        """Stations whose episodes have changed since somebody asked, and from which instant."""

    def _window(self, watch: Watch, name: str) -> int:
        return next(at for at, (of, window) in enumerate(self.windows) if of is watch and window.name == name)

    def _longer(self, at: int) -> int:
        """The next longer window of the same sum of the same table: it bounds this one from above."""
        watch, window = self.windows[at]
        groups = ([item.name for item in group] for group in watch.table.windows)
        names = next((names for names in groups if window.name in names), [])
        later = names[names.index(window.name) + 1 :] if names else []
        return self._window(watch, later[0]) if later else -1

    def slot(self, reading: Reading) -> int:
        return to_ms(reading.time) // 1000 // self.step_s - self.base

    @property
    def oldest(self) -> int:
        """The oldest slot to which a gauge can be taken back."""
        return int(self.bank.head[0]) - len(self.bank.ring) + self.reach + 2

    def add(self, station: str, source: str) -> _Member:
        size = self.bank.ring.shape[1]
        if len(self.columns) == size:
            self.bank = widened(self.bank, new_bank(self.program, len(self.bank.ring), 2 * size))
        member = _Member(station, len(self.columns), source, 0)
        self.columns.append(member)
        return member

    def begin(self, member: _Member, start: Start, standing: Sequence[Reading]) -> None:
        since = to_ms(start.since) // 1000 // self.step_s - self.base
        mine = [watch for watch, _ in self.windows]
        member.floor = since
        member.episodes = [
            replace(one, until=None)
            for one in start.open
            if any(one.hazard == watch.hazard.key and one.rules == watch.table.id for watch in mine)
        ]
        open_now = {(one.hazard, one.level) for one in member.episodes}
        mask = sum(1 << bit for bit, (w, level) in enumerate(self.levels) if (w.hazard.key, level) in open_now)
        self._room(len(self.bank.ring))
        columns = self._columns(standing)
        self.kernel.begin(self.program, self.bank, self.log, member.column, since, mask, *columns)
        self.changes()
        self.concerned.pop(member.station, None)

    def _columns(self, readings: Sequence[Reading]) -> tuple[Ints, Shorts, Bytes]:
        return (
            np.array([self.slot(one) for one in readings], np.int32),
            np.array([_tenths(one) for one in readings], np.int16),
            np.array([one.revision for one in readings], np.int8),
        )

    def take(self, heard: Sequence[tuple[_Member, Reading]]) -> None:
        gauges = np.array([member.column for member, _ in heard], np.int32)
        slots, values, revisions = self._columns([reading for _, reading in heard])
        done = 0
        while done < len(heard):
            self._room(0)
            left = gauges[done:], slots[done:], values[done:], revisions[done:]
            done += self.kernel.take(self.program, self.bank, self.log, *left)
            self.changes()

    def _room(self, more: int) -> None:
        if self.bank.head[1] + more > len(self.log.gauge) // 2:
            self.changes()
            self.kernel.compact(self.bank, self.log, self.spare, self.oldest)
            self.log, self.spare = self.spare, self.log
            if self.bank.head[1] > len(self.log.gauge) // 4:
                self._widen()
            self.read = int(self.bank.head[1])

    def _widen(self) -> None:
        self.log = lengthened(self.log, new_log(self.program, 2 * len(self.log.gauge)))
        self.spare = new_log(self.program, len(self.log.gauge))

    def changes(self) -> None:
        """Fold what the kernel has written into episodes."""
        for entry in range(self.read, int(self.bank.head[1])):
            member = self.columns[self.log.gauge[entry]]
            at = from_ms((int(self.log.slot[entry]) + self.base) * self.step_s * 1000)
            self.concerned[member.station] = min(at, self.concerned.get(member.station, at))
            if self.log.kind[entry]:
                member.episodes = [
                    replace(one, until=None) if one.until is not None and one.until >= at else one
                    for one in member.episodes
                    if one.first_at < at
                ]
            else:
                self._step(member, entry, at)
        self.read = int(self.bank.head[1])

    def _step(self, member: _Member, entry: int, at: datetime) -> None:
        before = int(self.log.before[entry])
        old = int(self.log.mask[before]) if before >= 0 else int(self.bank.first_mask[member.column])
        new = int(self.log.mask[entry])
        for bit, (watch, level) in enumerate(self.levels):
            if new & ~old & 1 << bit:
                member.episodes.append(self._opened(member, watch, level, entry, at))
            elif old & ~new & 1 << bit:
                self._end(member, watch, level, at)

    def _end(self, member: _Member, watch: Watch, level: str, at: datetime) -> None:
        for index, one in enumerate(member.episodes):
            if one.until is None and (one.hazard, one.level) == (watch.hazard.key, level):
                member.episodes[index] = replace(one, until=at)

    def _opened(self, member: _Member, watch: Watch, level: str, entry: int, at: datetime) -> Episode:
        values: dict[str, Value] = {}
        for number, (of, window) in enumerate(self.windows):
            if of is watch:
                low = int(self.log.low[entry, number]) * _TENTH / 1000
                values[window.name] = Bounds(low, low if self.log.full[entry] >> number & 1 else inf)
        return Episode(
            hazard=watch.hazard.key,
            rules=watch.table.id,
            level=level,
            rank=watch.rank(level),
            word=watch.table.word(level),
            station=member.station,
            first_at=at,
            until=None,
            source=member.source or member.station,
            ground=watch.ground(level, values),
        )


_Place = tuple[_RingBank, _Member]


class CompiledEngine:
    """编译引擎 — see the module."""

    def __init__(self, watches: Sequence[Watch], facts: Mapping[str, StationFacts]) -> None:
        self._sums = [watch for watch in watches if _compilable(watch)]
        self._elements = {watch.hazard.element for watch in self._sums}
        self._facts = facts
        self._rest = PlainEngine([watch for watch in watches if not _compilable(watch)], facts)
        """What is judged otherwise at gauges whose sums are in a ring."""
        self._whole = PlainEngine(watches, facts)
        """Gauges that are not regular, with all that is judged at them."""
        self._irregular: set[str] = set()
        self._known: set[str] = set()
        self._banks: dict[tuple[str, int], _RingBank] = {}
        self._places: dict[tuple[str, str], _Place] = {}
        """(station, element)."""

    @property
    def lookback(self) -> timedelta:
        return self._whole.lookback

    def strangers(self, batch: Sequence[Reading]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        heads: dict[int, int] = {}
        placed: list[tuple[_Place, Reading, int]] = []
        plain: tuple[list[Reading], list[Reading]] = ([], [])
        for reading in batch:
            place = self._places.get((reading.station, reading.element))
            if reading.station in self._irregular:
                plain[1].append(reading)
            elif reading.station not in self._known or (place is None and reading.element in self._elements):
                found[reading.station] = min(reading.time, found.get(reading.station, reading.time))
            elif place is None:
                plain[0].append(reading)
            else:
                slot = place[0].slot(reading)
                placed.append((place, reading, slot))
                if slot <= int(place[0].bank.head[0]) + place[0].slack:
                    heads[id(place[0])] = max(slot, heads.get(id(place[0]), slot))
        for (bank, member), reading, slot in placed:
            oldest = max(bank.oldest, heads.get(id(bank), 0) - int(bank.bank.head[0]) + bank.oldest)
            in_ring = oldest <= slot <= int(bank.bank.head[0]) + bank.slack
            regular = _fits(reading, bank.step_s, member.source)
            if not in_ring or not regular:
                self._irregular.add(reading.station)
            if not in_ring or not regular or slot <= member.floor:
                found[reading.station] = min(reading.time, found.get(reading.station, reading.time))
        for engine, readings in zip((self._rest, self._whole), plain, strict=True):
            for station, first in engine.strangers(readings).items():
                found[station] = min(first, found.get(station, first))
        return found

    def start(self, start: Start) -> Told:
        station = start.station
        self._known.add(station)
        for element in self._elements:
            self._places.pop((station, element), None)
        if station in self._irregular or not self._begin(start):
            self._irregular.add(station)
            for element in self._elements:
                self._places.pop((station, element), None)
            return self._whole.start(start)
        told = self._rest.start(start)
        return Told(told.since, self._told(station, told.since))

    def _begin(self, start: Start) -> bool:
        """Put every series of a regular station into its ring; False when one of them is not regular."""
        facts = self._facts.get(start.station, NOTHING_SAID)
        if facts.in_force or facts.wraps:
            return False
        series: dict[str, list[Reading]] = {}
        for reading in start.past:
            if reading.element in self._elements:
                series.setdefault(reading.element, []).append(reading)
        for element, readings in sorted(series.items()):
            step_s, source = int(readings[0].step.total_seconds()), readings[0].source
            if not all(_fits(reading, step_s, source) for reading in readings):
                return False
            watches = [watch for watch in self._sums if watch.hazard.element == element]
            if any(window.lag_s % step_s for watch in watches for window in watch.windows):
                return False
            standing = _standing(readings)
            bank = self._banks.get((element, step_s))
            if bank is None:
                first = to_ms(standing[-1].time) // 1000 // step_s
                bank = self._banks[element, step_s] = _RingBank(watches, element, step_s, first)
            since = to_ms(start.since) // 1000 // step_s - bank.base
            head = max(int(bank.bank.head[0]), bank.slot(standing[-1]))
            if since < head - int(bank.bank.head[0]) + bank.oldest or head > int(bank.bank.head[0]) + bank.slack:
                return False
            member = next((one for one in bank.columns if one.station == start.station), None)
            member = member or bank.add(start.station, source)
            member.source = source
            bank.begin(member, start, standing)
            self._places[start.station, element] = bank, member
        return True

    def _told(self, station: str, since: datetime) -> tuple[Episode, ...]:
        mine = [
            one
            for element in sorted(self._elements)
            if (place := self._places.get((station, element)))
            for one in place[1].episodes
            if one.first_at >= since or one.until is None or one.until >= since
        ]
        return (*mine, *self._rest.told(station, since))

    def feed(self, batch: Iterable[Reading], resets: Iterable[Reset] = ()) -> dict[str, Told]:
        heard: dict[int, list[tuple[_Member, Reading]]] = {}
        plain: tuple[list[Reading], list[Reading]] = ([], [])
        for reading in batch:
            place = self._places.get((reading.station, reading.element))
            if place is not None:
                heard.setdefault(id(place[0]), []).append((place[1], reading))
            else:
                plain[reading.station in self._irregular].append(reading)
        back: tuple[list[Reset], list[Reset]] = ([], [])
        for reset in resets:
            back[reset.station in self._irregular].append(reset)
        since: dict[str, datetime] = {}
        for bank in self._banks.values():
            if id(bank) in heard:
                bank.take(heard[id(bank)])
                for station, at in bank.concerned.items():
                    since[station] = min(at, since.get(station, at))
                bank.concerned = {}
        for station, one in self._rest.feed(plain[0], back[0]).items():
            since[station] = min(one.since, since.get(station, one.since))
        told = {station: Told(at, self._told(station, at)) for station, at in sorted(since.items())}
        return told | self._whole.feed(plain[1], back[1])


def _fits(reading: Reading, step_s: int, source: str) -> bool:
    """Is it as a ring wants it: this interval, on its grid, this source, tenths?"""
    same = int(reading.step.total_seconds()) == step_s and reading.source == source
    return same and to_ms(reading.time) % (step_s * 1000) == 0 and _representable(reading)


def _standing(readings: Iterable[Reading]) -> list[Reading]:
    """One reading per instant, the one that stands, in order of time."""
    found: dict[datetime, Reading] = {}
    for reading in readings:
        if reading.time not in found or outranks(reading, found[reading.time]):
            found[reading.time] = reading
    return [found[time] for time in sorted(found)]


ENGINE = EngineKind(term="编译引擎", make=CompiledEngine)
