"""听不到的 — what nobody tells us, grouped by cause: gauges that keep silent and places that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shouye.watch import assess, observe

NO_GAUGE = "没有测站"


@dataclass(frozen=True)
class Unheard:
    """听不到的一类 — one cause, the hazards that cannot be judged; `holds`: a level stays in force unheard."""

    cause: str
    terms: tuple[str, ...]
    holds: bool
    places: tuple[str, ...]
    stations: tuple[str, ...]
    since: datetime | None

    @property
    def blind(self) -> bool:
        """Nobody else speaks for these places."""
        return bool(self.terms) or self.holds


def unheard(situations: Sequence[assess.Situation], silences: Sequence[observe.Silence]) -> list[Unheard]:
    """Places that cannot be judged first, then gauges whose neighbours still speak; a place is counted once."""
    of_station = {station: one for one in silences for station in one.stations}
    by_place: dict[str, set[str]] = {one.county: set() for one in silences}
    doubt: dict[str, dict[str, str]] = {}
    holding: set[str] = set()
    for silence in silences:
        by_place[silence.county].update(silence.stations)
    for one in situations:
        if one.unknown:
            if one.level is None:
                doubt.setdefault(one.division, {})[one.hazard] = one.term
            else:
                holding.add(one.division)
            by_place.setdefault(one.division, set()).update(one.unheard)
    groups: dict[tuple[str, tuple[str, ...], bool], list[str]] = {}
    for place in sorted(by_place):
        causes = sorted({of_station[station].cause.word for station in by_place[place] if station in of_station})
        terms = tuple(term for _, term in sorted(doubt.get(place, {}).items(), reverse=True))
        key = "、".join(causes) or NO_GAUGE, terms, place in holding
        groups.setdefault(key, []).append(place)
    found = []
    for (cause, terms, holds), places in groups.items():
        stations = sorted({station for place in places for station in by_place[place]})
        heard = [since for station in stations if station in of_station and (since := of_station[station].since)]
        found.append(Unheard(cause, terms, holds, tuple(places), tuple(stations), min(heard, default=None)))
    return sorted(found, key=lambda one: (not one.blind, one.cause == NO_GAUGE, one.places))
