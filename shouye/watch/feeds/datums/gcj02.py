"""GCJ-02 — the shifted coordinates of public maps in China, taken back to WGS-84 at the edge.

The shift is a published approximation; it is undone by iteration, and is nothing outside China.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt

from shouye.watch.feeds.model import Datum

_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.00669342162296594323
_WITHIN = (72.004, 137.8347, 0.8293, 55.8271)
_ENOUGH = 1e-7
_MOST_ROUNDS = 10


def _waves(x: float, along: float) -> float:
    """The terms that both shifts share."""
    found = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    return found + (20 * sin(along * pi) + 40 * sin(along / 3 * pi)) * 2 / 3


def _shift(lon: float, lat: float) -> tuple[float, float]:
    """From WGS-84 to GCJ-02, in degrees."""
    x, y = lon - 105.0, lat - 35.0
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + _waves(x, y)
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + _waves(x, x)
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    root = 1 - _ECCENTRICITY_2 * sin(lat / 180 * pi) ** 2
    per_lat = _AXIS_M * (1 - _ECCENTRICITY_2) / (root * sqrt(root)) * pi / 180
    per_lon = _AXIS_M / sqrt(root) * cos(lat / 180 * pi) * pi / 180
    return east / per_lon, north / per_lat


def _to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    west, east, south, north = _WITHIN
    if not (west <= lon <= east and south <= lat <= north):
        return lon, lat
    true_lon, true_lat = lon, lat
    for _ in range(_MOST_ROUNDS):
        d_lon, d_lat = _shift(true_lon, true_lat)
        off_lon, off_lat = true_lon + d_lon - lon, true_lat + d_lat - lat
        true_lon, true_lat = true_lon - off_lon, true_lat - off_lat
        if abs(off_lon) < _ENOUGH and abs(off_lat) < _ENOUGH:
            break
    return round(true_lon, 7), round(true_lat, 7)


DATUM = Datum(term="GCJ-02", to_wgs84=_to_wgs84)
