"""编译引擎 — sums of regular gauges in the compiled rings; whatever is not regular goes to the plain engine.

Regular: one interval, on its own grid, one source, tenths of the unit. A gauge that sends anything else, or
something older than its ring, is started again in the plain engine, which gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import to_ms
from shouye.watch.assess.engines.plain import PlainEngine
from shouye.watch.assess.kernels import Member, RingBank, columns_of, compilable, past_of
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
from shouye.watch.observe import Block, Heard, Reading

_Place = tuple[RingBank, Member]
Mask = NDArray[np.bool_]


class CompiledEngine:
    """编译引擎 — see the module."""

    def __init__(self, watches: Sequence[Watch], facts: Mapping[str, StationFacts]) -> None:
        self._others = any(not compilable(watch) for watch in watches)
        self._sums = [watch for watch in watches if compilable(watch)]
        self._elements = {watch.hazard.element for watch in self._sums}
        self._facts = facts
        self._rest = PlainEngine([watch for watch in watches if not compilable(watch)], facts)
        """What is judged otherwise at gauges whose sums are in a ring."""
        self._whole = PlainEngine(watches, facts)
        """Gauges that are not regular, with all that is judged at them."""
        self._irregular: set[str] = set()
        self._known: set[str] = set()
        self._banks: dict[tuple[str, int], RingBank] = {}
        self._places: dict[tuple[str, str], _Place] = {}
        """(station, element)."""
        self._sorted: _Sorted | None = None

    @property
    def lookback(self) -> timedelta:
        return self._whole.lookback

    def strangers(self, batch: Sequence[Reading]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        sorted_out = self._sort(Heard.of(batch))
        for key, bank in list(self._banks.items()):
            part = sorted_out.rings.get(id(bank))
            if part is None:
                continue
            slots = part.columns[0] - bank.base
            late = slots > int(bank.bank.head[0]) + bank.slack
            if 2 * np.count_nonzero(late) > len(bank.columns):
                del self._banks[key]  # everybody was silent for long: the bank begins anew
                self._places = {where: place for where, place in self._places.items() if place[0] is not bank}
                part.name(np.ones(len(slots), dtype=np.bool_), found)
                continue
            ahead = int(slots[~late].max(initial=0)) - int(bank.bank.head[0])
            strange = late | (slots < bank.oldest + max(ahead, 0)) | ~part.regular
            if strange.any():
                self._irregular.update(part.name(strange, found))
            part.name(~strange & part.settled, found)
        sorted_out.name_unknown(found)
        for engine, readings in ((self._rest, sorted_out.rest), (self._whole, sorted_out.whole)):
            for station, first in engine.strangers(readings).items():
                found[station] = min(first, found.get(station, first))
        if found:
            self._sorted = None
        return found

    def _sort(self, heard: Heard) -> _Sorted:
        """Where each reading of the batch belongs; the same batch is fed after it was asked for strangers."""
        if self._sorted is None or self._sorted.heard is not heard:
            self._sorted = _Sorted(heard, [self._belonging(*one) for one in heard.series])
        return self._sorted

    def _belonging(self, station: str, element: str, step: timedelta, source: str) -> _Belonging:
        place = self._places.get((station, element))
        if place is None:
            unknown = station not in self._known or element in self._elements
            return (_WHOLE if station in self._irregular else _UNKNOWN if unknown else _REST), None, -1, False, 0
        bank, member = place
        fits = int(step.total_seconds()) == bank.step_s and source == member.source
        settled = (member.floor + bank.base) * bank.step_s
        return (
            _RING,
            bank,
            member.column,
            fits,
            max(settled, self._rest.floor(station)) if self._others else settled,
        )

    def start(self, start: Start) -> Told:
        station = start.station
        self._known.add(station)
        self._sorted = None
        for element in self._elements:
            self._places.pop((station, element), None)
        if station in self._irregular or not self._begin(start):
            self._irregular.add(station)
            for element in self._elements:
                self._places.pop((station, element), None)
            return self._whole.start(start)
        told = self._rest.start(start)
        return Told(told.since, (*self._summed(station, told.since), *told.episodes))

    def _begin(self, start: Start) -> bool:
        """Put every series of a regular station into its ring; False when one of them is not regular."""
        facts = self._facts.get(start.station, NOTHING_SAID)
        if facts.in_force or facts.wraps:
            return False
        series: dict[str, list[Reading]] = {}
        for reading in start.past:
            if reading.element in self._elements:
                series.setdefault(reading.element, []).append(reading)
        blocks = {element: block for element, block in start.blocks.items() if element in self._elements}
        whole: dict[str, Block | list[Reading]] = {**series, **blocks}
        for element, past in sorted(whole.items()):
            if isinstance(past, Block):
                step_s, source = past.step_s, past.source
            else:
                step_s, source = int(past[0].step.total_seconds()), past[0].source
            columns = past_of(past, step_s, source)
            if columns is None:
                return False
            watches = [watch for watch in self._sums if watch.hazard.element == element]
            if any(window.lag_s % step_s for watch in watches for window in watch.windows):
                return False
            newest = int(columns[0][-1])
            bank = self._banks.get((element, step_s))
            if bank is None:
                bank = self._banks[element, step_s] = RingBank(watches, element, step_s, newest)
            since = to_ms(start.since) // 1000 // step_s - bank.base
            head = max(int(bank.bank.head[0]), newest - bank.base)
            if since < head - int(bank.bank.head[0]) + bank.oldest or head > int(bank.bank.head[0]) + bank.slack:
                return False
            member = next((one for one in bank.columns if one.station == start.station), None)
            member = member or bank.add(start.station, source)
            member.source = source
            bank.begin(member, start, columns)
            self._places[start.station, element] = bank, member
        return True

    def _summed(self, station: str, since: datetime) -> tuple[Episode, ...]:
        """What the rings say of a gauge."""
        return tuple(
            one
            for element in sorted(self._elements)
            if (place := self._places.get((station, element)))
            for one in place[1].episodes
            if one.first_at >= since or one.until is None or one.until >= since
        )

    def feed(self, batch: Sequence[Reading], resets: Iterable[Reset] = ()) -> dict[str, Told]:
        sorted_out = self._sort(Heard.of(batch))
        self._sorted = None
        back: tuple[list[Reset], list[Reset]] = ([], [])
        for reset in resets:
            back[reset.station in self._irregular].append(reset)
        since: dict[str, datetime] = {}
        for bank in self._banks.values():
            part = sorted_out.rings.get(id(bank))
            if part is not None:
                bank.take(part.gauges, part.columns)
                for station, at in bank.concerned.items():
                    since[station] = min(at, since.get(station, at))
                bank.concerned = {}
        told = {station: Told(at, self._summed(station, at)) for station, at in since.items()}
        for station, rest in self._rest.feed(sorted_out.rest, back[0], since).items():
            told[station] = Told(rest.since, (*self._summed(station, rest.since), *rest.episodes))
        return told | self._whole.feed(sorted_out.whole, back[1])


_RING, _WHOLE, _UNKNOWN, _REST = range(4)
_Belonging = tuple[int, RingBank | None, int, bool, float]
"""Of a series: who judges it; its ring, its column there, whether it is as the ring wants it, and the second up to
which all is settled."""


class _Part:
    """What of a batch belongs to one bank, as columns."""

    def __init__(self, heard: Heard, bank: RingBank, belonging: Sequence[_Belonging]) -> None:
        self._heard = heard
        self._rows = np.flatnonzero(np.array([ring is bank for _, ring, *_ in belonging])[heard.number])
        number, ms = heard.number[self._rows], heard.ms[self._rows]
        self.gauges = np.array([column for _, _, column, *_ in belonging], dtype=np.int64)[number]
        revision, value = heard.revision[self._rows], heard.value[self._rows]
        self.columns, self.regular = columns_of(ms, revision, value, bank.step_s)
        self.regular &= np.array([fits for *_, fits, _ in belonging])[number]
        self.settled = ms // 1000 <= np.array([settled for *_, settled in belonging], dtype=np.float64)[number]

    def name(self, these: Mask, found: dict[str, datetime]) -> list[str]:
        """Note the stations of these readings, each with its earliest instant."""
        return _name(self._heard, self._rows[these], found)


class _Sorted:
    """A batch sorted out: what is in a ring, what the plain engines judge, what nobody knows."""

    def __init__(self, heard: Heard, belonging: Sequence[_Belonging]) -> None:
        self.heard = heard
        banks = {id(bank): bank for _, bank, *_ in belonging if bank is not None}
        self.rings = {key: _Part(heard, bank, belonging) for key, bank in banks.items()}
        whose = np.array([one[0] for one in belonging], dtype=np.int64)[heard.number]
        self.rest = [heard[row] for row in np.flatnonzero(whose == _REST).tolist()]
        self.whole = [heard[row] for row in np.flatnonzero(whose == _WHOLE).tolist()]
        self._unknown = np.flatnonzero(whose == _UNKNOWN)

    def name_unknown(self, found: dict[str, datetime]) -> None:
        _name(self.heard, self._unknown, found)


def _name(heard: Heard, rows: NDArray[np.int64], found: dict[str, datetime]) -> list[str]:
    """These gauges must be started (again), each from its earliest reading among these."""
    named = []
    for row in rows.tolist():
        one = heard[row]
        found[one.station] = min(one.time, found.get(one.station, one.time))
        named.append(one.station)
    return named


ENGINE = EngineKind(term="编译引擎", make=CompiledEngine)
