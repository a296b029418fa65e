"""在用测站 — for which divisions a gauge speaks, what others call it, whose readings it repeats."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shouye.base.kernel import BadInput


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


@dataclass(frozen=True)
class SameSource:
    """重复测源 — a station whose readings of an element are those of another: the two count as one."""

    element: str
    station: str
    same_as: str
    readings: int


def read_aliases(path: Path) -> dict[tuple[str, str], str]:
    """测站别名表 — `station_alias.csv` (system,code,station): what a gauge is called in each system."""
    found: dict[tuple[str, str], str] = {}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                key = row["system"].strip(), row["code"].strip()
                if found.setdefault(key, row["station"].strip()) != row["station"].strip():
                    raise BadInput(f"{path.name}：{key[0]} 的编码 {key[1]} 指向两个测站")
    return found
