"""监测看板 — one row a series: its latest value and the one word that says how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shouye.base.roster import Roster, Station
from shouye.doors.web.words import when
from shouye.watch import assess, observe
from shouye.watch.observe import Cause, Quality, Reading, unheard
from shouye.watch.stations import Gauge


class State(StrEnum):
    """测站状态 — in the order in which they are shown."""

    OVER = "over"
    UNHEARD = "unheard"
    MISSING = "missing"
    DOUBT = "doubt"
    NORMAL = "normal"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    State.OVER: "达到标准",
    State.UNHEARD: "听不到",
    State.MISSING: "缺测",
    State.DOUBT: "可疑",
    State.NORMAL: "正常",
}
_ORDER = tuple(State)


@dataclass(frozen=True)
class Row:
    """一个序列 — the station, its latest reading (none: never heard), why it stands as it does."""

    station: Station
    county: str
    owners: tuple[str, ...]
    reading: Reading | None
    term: str
    said: str
    state: State
    why: str
    findings: tuple[assess.Finding, ...]
    """The highest in force of each hazard, the gravest first."""

    @property
    def key(self) -> str:
        """How the comparison names it."""
        return f"{self.station.id}~{self.reading.element}" if self.reading else ""

    @property
    def urgency(self) -> tuple[int, int, str, str]:
        rank = self.findings[0].rank if self.findings else 0
        return (_ORDER.index(self.state), -rank, self.station.county, self.station.id)


@dataclass(frozen=True)
class Filter:
    """筛选 — empty means all; a hazard chooses the rows before. `find` is a part of a name or number."""

    county: str = ""
    element: str = ""
    owner: str = ""
    state: str = ""
    hazard: str = ""
    find: str = ""

    def takes(self, row: Row) -> bool:
        element = row.reading.element if row.reading else ""
        return (
            (not self.find or self.find in row.station.name or self.find in row.station.id)
            and self.county in ("", row.station.county)
            and self.element in ("", element)
            and self.owner in ("", *row.owners)
            and self.state in ("", row.state.value)
        )


def asked_by(hazard: assess.Hazard, facts: assess.StationFacts | None) -> frozenset[str]:
    """灾种看什么 — the elements of one gauge that this hazard is judged on; none when it measures none of them."""
    if facts is None:
        return frozenset(hazard.elements)
    own = [one for one in hazard.elements if not facts.measures or one in facts.measures]
    return frozenset(facts.in_force.get(one, one) for one in own)


def rows(
    gauges: Mapping[str, Gauge],
    readings: Iterable[Reading],
    findings: Iterable[assess.Finding],
    owners: Mapping[str, Sequence[str]],
    elements: observe.Elements,
    roster: Roster,
    now: datetime,
    measures: observe.Measures,
) -> list[Row]:
    """Every series of every station in use, those first that need a look."""
    open_at: dict[str, list[assess.Finding]] = {}
    for one in findings:
        if one.open:
            open_at.setdefault(one.station, []).append(one)
    by_station: dict[str, list[Reading | None]] = {number: [] for number in gauges if number in roster.stations}
    for reading in readings:
        if reading.station in by_station:
            by_station[reading.station].append(reading)
    found = []
    for number, some in by_station.items():
        station = roster.stations[number]
        for each in some or [None]:
            over = _over(open_at.get(number, []), each)
            state, why = _state(each, over, now, measures)
            found.append(
                Row(
                    station=station,
                    county=roster.division(station.county).short,
                    owners=tuple(owners.get(number, ())),
                    reading=each,
                    term=elements[each.element].term if each else "",
                    said=elements[each.element].say(each.value) if each else "",
                    state=state,
                    why=why,
                    findings=over,
                )
            )
    return sorted(found, key=lambda row: row.urgency)


def _over(open_here: Sequence[assess.Finding], reading: Reading | None) -> tuple[assess.Finding, ...]:
    """The highest in force of each hazard on this element: a 立即转移 does not hide behind a 黄."""
    hazards = assess.all_hazards()
    highest: dict[str, assess.Finding] = {}
    for one in sorted(open_here, key=lambda one: (-one.rank, one.id)):
        if reading and reading.element in hazards[one.hazard].elements:
            highest.setdefault(one.hazard, one)
    return tuple(highest.values())


def _state(
    reading: Reading | None, over: Sequence[assess.Finding], now: datetime, measures: observe.Measures
) -> tuple[State, str]:
    silent = unheard([reading] if reading else [], now, measures)
    if reading is None:
        return State.UNHEARD, Cause.NEVER.word
    flags = "；".join(dict.fromkeys(flag.why for flag in reading.flags))
    if silent is not None and silent[0] is Cause.LATE:
        return State.UNHEARD, f"{silent[0].word}{'，标准未解除' if over else ''}"
    if silent is not None and silent[0] is Cause.MISSING:
        return State.MISSING, silent[0].word
    if reading.quality in (Quality.BAD, Quality.SUSPECT):
        return State.DOUBT, flags
    if over:
        return State.OVER, "；".join(f"{when(one.first_at, now)} {one.text}" for one in over)
    return State.NORMAL, flags


def tallied(found: Iterable[Row]) -> dict[State, int]:
    counts = dict.fromkeys(State, 0)
    for row in found:
        counts[row.state] += 1
    return counts
