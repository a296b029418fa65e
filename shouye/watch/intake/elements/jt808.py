"""车辆位置 — what stands in a location of JT/T 808: position, alarms, states, additional items.

依据: JT/T 808-2011、2013、2019 8.18; the table is `jt808.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from shouye.base.kernel import BEIJING
from shouye.watch.intake.model import BadFrame, RefusalCode, WireReading

Place = dict[str, Any]
"""位置 — the words of the wire: alarm, status, lat, lon, altitude, speed, course, time, extra, rest."""

_FIXED, _SOUTH, _WEST, _HIDDEN = 1 << 1, 1 << 2, 1 << 3, 1 << 5


def _stamp(digits: str) -> datetime | None:
    """YYMMDDhhmmss, Beijing time, of this century (the standard is of 2011)."""
    if not digits.isdigit():
        return None
    year, month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING)
    except ValueError:
        return None


def _read_place(body: bytes) -> Place:
    """28 bytes, then items `id, length, value`; what is no whole item is kept as `rest`."""
    if len(body) < 28:
        raise BadFrame(RefusalCode.LENGTH, f"位置信息只有 {len(body)} 字节，至少 28 字节")
    extra: list[list[str]] = []
    at = 28
    while at + 2 <= len(body) and at + 2 + body[at + 1] <= len(body):
        end = at + 2 + body[at + 1]
        extra.append([f"{body[at]:02X}", body[at + 2 : end].hex()])
        at = end
    return {
        "alarm": body[:4].hex(),
        "status": body[4:8].hex(),
        "lat": int.from_bytes(body[8:12]),
        "lon": int.from_bytes(body[12:16]),
        "altitude": int.from_bytes(body[16:18]),
        "speed": int.from_bytes(body[18:20]),
        "course": int.from_bytes(body[20:22]),
        "time": body[22:28].hex(),
        "extra": extra,
        "rest": body[at:].hex(),
    }


def _write_place(place: Place) -> bytes:
    body: bytes = bytes.fromhex(place["alarm"]) + bytes.fromhex(place["status"])
    body += place["lat"].to_bytes(4) + place["lon"].to_bytes(4)
    body += place["altitude"].to_bytes(2) + place["speed"].to_bytes(2) + place["course"].to_bytes(2)
    body += bytes.fromhex(place["time"])
    for code, value in place["extra"]:
        data = bytes.fromhex(value)
        body += bytes((int(code, 16), len(data))) + data
    return body + bytes.fromhex(place["rest"])


def _read_report(body: bytes, release: int | None) -> dict[str, Any]:
    return {"place": _read_place(body)}


def _read_answer(body: bytes, release: int | None) -> dict[str, Any]:
    if len(body) < 5:
        raise BadFrame(RefusalCode.LENGTH, f"通用应答只有 {len(body)} 字节，应为 5 字节")
    serial, message = int.from_bytes(body[:2]), body[2:4].hex().upper()
    return {"answers": serial, "to": message, "result": body[4], "rest": body[5:].hex()}


def _read_batch(body: bytes, release: int | None) -> dict[str, Any]:
    """批量位置 — count, kind (1: from a blind zone, sent later), then each with its length."""
    if len(body) < 3:
        raise BadFrame(RefusalCode.LENGTH, "批量位置没有数据项个数")
    places: list[Place] = []
    at = 3
    while at + 2 <= len(body) and at + 2 + (size := int.from_bytes(body[at : at + 2])) <= len(body):
        places.append(_read_place(body[at + 2 : at + 2 + size]))
        at += 2 + size
    if len(places) != (count := int.from_bytes(body[:2])) or at != len(body):
        raise BadFrame(RefusalCode.LENGTH, f"批量位置写明 {count} 项，读出 {len(places)} 项")
    return {"kind": body[2], "places": places}


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("gb18030")


def _read_registration(body: bytes, release: int | None) -> dict[str, Any]:
    """注册 — the three editions differ in the widths of maker, model and terminal."""
    if release is not None:
        edition, widths = "2019", (11, 30, 30)
    else:  # 2013 has the colour (0-9) where 2011 has a letter of the plate or of the VIN
        later = len(body) > 36 and body[36] <= 9
        edition, widths = ("2013", (5, 20, 7)) if later else ("2011", (5, 8, 7))
    names, at = [], 4
    for width in widths:
        names.append(body[at : at + width])
        at += width
    if at >= len(body):
        raise BadFrame(RefusalCode.LENGTH, f"注册消息只有 {len(body)} 字节")
    return {
        "edition": edition,
        "province": int.from_bytes(body[:2]),
        "county": int.from_bytes(body[2:4]),
        "maker": _text(names[0]),
        "model": _text(names[1]),
        "terminal": _text(names[2]),
        "colour": body[at],
        "plate": _text(body[at + 1 :]),
        "body": body.hex(),
    }


def _read_auth(body: bytes, release: int | None) -> dict[str, Any]:
    if release is None:
        return {"token": _text(body), "body": body.hex()}
    if not body or len(body) < 1 + body[0]:
        raise BadFrame(RefusalCode.LENGTH, "鉴权码的长度与实际不符")
    at = 1 + body[0]
    more = {"imei": _text(body[at : at + 15]), "version": _text(body[at + 15 : at + 35])}
    return {"token": _text(body[1:at]), "body": body.hex()} | more


def _read_registered(body: bytes, release: int | None) -> dict[str, Any]:
    if len(body) < 3:
        raise BadFrame(RefusalCode.LENGTH, f"注册应答只有 {len(body)} 字节")
    return {"answers": int.from_bytes(body[:2]), "result": body[2], "token": body[3:].decode("gb18030")}


def _read_words(body: bytes, release: int | None) -> dict[str, Any]:
    """文本 — flag, since 2019 the kind, then the text in GBK to the end."""
    at = 1 if release is None else 2
    if len(body) < at:
        raise BadFrame(RefusalCode.LENGTH, "文本消息没有标志")
    return {"flag": body[0], "text_kind": body[1] if at == 2 else None, "text": body[at:].decode("gb18030")}


def _read_asked(body: bytes, release: int | None) -> dict[str, Any]:
    return {"answers": int.from_bytes(body[:2]), "place": _read_place(body[2:])}


_READERS: Mapping[str, Callable[[bytes, int | None], dict[str, Any]]] = {
    "0001": _read_answer,
    "0100": _read_registration,
    "0102": _read_auth,
    "0200": _read_report,
    "0201": _read_asked,
    "0704": _read_batch,
    "8001": _read_answer,
    "8100": _read_registered,
    "8300": _read_words,
}


class Places:
    """位置信息 — a location's bytes as words, words as bytes, words as readings."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._tables = tables

    @property
    def names(self) -> frozenset[str]:
        return frozenset(str(row[0]) for row in self._tables["extras"].values()) | {
            reading.element for reading in self.readings(_read_place(bytes(28)), "")
        }

    def word(self, message: str) -> str:
        return str(self._tables["messages"].get(message, ""))

    def read(self, message: str, body: bytes, release: int | None) -> dict[str, Any]:
        """内容 — the words of a message that has a reader, else its `body` as it is."""
        try:
            said = _READERS[message](body, release) if message in _READERS else {"body": body.hex()}
        except UnicodeDecodeError:
            raise BadFrame(RefusalCode.ENCODING, f"消息 {message} 里的文字不是 GBK") from None
        # Some bytes of GBK come back as others: then the bytes themselves are kept.
        return said if self.write(message, said) == body else {**said, "body": body.hex()}

    def write(self, message: str, said: Mapping[str, Any]) -> bytes:
        """消息体 — from the words of `fields`; what has no words is kept as `body`."""
        body: bytes = b""
        if "body" in said:
            body = bytes.fromhex(said["body"])
        elif "places" in said:
            items = [_write_place(place) for place in said["places"]]
            body = len(items).to_bytes(2) + bytes((said["kind"],))
            body += b"".join(len(item).to_bytes(2) + item for item in items)
        elif "place" in said:
            body = said["answers"].to_bytes(2) if "answers" in said else b""
            body += _write_place(said["place"])
        elif "to" in said:
            body = said["answers"].to_bytes(2) + bytes.fromhex(said["to"]) + bytes((said["result"],))
            body += bytes.fromhex(said.get("rest", ""))
        elif message == "8100":
            body = said["answers"].to_bytes(2) + bytes((said["result"],)) + said["token"].encode("gb18030")
        elif message == "8300":
            kind = said.get("text_kind")
            body = bytes((said["flag"], *(() if kind is None else (kind,)))) + said["text"].encode("gb18030")
        return body

    def words(self, place: Place) -> dict[str, list[str]]:
        """报警与状态 — every bit that is set, in Chinese; a bit without a name as its number."""
        return {name: self._bits(name, place[key]) for name, key in (("alarms", "alarm"), ("states", "status"))}

    def _bits(self, table: str, word: str) -> list[str]:
        bits = int(word, 16)
        return [str(self._tables[table].get(str(bit), bit)) for bit in range(32) if bits >> bit & 1]

    def time(self, place: Place) -> datetime | None:
        return _stamp(place["time"])

    def readings(self, place: Place, coordinates: str, common: tuple[str, ...] = ()) -> tuple[WireReading, ...]:
        """读数 — degrees in the coordinate system that the source states, south and west negative."""
        status, time = int(place["status"], 16), self.time(place)
        flags = (*common, *(() if time else ("bad_time",)))
        lat = place["lat"] / 1_000_000 * (-1 if status & _SOUTH else 1)
        lon = place["lon"] / 1_000_000 * (-1 if status & _WEST else 1)
        where = [*flags, f"crs:{coordinates}"]
        if not status & _FIXED:
            where.append("not_fixed")
        if status & _HIDDEN:
            where.append("encrypted")
        elif abs(lat) > 90 or abs(lon) > 180:
            where.append("impossible")
        altitude = place["altitude"] - 0x10000 if place["altitude"] >= 0x8000 else place["altitude"]
        found = [
            WireReading("lat_deg", time, lat, "°", tuple(where)),
            WireReading("lon_deg", time, lon, "°", tuple(where)),
            WireReading("altitude_m", time, float(altitude), "m", flags),
            WireReading("speed_kmh", time, place["speed"] / 10, "km/h", flags),
            WireReading("course_deg", time, float(place["course"]), "°", flags),
        ]
        for code, value in place["extra"]:
            element, unit, size, divisor = self._tables["extras"].get(code, ("", "", -1, 1))
            if len(value) == 2 * size:
                found.append(WireReading(element, time, int(value, 16) / divisor, unit, flags))
        return tuple(found)


ELEMENTS = Places(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))
