"""地震 GeoJSON — the summary feed of the USGS: revisions by `updated`, blasts beside earthquakes, ids that change.

依据: USGS Earthquake Hazards Program, GeoJSON Summary Format (times in ms of UTC, depth in km).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from shouye.base.kernel import from_ms
from shouye.watch.intake.codecs.cma_json import only
from shouye.watch.intake.codecs.quakeml import QuakeEvent, number, quake_decoded
from shouye.watch.intake.model import STANDARD, BadFrame, Codec, Message, RefusalCode, Refused, SessionOptions

_MOST_BYTES = 64 * 1024 * 1024
_MOST_MS = 7_258_118_400_000
"""2200-01-01 — no earthquake is later."""


def _event(feature: object) -> QuakeEvent:
    if not isinstance(feature, dict) or not isinstance(said := feature.get("properties"), dict):
        raise BadFrame(RefusalCode.HEADER, "不是带 properties 的 Feature")
    id = feature.get("id")
    if not isinstance(id, str) or not id:
        raise BadFrame(RefusalCode.HEADER, "Feature 没有 id")
    time = _time(said.get("time"))
    if time is None:
        raise BadFrame(RefusalCode.TIME, "没有发震时间", id)
    geometry = feature.get("geometry")
    place = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(place, list) or len(place) not in (2, 3):
        raise BadFrame(RefusalCode.LENGTH, "坐标不是 [经度, 纬度, 深度]", id)
    lon, lat, depth_km = (*place, None)[:3]
    return QuakeEvent(
        id=id,
        kind=_word(said.get("type")),
        time=time,
        lon=_number(lon, "longitude", -180, 360),
        lat=_number(lat, "latitude", -90, 90),
        depth_km=_number(depth_km, "depth", -10, 1000),
        magnitude=_number(said.get("mag"), "mag", -5, 11),
        magnitude_type=_word(said.get("magType")),
        place=_word(said.get("place")),
        agency=_word(said.get("net")),
        status=_word(said.get("status")),
        updated=_time(said.get("updated")),
        other_ids=tuple(other for other in _word(said.get("ids")).split(",") if other and other != id),
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object, name: str, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise BadFrame(RefusalCode.ENCODING, f"{name} 不是数")
    return None if value is None else number(repr(value), name, low, high)


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST_MS:
        raise BadFrame(RefusalCode.TIME, f"时间 {str(value)[:40]} 不是毫秒数")
    return from_ms(value)


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """Every feature in its order; `newest` then chooses among revisions."""
    if len(data) > _MOST_BYTES:
        yield Refused(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}", data[:1024])
        return
    try:
        root = json.loads(data.decode("utf-8-sig"))
        json.dumps(root, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except UnicodeDecodeError:
        yield Refused(RefusalCode.ENCODING, "不是 UTF-8", data)
        return
    except (ValueError, RecursionError):
        yield Refused(RefusalCode.HEADER, "不是完整的 JSON", data)
        return
    features = (
        root.get("features") if isinstance(root, dict) and root.get("type") == "FeatureCollection" else [root]
    )
    if not isinstance(features, list):
        yield Refused(RefusalCode.HEADER, "FeatureCollection 没有 features", data)
        return
    for feature in features:
        try:
            yield quake_decoded(_event(feature))
        except BadFrame as error:
            yield error.about(json.dumps(feature, ensure_ascii=False).encode())


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="地震 GeoJSON（USGS）",
    source="USGS GeoJSON Summary Format",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
