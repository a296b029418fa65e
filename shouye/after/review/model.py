"""演练 — what is played, where the storm is laid, who decides, and what came of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any

from shouye.after.review import reports
from shouye.base.kernel import BadInput, load_shelf
from shouye.base.roster import Roster, Station
from shouye.watch.intake import DeclaredStation, Storm


@dataclass(frozen=True)
class DrillPlan:
    """演练计划 — a storm on a city, from when, with which chance and which people."""

    storm: Path
    city: Path
    seed: int = 1
    start: datetime | None = None
    people: Path | None = None
    tail: timedelta = timedelta(hours=2)
    simulated_deciders: bool = True


@dataclass(frozen=True)
class LaidStation:
    """落站 — a city's station, the storm gauge whose rain falls on it, and the gauges identical to that one."""

    station: Station
    gauge: str
    merged: tuple[str, ...]
    virtual: bool


@dataclass(frozen=True)
class Laying:
    """移植 — which storm gauge is laid on which station; `transposed` when the storm is not the city's own."""

    stations: tuple[LaidStation, ...]
    idle: tuple[Station, ...]
    transposed: bool

    @property
    def on(self) -> dict[str, str]:
        return {item.station.id: item.gauge for item in self.stations}


def lay_out(storm: Storm, roster: Roster) -> Laying:
    """落站 — gauges that are the city's stations stay where they are; others go to its free stations by name.

    With more gauges than stations the rest stand beside the city's stations as virtual ones, so that no rain is
    lost. A station that gets no rain stays unheard: its county is 未知, not calm.
    """
    said = {item.id: item for item in (storm.declared.stations if storm.declared else ())}
    own = {station.id: station for station in roster.stations.values() if station.kind == "rain"}
    at_home = [gauge for gauge in storm.stations if gauge in own or gauge in said]
    merged = {group[0]: tuple(gauge for gauge in group[1:] if gauge not in at_home) for group in storm.merged}
    laid: list[LaidStation] = []
    for gauge in at_home:
        station = own[gauge] if gauge in own else _declared_station(said[gauge], roster)
        virtual = gauge not in own and said[gauge].virtual
        laid.append(LaidStation(station, gauge, merged.get(gauge, ()), virtual))
    strangers = [gauge for gauge in storm.series if gauge not in at_home]
    if strangers and not own:
        raise BadInput("本市没有雨量站，暴雨无处可落")
    places = [own[key] for key in sorted(own)]
    spots = chain(
        ((place, 1) for place in places if place.id not in at_home),
        ((place, again) for again in count(2) for place in places),
    )
    for gauge, (place, again) in zip(strangers, spots, strict=False):
        if again > 1:
            place = replace(place, id=f"{place.id}+{again}", name=f"{place.name}附{again}")
        laid.append(LaidStation(place, gauge, merged.get(gauge, ()), again > 1))
    used = {item.station.id for item in laid}
    idle = tuple(place for place in places if place.id not in used)
    reconstructed = storm.declared.reconstructed if storm.declared else False
    return Laying(tuple(laid), idle, bool(strangers) or reconstructed)


def _declared_station(said: DeclaredStation, roster: Roster) -> Station:
    """A gauge only the storm's own description knows; without coordinates it stands at its county's centre."""
    county = roster.division(said.county)
    lon = county.lon if said.lon is None else said.lon
    lat = county.lat if said.lat is None else said.lat
    if lon is None or lat is None:
        raise BadInput(f"测站 {said.id} 没有坐标，所在县也没有中心点，画不到图上")
    return Station(said.id, said.name, lon, lat, None, said.county, "rain")


@dataclass(frozen=True)
class Deciders:
    """模拟决策人 — reading times, absence, refusal; all proposed."""

    approve_s: tuple[float, float]
    absent: float
    refuse: float
    review_s: tuple[float, float]
    takeover_s: tuple[float, float]
    door_s: tuple[float, float]
    neighbour_min: tuple[float, float]
    township_min: tuple[float, float]
    found: float
    report_delay: timedelta


