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
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_NOTHING: Mapping[str, object] = {}
_PLACE = re.compile(r"\{([^{}]+)\}")


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterable[Message]:
    """译码 — one message for each row, in order; a row that cannot be taken takes no other along."""
    try:
        rows = list(_rows(_parsed(data), options.settings))
        form = Form(options.settings)
    except BadFrame as bad:
        return [bad.about(data)]
    return [form.message(row, encode) for row in rows]


def encode(message: Decoded) -> bytes:
    """写回 — the row as a document of one row: what quarantine keeps can be tried again."""
    return _document(message.fields.get("row"))


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


def _document(row: Any) -> bytes:
    return json.dumps([row], ensure_ascii=False).encode("utf-8", "replace")[:_KEPT]


class Form:
    """对照 — the settings of a source made ready once for a whole document; then `message` reads row by row."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._station = str(settings.get("station", "station"))
        self._topic = str(settings.get("topic", "")).split("/")
        self._time, self._form = str(settings.get("time", "time")), str(settings.get("time_format", "iso"))
        self._names = tuple(str(settings.get(name, name)) for name in ("element", "value", "unit"))
        self._missing = frozenset((*_MISSING, *str(settings.get("missing", "")).split()))
        self.columns = []
        for key, meaning in settings.items():
            if key.startswith("column."):
                element, _, unit = str(meaning).partition(" ")
                self.columns.append((key.removeprefix("column."), element, unit))
        try:
            self._zone = timezone(timedelta(hours=float(settings.get("zone_h", 8))))
        except (TypeError, ValueError, OverflowError):
            raise BadFrame(RefusalCode.TIME, f"时区 {str(settings['zone_h'])[:20]} 不对") from None
        self._times: dict[Any, datetime] = {}

    def message(
        self, row: Any, write: Callable[[Decoded], bytes], kept: Mapping[str, object] = _NOTHING
    ) -> Message:
        """One row, or why it was refused; `write` says what quarantine keeps of it, from `kept` or the row."""
        station = ""
        fields = kept or {"row": row}
        try:
            if not isinstance(row, dict):
                raise BadFrame(RefusalCode.HEADER, "数据行不是对象")
            station = self._station_of(row)
            if not station:
                raise BadFrame(RefusalCode.HEADER, "没有测站")
            time = self._time_of(row)
            readings = tuple(self._of_columns(row, time) if self.columns else self._of_names(row, time))
        except BadFrame as bad:
            return Refused(bad.code, bad.detail, write(Decoded(station, "row", None, (), fields)), station[:80])
        return Decoded(station, "row", time, readings, fields)

    def _station_of(self, row: Mapping[str, Any]) -> str:
        if self._station.startswith("topic:"):
            at = self._station.removeprefix("topic:")
            number = int(at) - 1 if at.isdecimal() else -1
            return self._topic[number] if 0 <= number < len(self._topic) else ""
        found = _inside(row, self._station)
        return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""

    def _of_columns(self, row: Mapping[str, Any], time: datetime) -> Iterator[WireReading]:
        for name, element, unit in self.columns:
            value, flags = self._value(_inside(row, name), element)
            said = str(row.get(unit[1:], "")) if unit.startswith("@") else unit
            yield WireReading(element, time, value, said, flags)

    def _of_names(self, row: Mapping[str, Any], time: datetime) -> Iterator[WireReading]:
        element, said, unit = (_inside(row, name) for name in self._names)
        if not isinstance(element, str) or not element:
            raise BadFrame(RefusalCode.HEADER, "没有要素名")
        value, flags = self._value(said, element)
        more = row.get("flags")
        if isinstance(more, list):
            flags = (*flags, *(str(flag)[:40] for flag in more[:8]))
        yield WireReading(element[:80], time, value, unit if isinstance(unit, str) else "", flags)

    def _value(self, said: Any, element: str) -> tuple[float | None, tuple[str, ...]]:
        if said is None or str(said).strip() in self._missing:
            return None, ("missing",)
        try:
            if isinstance(said, bool | list | dict) or "_" in str(said):  # Python's own 1_5 is nobody's number
                raise ValueError
            value = float(said)
            if not math.isfinite(value):
                raise ValueError
        except (ValueError, OverflowError):
            raise BadFrame(RefusalCode.ENCODING, f"{element[:40]} 的值“{str(said)[:20]}”不是数字") from None
        return value, ()

    def _time_of(self, row: Mapping[str, Any]) -> datetime:
        """One field, or several put together; rows of one instant are read once."""
        said: Any
        if "{" in self._time:
            said = _PLACE.sub(lambda place: str(row.get(place[1], "")).strip(), self._time)
        else:
            said = _inside(row, self._time)
        try:
            found = self._times.get(said)
            if found is None:
                found = self._times[said] = self._instant(said)
            return found
        except (TypeError, ValueError, OverflowError, OSError):
            raise BadFrame(RefusalCode.TIME, f"时间“{str(said)[:40]}”不可辨认") from None

    def _instant(self, said: Any) -> datetime:
        if self._form in ("epoch_s", "epoch_ms"):
            if isinstance(said, bool) or "_" in str(said):
                raise ValueError
            seconds = float(said) / (1000 if self._form == "epoch_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING)
        found = datetime.fromisoformat(said) if self._form == "iso" else datetime.strptime(said, self._form)  # noqa: DTZ007 - the zone is put in below
        return (found.replace(tzinfo=self._zone) if found.tzinfo is None else found).astimezone(BEIJING)


CODEC = Codec(
    term="JSON 数据行",
    source="本系统 HTTP 推送格式；MQTT 与他方 JSON 按接入块里的对照",
    decode=decode,
    encode=encode,
    decode_all=decode_all,
    document=True,
    names_are_free=True,
)
