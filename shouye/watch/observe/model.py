"""监测数据 — a reading, which of two readings stands, whose area a gauge speaks for, and what silence is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """监测数据 — the value of an element over (time - step, time]; None is 缺测, which is not zero.

    `revision` rises when the sender corrects (订正); `source` names the gauge that truly measured, so that one
    gauge heard twice counts once.
    """

    station: str
    element: str
    time: datetime
    value: float | None
    step: timedelta
    revision: int = 0
    source: str = ""


def outranks(one: Reading, other: Reading) -> bool:
    """取舍 — of two readings of one series and instant, does the first stand? Content decides, never arrival."""
    return _rank(one) > _rank(other)


def _rank(reading: Reading) -> tuple[int, bool, float, str]:
    return reading.revision, reading.value is not None, reading.value or 0.0, reading.source


@dataclass(frozen=True)
class Coverage:
    """代表范围 — the divisions for which a gauge speaks, and on what ground we say so."""

    divisions: tuple[str, ...]
    basis: str


def read_gauge_areas(path: Path) -> dict[str, tuple[str, ...]]:
    """测站代表范围表 — `gauge_area.csv` (station,division) of a city; empty when the city has none."""
    areas: dict[str, list[str]] = {}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                areas.setdefault(row["station"], []).append(row["division"])
    return {station: tuple(sorted(divisions)) for station, divisions in areas.items()}


@dataclass(frozen=True)
class Gauge:
    """在用测站 — a gauge that we listen to: where it stands and for which divisions it speaks."""

    station: str
    county: str
    coverage: Coverage


def coverage(areas: Mapping[str, tuple[str, ...]], station: str, county: str) -> Coverage:
    """The area table where it names the gauge, else the whole county in which it stands."""
    if station in areas:
        return Coverage(areas[station], "测站代表范围表")
    return Coverage((county,), "测站所在县（区）")


class Cause(StrEnum):
    """听不到的原因。"""

    NEVER = "NEVER"
    LATE = "LATE"
    MISSING = "MISSING"

    @property
    def word(self) -> str:
        return {"NEVER": "从未收到", "LATE": "超时未到", "MISSING": "来数缺测"}[self.value]


@dataclass(frozen=True)
class Silence:
    """听不到的 — the gauges of one county that are not heard for one cause; `since` is the oldest last value."""

    county: str
    cause: Cause
    stations: tuple[str, ...]
    since: datetime | None


LATE_AFTER = 2
"""超时 — two intervals without a reading; `proposed`, no document gives the number."""


def unheard(latest: list[Reading], now: datetime) -> tuple[Cause, datetime | None] | None:
    """听得到吗 — judged over all series of one station: one living series is enough."""
    if not latest:
        return Cause.NEVER, None
    newest = max(reading.time for reading in latest)
    in_time = [reading for reading in latest if now - reading.time <= LATE_AFTER * reading.step]
    if not in_time:
        return Cause.LATE, newest
    if all(reading.value is None for reading in in_time):
        return Cause.MISSING, newest
    return None