def read_deciders(path: Path) -> Deciders:
    content = tomllib.loads(path.read_text("utf-8"))
    approve, door = content["approve"], content["door"]
    return Deciders(
        approve_s=_pair(approve["reading_s"]),
        absent=float(approve["absent"]),
        refuse=float(approve["refuse"]),
        review_s=_pair(content["review"]["reading_s"]),
        takeover_s=_pair(content["takeover"]["reading_s"]),
        door_s=_pair(door["reading_s"]),
        neighbour_min=_pair(door["neighbour_min"]),
        township_min=_pair(door["township_min"]),
        found=float(door["found"]),
        report_delay=timedelta(seconds=float(content["report"]["delay_s"])),
    )


def _pair(value: list[float]) -> tuple[float, float]:
    low, high = value
    return float(low), float(high)


@dataclass(frozen=True)
class LeadTime:
    """提前量分解 — seconds spent sensing, deciding, waking and acting for one notice; None where it never came."""

    notice: str
    sensing_s: int
    deciding_s: int
    waking_median_s: int | None
    waking_last_s: int | None
    acting_median_s: int | None


@dataclass(frozen=True)
class Line:
    """时间线的一行。"""

    at: datetime
    kind: str
    level: str | None
    text: str


@dataclass(frozen=True)
class DrillResult:
    """演练结果 — the documented record (`record`), its timeline, and who was never reached."""

    record: dict[str, Any]
    lines: tuple[Line, ...]
    lead: tuple[LeadTime, ...]
    unreached: tuple[Mapping[str, Any], ...]
    curves: Mapping[str, tuple[tuple[datetime, float | None], ...]] = field(default_factory=dict)


def banner(storm: Storm, laying: Laying) -> str:
    """演练横幅 — which storm it is, and what of it is not real."""
    declared = storm.declared
    title = declared.title if declared and declared.title else storm.name
    truth = "重构：只有总量是真的" if declared and declared.reconstructed else ""
    moved = "移植暴雨" if laying.transposed else ""
    return " · ".join(part for part in (title, truth, moved) if part)


BEARABLE = timedelta(minutes=1)
"""建议值 — a drill against a running clock that is later than this in its own time is no longer a true one."""


def falling_behind(speed: float, late: timedelta) -> str:
    return (
        f"机器跟不上 {speed:g} 倍速：已晚 {late.total_seconds():,.0f} 秒（演练时间），记下的时刻因此偏晚；"
        "请放慢倍速，或用 --speed max。"
    )


def paced(found: DrillResult, speed: float, late: timedelta) -> DrillResult:
    """倍速演过 — at which speed, how far behind its clock the machine fell at the worst; a note if too far."""
    kept_up = late <= BEARABLE
    pace = {"speed": speed, "late_max_s": round(late.total_seconds()), "kept_up": kept_up}
    notes = found.record["notes"] if kept_up else [*found.record["notes"], falling_behind(speed, late)]
    return replace(found, record=found.record | {"paced": pace, "notes": notes})


@dataclass(frozen=True)
class CallRow:
    """叫应明细的一行 — one obligation with the names that a drill may show: all of them are invented."""

    notice: str
    level: str
    county: str
    township: str
    place: str
    tier: str
    post: str
    person: str
    number: str
    state: str
    evidence: str
    opened_at: datetime
    due_at: datetime
    first_try_at: datetime | None
    answered_at: datetime | None
    tries: int
    late: bool
    last: str


@dataclass(frozen=True)
class DrillPapers:
    """演练材料 — what the reports are written from."""

    result: DrillResult
    rows: tuple[CallRow, ...]
    boundaries: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """一种报告 — its file name and how it is written."""

    term: str
    filename: str
    render: Callable[[DrillPapers], bytes]


def all_reports() -> dict[str, Report]:
    """报告货架 — every report, keyed by its file's name."""
    return load_shelf(reports, "REPORT", Report)
