"""An engine with the memory of a store beside it: what the judge does, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shouye.base.rules import load_tables
from shouye.watch.assess import Assessor, Episode, Reset, Start, StationFacts, Told
from shouye.watch.observe import Reading

BOOK = load_tables()
BACK = timedelta(hours=1)


class Folding:
    def __init__(
        self, active: Mapping[str, str], kind: str = "plain", facts: Mapping[str, StationFacts] | None = None
    ) -> None:
        self.by = Assessor.of(BOOK, active, kind, facts or {})
        self.sent: list[Reading] = []
        self.resets: list[Reset] = []
        self.stored: dict[tuple[str, str, str, datetime], Episode] = {}

    def hear(self, batch: Iterable[Reading] = (), resets: Iterable[Reset] = ()) -> Folding:
        readings, back = list(batch), list(resets)
        self.sent += readings
        self.resets += back
        engine = self.by.engine
        strangers = engine.strangers(readings)
        for heard in readings:
            if heard.station in strangers:
                strangers[heard.station] = min(heard.time, strangers[heard.station])
        told = {station: engine.start(self._start(station, first - BACK)) for station, first in strangers.items()}
        ready = [one for one in readings if one.station not in told]
        for station, one in (told | engine.feed(ready, [r for r in back if r.station not in told])).items():
            self._settle(station, one)
        return self

    def _start(self, station: str, since: datetime) -> Start:
        standing = [
            one
            for one in self.stored.values()
            if one.station == station and one.first_at <= since and (one.until is None or one.until > since)
        ]
        past = [one for one in self.sent if one.station == station and one.time > since - self.by.engine.lookback]
        resets = [one for one in self.resets if one.station == station and one.at > since]
        return Start(station, since, tuple(standing), tuple(past), tuple(resets))

    def _settle(self, station: str, told: Told) -> None:
        for key, one in list(self.stored.items()):
            reaches = one.first_at >= told.since or one.until is None or one.until >= told.since
            if one.station == station and reaches:
                del self.stored[key]
        self.stored |= {(one.station, one.hazard, one.level, one.first_at): one for one in told.episodes}

    @property
    def episodes(self) -> list[Episode]:
        """In an order that says nothing about how they were learnt."""
        return sorted(self.stored.values(), key=lambda one: (one.station, one.hazard, one.first_at, one.rank))
