"""JSON 数据行 — readings as somebody's JSON, by a mapping kept as settings; without one, the form of HTTP push.

The form of HTTP push: `{"readings": [{"station", "element", "time", "value", "unit", "flags"?}]}`. Settings say
where things stand (dots go inside; `topic:2` is the second part of an MQTT topic): `rows`, `station`, `time`,
`time_format` (iso, epoch_s, epoch_ms, or as strptime), `element`, `value`, `unit`; or, where a row has a column
for each element, `column.<name>` = "element unit" (or "element @column", where another column names the unit).
A time may be put together, `{day} {hour}:00`; `zone_h` is the zone of times without one (8, Beijing); `missing`
names what stands for no value (-9999 …).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from shouye.base.kernel import BEIJING
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

_MOST_BYTES = 16 * 1024 * 1024
_MOST_ROWS = 100_000
_MISSING = ("", "NA", "NaN", "nan", "null", "-", "缺测")
_KEPT = 4_096
_PLACE = re.compile(r"\{([^{}]+)\}")


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterable[Message]:
    """译码 — one message for each row, in order; a row that cannot be taken takes no other along."""
    try:
        rows = list(_rows(_parsed(data), options.settings))
    except BadFrame as bad:
        return [bad.about(data)]
    columns = columns_of(options.settings)
    return [message_of(row, options.settings, columns) for row in rows]


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — a document of one station as one message: all its rows together, or the first that is refused."""
    messages = list(decode_all(data, options))
    refused = [one for one in messages if isinstance(one, Refused)]
    taken = [one for one in messages if isinstance(one, Decoded)]
    if refused or not taken:
        return refused[0] if refused else Refused(RefusalCode.LENGTH, "没有一行数据", data)
    readings = tuple(reading for one in taken for reading in one.readings)
    return Decoded(taken[0].station, "rows", taken[0].sent, readings, {"rows": len(taken)})


def _parsed(data: bytes) -> Any:
    if len(data) > _MOST_BYTES:
        raise BadFrame(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}")
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise BadFrame(RefusalCode.ENCODING, "不是 UTF-8") from None
    except RecursionError:
        raise BadFrame(RefusalCode.LENGTH, "JSON 嵌套过深") from None
    except ValueError as error:
        raise BadFrame(RefusalCode.HEADER, f"不是 JSON：{str(error)[:80]}") from None


def _rows(said: Any, settings: Mapping[str, Any]) -> Iterator[Any]:
    at = str(settings.get("rows", "readings"))
    found = said if at in ("", ".") or isinstance(said, list) else _inside(said, at)
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise BadFrame(RefusalCode.HEADER, f"没有数据行 {at or '（顶层）'}")
    if len(found) > _MOST_ROWS:
        raise BadFrame(RefusalCode.LENGTH, f"{len(found)} 行，超过 {_MOST_ROWS}")
    yield from found


def _inside(said: Any, path: str) -> Any:
    if isinstance(said, dict) and path in said:
        return said[path]
    for name in path.split("."):
        if not isinstance(said, dict):
            return None
        said = said.get(name)
    return said


def columns_of(settings: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(their name, our element, unit) of each column."""
    found = []
    for key, meaning in settings.items():
        if key.startswith("column."):
            element, _, unit = str(meaning).partition(" ")
            found.append((key.removeprefix("column."), element, unit))
    return found


def message_of(
    row: Any, settings: Mapping[str, Any], columns: list[tuple[str, str, str]], text: str = ""
) -> Message:
    """一行 — read by the mapping, or refused for itself; `text` is what quarantine keeps of it."""
    station = ""
    try:
        if not isinstance(row, dict):
            raise BadFrame(RefusalCode.HEADER, "数据行不是对象")
        station = _station(row, settings)
        if not station:
            raise BadFrame(RefusalCode.HEADER, "没有测站")
        time = _time(_said_time(row, str(settings.get("time", "time"))), settings)
        readings = tuple(_readings(row, settings, columns, time))
        if not readings:
            raise BadFrame(RefusalCode.HEADER, "没有要素")
        return Decoded(station, "row", time, readings, {"raw": text or _text(row)})
    except BadFrame as bad:
        return Refused(bad.code, bad.detail, (text or _text(row)).encode(), station[:80])


def _said_time(row: Mapping[str, Any], path: str) -> Any:
    """One field, or several put together: `{year}-{month}-{day} {hour}`."""
    if "{" not in path:
        return _inside(row, path)
    return _PLACE.sub(lambda place: str(row.get(place[1], "")).strip(), path)


def _text(row: Any) -> str:
    """The row as a document of one row: what quarantine keeps can be tried again."""
    kept = json.dumps([row], ensure_ascii=False)[:_KEPT]
    return kept.encode("utf-8", "replace").decode()  # half a character is no character


def _station(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    path = str(settings.get("station", "station"))
    if path.startswith("topic:"):
        parts = str(settings.get("topic", "")).split("/")
        at = int(path.removeprefix("topic:") or 0) - 1
        return parts[at] if 0 <= at < len(parts) else ""
    found = _inside(row, path)
    return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _readings(
    row: Mapping[str, Any], settings: Mapping[str, Any], columns: list[tuple[str, str, str]], time: datetime
) -> Iterator[WireReading]:
    if columns:
        for name, element, unit in columns:
            value, flags = _value(_inside(row, name), element, settings)
            said = str(row.get(unit[1:], "")) if unit.startswith("@") else unit
            yield WireReading(element, time, value, said, flags)
        return
    element = _inside(row, str(settings.get("element", "element")))
    if not isinstance(element, str) or not element:
        raise BadFrame(RefusalCode.HEADER, "没有要素名")
    value, flags = _value(_inside(row, str(settings.get("value", "value"))), element, settings)
    unit = _inside(row, str(settings.get("unit", "unit")))
    said = row.get("flags", ())
    more = tuple(str(flag)[:40] for flag in said[:8]) if isinstance(said, list) else ()
    yield WireReading(element[:80], time, value, unit if isinstance(unit, str) else "", (*flags, *more))


def _value(said: Any, element: str, settings: Mapping[str, Any]) -> tuple[float | None, tuple[str, ...]]:
    if said is None or (isinstance(said, str) and said.strip() in _MISSING):
        return None, ("missing",)
    if "missing" in settings and str(said).strip() in str(settings["missing"]).split():
        return None, ("missing",)
    try:
        if isinstance(said, bool | list | dict):
            raise ValueError
        value = float(said)
        if not math.isfinite(value):
            raise ValueError
    except (ValueError, OverflowError):
        raise BadFrame(RefusalCode.ENCODING, f"{element[:40]} 的值“{str(said)[:20]}”不是数字") from None
    return value, ()


def _time(said: Any, settings: Mapping[str, Any]) -> datetime:
    form = str(settings.get("time_format", "iso"))
    try:
        if form in ("epoch_s", "epoch_ms"):
            seconds = float(said) / (1000 if form == "epoch_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING)
        found = datetime.fromisoformat(said) if form == "iso" else datetime.strptime(said, form)  # noqa: DTZ007 - below
        zone = timezone(timedelta(hours=float(settings.get("zone_h", 8))))
        return (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(BEIJING)
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadFrame(RefusalCode.TIME, f"时间“{str(said)[:40]}”不可辨认") from None


CODEC = Codec(
    term="JSON 数据行",
    source="本系统 HTTP 推送格式；MQTT 与他方 JSON 按接入块里的对照",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
