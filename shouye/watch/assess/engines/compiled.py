"""编译引擎 — sums of regular gauges in the compiled rings; whatever is not regular goes to the plain engine.

Regular: one interval, on its own grid, one source, tenths of the unit. A gauge that sends anything else, or
something older than its ring, is started again in the plain engine, which gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shouye.base.kernel import to_ms
from shouye.watch.assess.engines.plain import PlainEngine
from shouye.watch.assess.kernels import Member, RingBank, columns_of, compilable
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
from shouye.watch.observe import Block, Reading

_Place = tuple[RingBank, Member]


class CompiledEngine:
    """编译引擎 — see the module."""

    def __init__(self, watches: Sequence[Watch], facts: Mapping[str, StationFacts]) -> None:
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

    @property
    def lookback(self) -> timedelta:
        return self._whole.lookback

    def strangers(self, batch: Sequence[Reading]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        placed: dict[int, list[tuple[Member, Reading, int]]] = {id(bank): [] for bank in self._banks.values()}
        plain: tuple[list[Reading], list[Reading]] = ([], [])
        for reading in batch:
            place = self._places.get((reading.station, reading.element))
            if place is not None:
                placed[id(place[0])].append((place[1], reading, place[0].slot(reading)))
            elif reading.station in self._irregular:
                plain[1].append(reading)
            elif reading.station not in self._known or reading.element in self._elements:
                found[reading.station] = min(reading.time, found.get(reading.station, reading.time))
            else:
                plain[0].append(reading)
        for key, bank in list(self._banks.items()):
            some = placed[id(bank)]
            latest = int(bank.bank.head[0]) + bank.slack
            if 2 * sum(slot > latest for _, _, slot in some) > len(bank.columns):
                del self._banks[key]  # everybody was silent for long: the bank begins anew
                self._places = {where: place for where, place in self._places.items() if place[0] is not bank}
                for member, reading, _ in some:
                    _lost(member, reading, found)
                continue
            ahead = max((slot for _, _, slot in some if slot <= latest), default=0) - int(bank.bank.head[0])
            oldest = bank.oldest + max(ahead, 0)
            for member, reading, slot in some:
                if not oldest <= slot <= latest or not bank.takes(reading, member.source):
                    self._irregular.add(reading.station)
                    _lost(member, reading, found)
                elif slot <= member.floor or self._rest.settled(reading):
                    _lost(member, reading, found)
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
            columns = columns_of(past, step_s, source)
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

    def feed(self, batch: Iterable[Reading], resets: Iterable[Reset] = ()) -> dict[str, Told]:
        heard: dict[int, list[tuple[Member, Reading]]] = {}
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
        told = {station: Told(at, self._summed(station, at)) for station, at in since.items()}
        for station, rest in self._rest.feed(plain[0], back[0], since).items():
            told[station] = Told(rest.since, (*self._summed(station, rest.since), *rest.episodes))
        return told | self._whole.feed(plain[1], back[1])


def _lost(member: Member, reading: Reading, found: dict[str, datetime]) -> None:
    """This gauge must be started again."""
    found[member.station] = min(reading.time, found.get(member.station, reading.time))


ENGINE = EngineKind(term="编译引擎", make=CompiledEngine)
