"""单位 — one spelling for each, and the factors between them; what nobody can convert is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from shouye.watch.observe import standard_elements

_SPELLINGS = {
    "℃": "c", "°C": "c", "C": "c", "°F": "f", "F": "f", "%": "pct", "m/s": "ms", "m3/s": "m3s", "m³/s": "m3s",
    "cfs": "cfs", "km/h": "kmh", "hPa": "hpa", "kPa": "kpa", "Pa": "pa", "V": "v", "mV": "mv", "°": "deg",
    "mg/L": "mgl", "ug/L": "ugl", "mg/m3": "mgm3", "ug/m3": "ugm3", "μg/m3": "ugm3", "ft": "ft", "feet": "ft",
    "inch": "in", "米": "m", "毫米": "mm", "英尺": "ft", "KM/H": "kmh", "MW": "mw", "K": "k",
}  # fmt: skip

_FACTORS = {
    ("ft", "m"): 0.3048, ("in", "mm"): 25.4, ("cm", "m"): 0.01, ("mm", "m"): 0.001, ("m", "mm"): 1000.0,
    ("cm", "mm"): 10.0, ("km", "m"): 1000.0, ("m", "km"): 0.001, ("cfs", "m3s"): 0.028316846592,
    ("ls", "m3s"): 0.001,
    ("kmh", "ms"): 1 / 3.6, ("kn", "ms"): 1852 / 3600, ("kpa", "hpa"): 10.0, ("pa", "hpa"): 0.01,
    ("mv", "v"): 0.001,
    ("ugl", "mgl"): 0.001, ("mgm3", "ugm3"): 1000.0, ("ugm3", "mgm3"): 0.001, ("ppm", "pct"): 0.0001,
}  # fmt: skip
_DEGREES = {"f": (1 / 1.8, -32 / 1.8), "k": (1.0, -273.15)}
"""单位换算 — the international foot and inch (exact), the nautical mile (exact); the rest are decimal."""


@cache
def _unit_of(element: str) -> str:
    """The unit of our table of elements; of one that is not in it, what its name ends in (stage_7_m -> m)."""
    known = standard_elements().by_name.get(element)
    if known is not None and known.unit:
        return _spelt(known.unit)
    return element.rpartition("_")[2] if "_" in element else ""


def _spelt(unit: str) -> str:
    """One spelling of a unit: `m³/s` and `m3/s` are both m3s."""
    return _SPELLINGS.get(unit.strip(), unit.strip().lower().replace("/", "").replace("³", "3"))


def _converted(value: float, unit: str, into: str) -> float:
    """单位换算 — into the unit of our element; a unit nobody can convert is refused, never guessed."""
    times, plus = _conversion(unit, into)
    return value if (times, plus) == (1.0, 0.0) else round(value * times + plus, 9)


@lru_cache(1024)
def _conversion(unit: str, into: str) -> tuple[float, float]:
    given = _spelt(unit)
    if given in ("", into):
        return 1.0, 0.0
    if into == "c" and given in _DEGREES:
        return _DEGREES[given]
    if (given, into) in _FACTORS:
        return _FACTORS[given, into], 0.0
    raise ValueError(f"unit|单位 {unit} 不能换算为 {into or '（无单位）'}")


@dataclass(frozen=True)
class _Units:
    """`of` an element, and `convert(value, their unit, ours)`; a ValueError holds the code and the sentence."""

    of: Callable[[str], str]
    convert: Callable[[float, str, str], float]


MEANING = _Units(of=_unit_of, convert=_converted)
