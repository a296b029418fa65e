"""演练总结 — one printed page set: map, curves, notices, lead times, calls, who was never reached, timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shouye.after.review.model import DrillPapers, Report
from shouye.base.delivery import Receipt
from shouye.base.kernel import AlertLevel, word_of
from shouye.base.papers import html
from shouye.base.roster import DivisionLevel
from shouye.during.call import STATE_WORDS

_MAP_WIDTH, _MAP_HEIGHT = 560.0, 520.0
_CURVE_WIDTH, _CURVE_HEIGHT = 420.0, 96.0
_LINES = ((3, 50.0, "50 mm/3 h"), (3, 100.0, "100 mm/3 h"))
"""Thresholds drawn on the curves: 暴雨橙, 暴雨红. 依据: 中国气象局令第16号."""


@dataclass(frozen=True)
class _Shape:
    """一个县的图形 — its path, its name and where to write it, its highest level."""

    path: str
    name: str
    x: float
    y: float
    level: str | None
    word: str
    known: bool


def render(papers: DrillPapers) -> bytes:
    record = papers.result.record
    highest = _highest(record)
    laid = {item["division"] for item in record["mapping"]}
    stations = {item["station"]: item for item in record["mapping"]}
    values: dict[str, Any] = {
        "title": f"演练总结：{record['title']}",
        "mode_banner": "演练 Simulation",
        "record": record,
        "width": _MAP_WIDTH,
        "height": _MAP_HEIGHT,
        "shapes": _shapes(papers.boundaries, highest, laid),
        "boundary_note": papers.boundaries.get("note", ""),
        "curve_width": _CURVE_WIDTH,
        "curve_height": _CURVE_HEIGHT,
        "curves": [
            _curve(stations[station], points) for station, points in papers.result.curves.items() if points
        ],
        "lead": papers.result.lead,
        "lines": papers.result.lines,
        "unreached": papers.result.unreached,
        "word_of": word_of,
        "colour": _colour,
        "span": _span,
        "tier": lambda level: DivisionLevel(level).word,
        "state_word": STATE_WORDS.__getitem__,
        "receipt_word": lambda value: Receipt(value).word if value else "",
        "moment": lambda text: datetime.fromisoformat(text).strftime("%m-%d %H:%M:%S"),
        "clock": lambda at: at.strftime("%m-%d %H:%M:%S"),
    }
    return html(Path(__file__).parent, "summary.html", values).encode()


def _highest(record: Mapping[str, Any]) -> dict[str, str]:
    """The highest 暴雨 level each county reached: the map shows levels, never transfer stages."""
    highest: dict[str, str] = {}
    for item in record["findings"]:
        level = item["level"]
        if level in AlertLevel.__members__ and not item["retracted"]:
            known = highest.get(item["division"])
            if known is None or AlertLevel(level).rank > AlertLevel(known).rank:
                highest[item["division"]] = level
    return highest


def _shapes(boundaries: Mapping[str, Any], highest: Mapping[str, str], laid: set[str]) -> list[_Shape]:
    features = boundaries.get("features", [])
    rings = {feature["id"]: _rings(feature["geometry"]) for feature in features}
    points = [point for ring in rings.values() for part in ring for point in part]
    if not points:
        return []
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    narrowing = 0.766  # cosine of 40° north: a degree of longitude is that much shorter
    scale = min(_MAP_WIDTH / ((east - west) * narrowing), _MAP_HEIGHT / (north - south))

    def place(lon: float, lat: float) -> tuple[float, float]:
        return round((lon - west) * narrowing * scale, 1), round((north - lat) * scale, 1)

    shapes = []
    for feature in features:
        parts = []
        for ring in rings[feature["id"]]:
            steps = " L".join(f"{x} {y}" for x, y in (place(lon, lat) for lon, lat in ring))
            parts.append(f"M{steps}Z")
        lat, lon = feature["properties"]["label"]
        x, y = place(lon, lat)
        level = highest.get(feature["id"])
        known = feature["id"] in laid
        word = word_of(level) if level else ("未到标准" if known else "未知")
        shapes.append(_Shape("".join(parts), feature["properties"]["name"], x, y, level, word, known))
    return shapes


def _rings(geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [[(point[0], point[1]) for point in ring] for polygon in polygons for ring in polygon]


def _curve(station: Mapping[str, Any], points: Sequence[tuple[datetime, float | None]]) -> dict[str, Any]:
    """Hourly bars and the moving three-hour sum; where data are missing the line stops."""
    totals = [_sum(points, at) for at in range(len(points))]
    ceiling = max([value or 0.0 for _, value in points] + [total or 0.0 for total in totals])
    ceiling = max(ceiling, 1.0) * 1.08
    step = _CURVE_WIDTH / len(points)

    def height(value: float) -> float:
        return round(_CURVE_HEIGHT * (1 - value / ceiling), 1)

    bars: list[dict[str, float]] = []
    gaps: list[float] = []
    runs: list[list[str]] = [[]]
    for at, (_, value) in enumerate(points):
        x = round(at * step, 1)
        if value is None:
            gaps.append(x)
        elif value > 0:
            bars.append({"x": x, "y": height(value), "h": round(_CURVE_HEIGHT - height(value), 1)})
        total = totals[at]
        if total is None:
            runs.append([])
        else:
            runs[-1].append(f"{round(x + step / 2, 1)},{height(total)}")
    return {
        "name": f"{station['division_name']} {station['station_name']}站",
        "gauge": station["gauge"],
        "virtual": station["virtual"],
        "first": points[0][0],
        "last": points[-1][0],
        "step": round(max(step - 0.6, 0.6), 2),
        "peak": max((value for _, value in points if value is not None), default=None),
        "peak_3h": max((total for total in totals if total is not None), default=None),
        "bars": bars,
        "gaps": gaps,
        "runs": [" ".join(run) for run in runs if len(run) > 1],
        "lines": [{"y": height(limit), "label": label} for _, limit, label in _LINES if limit < ceiling],
    }


def _sum(points: Sequence[tuple[datetime, float | None]], at: int) -> float | None:
    """The sum of the three hours that end at this point; unknown when any part is."""
    end = points[at][0]
    recent = points[max(0, at - 200) : at + 1]
    window = [(when, value) for when, value in recent if (end - when).total_seconds() < 10_800]
    if not window or any(value is None for _, value in window):
        return None
    return sum(value for _, value in window if value is not None)


def _colour(level: str | None) -> str:
    return {"BLUE": "b", "YELLOW": "y", "ORANGE": "o", "RED": "r"}.get(level or "", "act" if level else "")


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "—"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


REPORT = Report(term="演练总结", filename="report.html", render=render)
