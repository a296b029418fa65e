"""卫星热点 FIRMS — hot spots of MODIS and VIIRS as CSV; `places` joins the passes over one fire.

依据: NASA FIRMS active fire attributes (acq_date and acq_time in UTC, FRP in MW, brightness in K).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shouye.base.kernel import BEIJING
from shouye.watch.intake.codecs.cma_json import only
from shouye.watch.intake.codecs.quakeml import number
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    WireReading,
)

_MOST_BYTES = 64 * 1024 * 1024
_NEEDED = ("latitude", "longitude", "acq_date", "acq_time", "satellite")
_WORDS = {"l": "low", "n": "nominal", "h": "high"}
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class HotSpot:
    """卫星热点 — one pixel of one pass that looked hot: a claim of fire, not a fire."""

    time: datetime
    lon: float
    lat: float
    satellite: str
    frp_mw: float | None
    brightness_k: float | None
    confidence: str
    version: str = ""
    by_day: bool | None = None
    scan_km: float | None = None
    track_km: float | None = None


@dataclass(frozen=True)
class FirePlace:
    """热点位置 — hot spots of one place that follow each other: first and last seen, how often, how strong."""

    first: HotSpot
    last_seen: datetime
    strongest: HotSpot
    passes: int
    spots: int


def places(
    spots: Iterable[HotSpot], within_km: float = 1.5, within: timedelta = timedelta(hours=24)
) -> list[FirePlace]:
    """多次过境合并 — one place is what lies within so many km of its first spot, each sight within so long.

    A spot given twice counts once, in its final version; the order of the input changes nothing. Both limits are
    建议值: the first is 1.5 MODIS pixels, the second lets one day without a clear pass go by.
    """
    latest: dict[tuple[datetime, float, float, str], HotSpot] = {}
    for spot in sorted(spots, key=_standing):
        latest[spot.time, spot.lat, spot.lon, spot.satellite] = spot
    groups: list[list[HotSpot]] = []
    cells: dict[tuple[int, int], list[int]] = {}
    size = within_km / _KM_PER_DEGREE
    for key in sorted(latest):
        spot = latest[key]
        group = _near(spot, groups, cells, size, within_km, within)
        if group is None:
            cells.setdefault(_cell(spot, size), []).append(len(groups))
            groups.append([spot])
        else:
            group.append(spot)
    return [
        FirePlace(
            first=group[0],
            last_seen=group[-1].time,
            strongest=max(group, key=lambda spot: (spot.frp_mw or 0.0, spot.brightness_k or 0.0)),
            passes=len({(spot.time, spot.satellite) for spot in group}),
            spots=len(group),
        )
        for group in groups
    ]


def _standing(spot: HotSpot) -> tuple[bool, str, str]:
    """Of two versions the final one stands before the near-real-time one (NRT, RT, URT)."""
    return (not spot.version.endswith("RT"), spot.version, repr(spot))


def _cell(spot: HotSpot, size: float) -> tuple[int, int]:
    """Rows of equal height, each cut into columns at least as wide as they are high, also in the next row."""
    row = math.floor(spot.lat / size)
    return row, math.floor(spot.lon * _shrink(row, size) / size)


def _shrink(row: int, size: float) -> float:
    widest = min(abs(row), abs(row + 1)) * size
    return math.cos(math.radians(min(widest + 2 * size, 89.9)))


def _near(
    spot: HotSpot,
    groups: list[list[HotSpot]],
    cells: Mapping[tuple[int, int], list[int]],
    size: float,
    within_km: float,
    within: timedelta,
) -> list[HotSpot] | None:
    row = math.floor(spot.lat / size)
    found = [
        (distance, index)
        for near in (row - 1, row, row + 1)
        for column in (math.floor(spot.lon * _shrink(near, size) / size) + step for step in (-1, 0, 1))
        for index in cells.get((near, column), ())
        if spot.time - groups[index][-1].time <= within
        and (distance := _distance_km(spot, groups[index][0])) <= within_km
    ]
    return groups[min(found)[1]] if found else None


def _distance_km(a: HotSpot, b: HotSpot) -> float:
    shrink = math.cos(math.radians((a.lat + b.lat) / 2))
    return math.hypot(a.lat - b.lat, (a.lon - b.lon) * shrink) * _KM_PER_DEGREE


def _spot(row: Mapping[str, str]) -> HotSpot:
    lat, lon = number(row["latitude"], "latitude", -90, 90), number(row["longitude"], "longitude", -180, 180)
    if lat is None or lon is None:
        raise BadFrame(RefusalCode.HEADER, "没有经纬度")
    clock = row["acq_time"].replace(":", "").zfill(4)
    try:
        time = datetime.strptime(f"{row['acq_date']} {clock}", "%Y-%m-%d %H%M").replace(tzinfo=UTC)
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"时间 {row['acq_date'][:12]} {row['acq_time'][:8]} 不可辨认") from None
    confidence = row.get("confidence", "").lower()
    return HotSpot(
        time=time.astimezone(BEIJING),
        lon=lon,
        lat=lat,
        satellite=row["satellite"],
        frp_mw=number(row.get("frp", ""), "frp", 0, 100_000),
        brightness_k=number(row.get("brightness") or row.get("bright_ti4") or "", "brightness", 0, 2000),
        confidence=_WORDS.get(confidence, confidence),
        version=row.get("version", ""),
        by_day={"D": True, "N": False}.get(row.get("daynight", "")),
        scan_km=number(row.get("scan", ""), "scan", 0, 100),
        track_km=number(row.get("track", ""), "track", 0, 100),
    )


def _decoded(spot: HotSpot) -> Decoded:
    numbers = (("frp_mw", spot.frp_mw, "MW"), ("brightness_k", spot.brightness_k, "K"))
    return Decoded(
        station=f"{spot.lat:.5f},{spot.lon:.5f}",
        function="hot_spot",
        sent=spot.time,
        readings=tuple(
            WireReading(element, spot.time, value, unit, () if value is not None else ("missing",))
            for element, value, unit in numbers
        ),
        fields={
            "lat": spot.lat,
            "lon": spot.lon,
            "satellite": spot.satellite,
            "confidence": spot.confidence,
            "version": spot.version,
            "by_day": spot.by_day,
        },
        record=spot,
    )


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """Every row; the first line names the columns."""
    if len(data) > _MOST_BYTES:
        yield Refused(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}", data[:1024])
        return
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        yield Refused(RefusalCode.ENCODING, "不是 UTF-8", data)
        return
    header = [cell.strip().lower() for cell in lines[0].split(",")] if lines else []
    if missing := [column for column in _NEEDED if column not in header]:
        yield Refused(RefusalCode.HEADER, f"表头缺少 {'、'.join(missing)}", data[:1024])
        return
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split(",")]
        if not any(cells):
            continue
        try:
            if len(cells) != len(header):
                raise BadFrame(RefusalCode.LENGTH, f"{len(cells)} 列，应为 {len(header)} 列")
            yield _decoded(_spot(dict(zip(header, cells, strict=True))))
        except BadFrame as error:
            yield error.about(line.encode())


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="卫星热点 CSV（FIRMS）",
    source="NASA FIRMS active fire data attributes",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
