"""监测要素 — the table of elements (elements.toml) and the limits a city or a station changes (quality.toml).

Names, Chinese terms, units, decimals and ranges stand here once; feeds convert into these units at the edge.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from math import inf, nan
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from shouye.base.kernel import Refusal, Tx


class BadElements(Refusal):
    """监测要素或质量控制限值（quality.toml）有误，未启用。"""


@dataclass(frozen=True)
class Limits:
    """质量控制限值 — what a value of an element can be; nan or inf where nothing is said. See elements.toml."""

    low: float = -inf
    high: float = inf
    rate_per_h: float = inf
    jump: float = inf
    stuck_h: float = inf
    stuck_free: float = nan
    isolated_1h: float = inf
    twin: float = 0.0
    twin_least: float = inf
    sums: float = 0.0
    sentinels: tuple[float, ...] = ()
    mark: str = "proposed"
    source: str = ""

    @property
    def alone(self) -> bool:
        """Says nothing that depends on the readings before."""
        return self.rate_per_h == self.jump == self.stuck_h == inf


_UNREADABLE = 1e9
"""Nothing that is measured is so large: written short, a wrong value spoils no page."""


@dataclass(frozen=True)
class Element:
    """监测要素 — its Chinese term, unit, decimals, kind (sum, state, counter) and limits."""

    name: str
    term: str
    unit: str
    decimals: int = 1
    kind: str = "state"
    limits: Limits = Limits()

    def say(self, value: float | None) -> str:
        """The value as a person reads it: 12.5 mm; 缺测 when there is none."""
        if value is None:
            return "缺测"
        figure = f"{value:.{self.decimals}f}" if abs(value) < _UNREADABLE else f"{value:.3g}"
        return f"{figure} {self.unit}".strip()


@dataclass(frozen=True)
class Elements:
    """要素表 — by name; `stations` holds limits of one station and element that differ from the rest.

    `near` are the stations around each station, `twins` the other instruments at its place.
    """

    by_name: Mapping[str, Element]
    stations: Mapping[tuple[str, str], Limits] = field(default_factory=dict)
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Element:
        """An unknown element has no limits and is its own term."""
        return self.by_name.get(name) or Element(name, name, "")

    @cached_property
    def beside(self) -> dict[str, tuple[str, ...]]:
        """The stations that look at a station: who is near to whom is not the same both ways."""
        found: dict[str, list[str]] = {}
        for station, others in self.near.items():
            for other in others:
                found.setdefault(other, []).append(station)
        return {station: tuple(some) for station, some in found.items()}

    @classmethod
    def in_force(cls, tx: Tx) -> Elements:
        """在用要素表 — the city's, else the product's own."""
        found = tx.installed.get(cls)
        return found if isinstance(found, cls) else standard_elements()

    def limits(self, station: str, element: str) -> Limits:
        own = self.stations.get((station, element)) if self.stations else None
        return own or self[element].limits


_LIMITS = {item.name for item in fields(Limits)} - {"sums"}
_NAMES = {"term", "unit", "decimals", "kind"}
_WORDS = {"sentinels", "mark", "source"}


def _limits(base: Limits, said: Mapping[str, object]) -> Limits:
    unknown = sorted(set(said) - _LIMITS - _NAMES)
    if unknown:
        raise BadElements(f"不认识 {'、'.join(unknown)}")
    values: dict[str, Any] = {key: value for key, value in said.items() if key in _LIMITS}
    for key in values.keys() - _WORDS:
        values[key] = float(values[key])
    if "sentinels" in said:
        values["sentinels"] = tuple(map(float, values["sentinels"]))
    return replace(base, **values)


@cache
def standard_elements() -> Elements:
    """The product's own table."""
    said = tomllib.loads((Path(__file__).parent / "elements.toml").read_text(encoding="utf-8"))
    return Elements(
        {
            name: Element(
                name,
                row["term"],
                row["unit"],
                row["decimals"],
                row["kind"],
                _limits(Limits(sums=float(row["kind"] == "sum")), row),
            )
            for name, row in said.items()
        }
    )


NEAR_KM = 30.0
"""How far a station may be and still be a neighbour (proposed)."""
MOST_NEAR = 6

Place = tuple[float, float]
"""Longitude and latitude."""


def read_quality(path: Path, places: Mapping[str, Place] = MappingProxyType({})) -> Elements:
    """本市质量控制限值 — `quality.toml`: `[element.stage_m]` for all stations, `[station.ID.stage_m]` for one.

    `[[twin]] stations = ["a", "b"]` names instruments at one place; `places` says which stations are neighbours.
    """
    base = replace(standard_elements(), near=_near(places))
    if not path.is_file():
        return base
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        by_name = dict(base.by_name)
        for name, row in said.get("element", {}).items():
            names = {key: value for key, value in row.items() if key in _NAMES}
            known = replace(base[name], **names)
            limits = replace(known.limits, sums=float(known.kind == "sum"))
            by_name[name] = replace(known, limits=_limits(limits, row))
        city = replace(base, by_name=by_name)
        own = {
            (station, name): _limits(city[name].limits, row)
            for station, rows in said.get("station", {}).items()
            for name, row in rows.items()
        }
        groups = [tuple(map(str, row["stations"])) for row in said.get("twin", [])]
        twins = {one: tuple(other for other in group if other != one) for group in groups for one in group}
        return replace(city, stations=own, twins=twins)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadElements(f"{path.name}：{error}") from None


def _near(places: Mapping[str, Place]) -> dict[str, tuple[str, ...]]:
    """邻站 — for each station the nearest few within reach, by latitude bands so that a nation's stations do."""
    order = sorted(places, key=lambda station: (places[station][1], station))
    lon = np.array([places[station][0] for station in order])
    lat = np.array([places[station][1] for station in order])
    band = NEAR_KM / _KM_PER_DEGREE
    found = {}
    for number, station in enumerate(order):
        low, high = np.searchsorted(lat, [lat[number] - band, lat[number] + band], side="left")
        across = (lon[low:high] - lon[number]) * np.cos(np.radians(lat[number]))
        km = np.hypot(across, lat[low:high] - lat[number]) * _KM_PER_DEGREE
        nearest = [
            index for index in np.argsort(km, kind="stable") if km[index] <= NEAR_KM and index + low != number
        ]
        found[station] = tuple(order[index + low] for index in nearest[:MOST_NEAR])
    return found


_KM_PER_DEGREE = 111.2
