"""水文报文帧 — SL 651 frames in HEX/BCD and ASCII: cut by their own length (7E may stand inside), checked, read.

依据: SL 651-2014 6.2.3, 6.4—6.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake.elements.sl651 import ELEMENTS as _KNOWN
from shouye.watch.intake.elements.sl651 import instant
from shouye.watch.intake.elements.sl651_ascii import ELEMENTS as _ASCII_BODY
from shouye.watch.intake.elements.sl651_hex import ELEMENTS as _HEX_BODY
from shouye.watch.intake.model import BadFrame, Decoded, RefusalCode, SessionOptions

_UP_ENDS = ("ETX", "ETB")
_STATUS = re.compile(r"hex:[0-9A-F]+")
_STARTS = {0x02: "STX", 0x16: "SYN"}
_ENDS = {0x03: "ETX", 0x17: "ETB", 0x05: "ENQ", 0x04: "EOT", 0x06: "ACK", 0x15: "NAK", 0x1B: "ESC"}
_START_BYTES = {name: byte for byte, name in _STARTS.items()}
_END_BYTES = {name: byte for byte, name in _ENDS.items()}
_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_MOST_BODY = 4095
_STRAY = b"\x7e\r\n\x00"
"""Bytes that some stations add after a frame."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def _crc(data: bytes) -> int:
    """CRC-16/MODBUS, sent high byte first (6.2.3.1)."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


@dataclass(frozen=True, slots=True)
class Mode:
    """编码结构 — where the parts of a frame stand; ASCII writes each byte of the head as two characters."""

    name: str
    marker: bytes
    head: int
    counters: int
    crc: int

    @property
    def body_at(self) -> int:
        return len(self.marker) + self.head + 1


_HEX = Mode("HEX", b"\x7e\x7e", 11, 3, 2)
_ASCII = Mode("ASCII", b"\x01", 22, 6, 4)
_HEAD = re.compile(
    rb"\x7e\x7e.{9}[\x00-\x0f\x80-\x8f].[\x02\x16]|\x01[0-9a-fA-F]{18}[08][0-9a-fA-F]{3}[\x02\x16]", re.DOTALL
)
"""A whole head as `_size` knows it: what is none of it, however much, is passed over at once."""


@dataclass(frozen=True)
class Frame:
    """一帧 — its parts as they stood on the wire; `body` lies between start and end, without counters."""

    mode: str
    down: bool
    centre: int
    station: str
    password: str
    function: str
    start: str
    end: str
    body: bytes
    packets: int = 0
    packet: int = 0
    raw: bytes = field(default=b"", repr=False)

    @property
    def is_ascii(self) -> bool:
        return self.mode == "ASCII"

    @property
    def is_whole(self) -> bool:
        return self.packets <= 1


def _size(data: bytes | bytearray, at: int) -> int:
    """How long the frame that begins here says it is; 0 when more bytes are needed, -1 when none begins here."""
    mode = _ASCII if data[at : at + 1] == b"\x01" else _HEX
    head = data[at : at + mode.body_at]
    if not mode.marker.startswith(head[: len(mode.marker)]):
        return -1
    if mode is _ASCII and not all(byte in _DIGITS for byte in head[1 : 1 + mode.head]):
        return -1
    if len(head) < mode.body_at:
        return 0
    length = int(head[-5:-1], 16) if mode is _ASCII else int.from_bytes(head[-3:-1], "big")
    if head[-1] not in _STARTS or length >> 12 not in (0, 8):
        return -1
    return mode.body_at + (length & 0xFFF) + 1 + mode.crc


def _read(data: bytes) -> Frame:
    """One frame from its first byte to its check, or the reason why not."""
    if not data.startswith((b"\x7e\x7e", b"\x01")):
        code = RefusalCode.TRUNCATED if data in (b"", b"\x7e") else RefusalCode.HEADER
        raise BadFrame(code, "不是以 7E7E 或 01 开头")
    mode = _HEX if data[:1] == b"\x7e" else _ASCII
    size = _size(data, 0)
    if size < 0:
        raise BadFrame(RefusalCode.HEADER, "报头不符：上下行标识应为 0 或 8，报文起始符应为 02 或 16")
    head = data[len(mode.marker) : mode.body_at - 1]
    if size == 0:
        raise BadFrame(RefusalCode.TRUNCATED, f"报头应有 {mode.body_at} 字节，只有 {len(data)} 字节")
    head = bytes.fromhex(head.decode("ascii")) if mode is _ASCII else head
    down = head[9] >> 4 == 8
    station = (head[:5] if down else head[1:6]).hex().upper()
    if len(data) < size:
        raise BadFrame(RefusalCode.TRUNCATED, f"应有 {size} 字节，只有 {len(data)} 字节", station)
    end_at = size - mode.crc - 1
    if data[end_at] not in _ENDS or data[size:].strip(_STRAY):
        raise BadFrame(
            RefusalCode.LENGTH, f"按长度第 {end_at + 1} 字节应为结束符，读到 {data[end_at]:02X}", station
        )
    _check(mode, data[: end_at + 1], data[end_at + 1 : size], station)
    start = _STARTS[data[mode.body_at - 1]]
    body, packets, packet = data[mode.body_at : end_at], 0, 0
    if start == "SYN":
        packets, packet = _counters(mode, body, station)
        body = body[mode.counters :]
    return Frame(
        mode.name,
        down,
        head[5] if down else head[0],
        station,
        head[6:8].hex().upper(),
        f"{head[8]:02X}",
        start,
        _ENDS[data[end_at]],
        body,
        packets,
        packet,
        data,
    )


def _check(mode: Mode, data: bytes, said: bytes, station: str) -> None:
    crc = _crc(data)
    expected = f"{crc:04X}".encode("ascii") if mode is _ASCII else crc.to_bytes(2, "big")
    if said.upper() != expected if mode is _ASCII else said != expected:
        shown = said.decode("ascii", "replace") if mode is _ASCII else said.hex().upper()
        raise BadFrame(RefusalCode.CRC, f"校验码为 {shown}，应为 {crc:04X}", station)


def _counters(mode: Mode, body: bytes, station: str) -> tuple[int, int]:
    """包总数及序列号 — twelve bits each; three characters each in ASCII, of HEX digits."""
    try:
        if len(body) < mode.counters:
            raise ValueError(body)
        both = int(body[:6].decode("ascii"), 16) if mode is _ASCII else int.from_bytes(body[:3], "big")
    except ValueError:
        raise BadFrame(RefusalCode.LENGTH, "多包报文没有包总数和序列号", station) from None
    if not 1 <= both & 0xFFF <= both >> 12:
        raise BadFrame(RefusalCode.LENGTH, f"共 {both >> 12} 包，却是第 {both & 0xFFF} 包", station)
    return both >> 12, both & 0xFFF


def _write(frame: Frame) -> bytes:
    """The bytes of this frame, with counters, length and check made anew."""
    mode = _ASCII if frame.is_ascii else _HEX
    body = frame.body
    if frame.start == "SYN":
        both = frame.packets << 12 | frame.packet
        body = (f"{both:06X}".encode("ascii") if mode is _ASCII else both.to_bytes(3, "big")) + body
    if len(body) > _MOST_BODY:
        raise BadInput(f"正文 {len(body)} 字节，单包最多 {_MOST_BODY} 字节")
    station, centre = bytes.fromhex(frame.station), bytes([frame.centre])
    password, function = bytes.fromhex(frame.password), bytes.fromhex(frame.function)
    if len(station) != 5 or len(password) != 2 or len(function) != 1:
        raise BadInput("遥测站地址应为 10 位、密码 4 位、功能码 2 位十六进制")
    head = (station + centre if frame.down else centre + station) + password + function
    head += (len(body) | (0x8000 if frame.down else 0)).to_bytes(2, "big")
    head = head.hex().upper().encode("ascii") if mode is _ASCII else head
    data = mode.marker + head + bytes([_START_BYTES[frame.start]]) + body + bytes([_END_BYTES[frame.end]])
    crc = _crc(data)
    return data + (f"{crc:04X}".encode("ascii") if mode is _ASCII else crc.to_bytes(2, "big"))


def _find(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Where the next frame begins, and its size (0: more bytes are needed); at the end of the data none began."""
    found = _HEAD.search(data, at)
    end = found.start() if found else len(data)
    for begun in range(max(at, len(data) - _ASCII.body_at + 1), end):  # a head that has not all come
        if (size := _size(data, begun)) >= 0:
            return begun, size
    return end, _size(data, end) if found else 0


def _tell(frame: Frame, options: SessionOptions) -> Decoded:
    function, fields = frame.function, _fields(frame)
    if frame.packet > 1:
        fields["body"] = frame.body.hex().upper()
        return Decoded(frame.station, function, None, (), fields, f"共 {frame.packets} 包的第 {frame.packet} 包")
    serial, sent, rest = _serial_and_time(frame)
    fields["serial"] = serial
    asked = frame.down and frame.end == "ENQ"
    try:
        body = (_ASCII_BODY if frame.is_ascii else _HEX_BODY).read(function, asked, rest)
        read = frame.is_whole and not frame.down
        readings = _KNOWN.readings(function, body.items, frame.station, sent, options) if read else ()
    except BadFrame as refusal:
        raise BadFrame(refusal.code, refusal.detail, frame.station) from None
    fields["items"] = body.items
    notes = []
    if body.unread:
        fields["unread"] = body.unread.hex().upper()
        notes.append(f"正文末 {len(body.unread)} 字节不合标准，原样保留，未译")
    if not frame.is_whole:
        notes.append(f"共 {frame.packets} 包的第 1 包")
    if not frame.down and frame.end not in _UP_ENDS:
        notes.append(f"上行报文以 {frame.end} 结束，标准为 ETX、ETB")
    if frame.function not in _KNOWN.functions:
        notes.append("功能码为保留或用户自定义")
    fields |= _told(function, body.items)
    return Decoded(frame.station, function, sent, readings, fields, "；".join(notes))


def _fields(frame: Frame) -> dict[str, object]:
    fields: dict[str, object] = {
        "mode": frame.mode,
        "direction": "down" if frame.down else "up",
        "centre": frame.centre,
        "password": frame.password,
        "start": frame.start,
        "end": frame.end,
        "term": _KNOWN.functions.get(frame.function, ""),
    }
    return fields | ({"packets": frame.packets, "packet": frame.packet} if frame.packets else {})


def _serial_and_time(frame: Frame) -> tuple[int, datetime, bytes]:
    width = 16 if frame.is_ascii else 8
    if len(frame.body) < width:
        raise BadFrame(RefusalCode.LENGTH, "正文没有流水号和发报时间", frame.station)
    try:
        head = frame.body[:width].decode("ascii") if frame.is_ascii else frame.body[:8].hex()
        serial = int.from_bytes(bytes.fromhex(head[:4]), "big")
        return serial, instant(head[4:16]), frame.body[width:]
    except ValueError:
        raise BadFrame(RefusalCode.ENCODING, "流水号不是十六进制", frame.station) from None
    except BadFrame as refusal:
        raise BadFrame(refusal.code, f"发报{refusal.detail}", frame.station) from None


def _told(function: str, items: list[list[Any]]) -> dict[str, object]:
    """What a person wants to read of it, beside the items."""
    told: dict[str, object] = {}
    if function in _KNOWN.configured:
        told["parameters"] = _KNOWN.parameters(items)
    for code, _, text in items:
        if code == "class":
            told["class"] = _KNOWN.classes.get(text, "其他")
        elif code == "45" and function not in _KNOWN.configured and _STATUS.fullmatch(str(text)):
            told["status"] = _KNOWN.status(text[4:])
        elif code in ("F2", "version"):
            told["text"] = text
        elif code == "F3":
            told["picture_bytes"] = len(text[4:]) // 2
        elif code == "events":
            told["events"] = _KNOWN.events(text)
    return told


def _encode(message: Decoded) -> bytes:
    """编码 — the same frame again, or a new one; `fields` name mode, direction, centre, password, end, items."""
    said = message.fields
    down = said.get("direction", "down") == "down"
    mode = "ASCII" if said.get("mode") == "ASCII" else "HEX"
    try:
        frame = Frame(
            mode=mode,
            down=down,
            centre=_whole(said, "centre", 1),
            station=message.station,
            password=str(said.get("password", "0000")),
            function=message.function,
            start=str(said.get("start", "STX")),
            end=str(said.get("end", "ENQ" if down else "ETX")),
            body=_body(mode, message),
            packets=_whole(said, "packets", 0),
            packet=_whole(said, "packet", 0),
        )
        return _write(frame)
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
        raise BadInput(f"报文内容不能编码：{error}") from None


def _whole(said: Mapping[str, object], key: str, default: int) -> int:
    value = said.get(key, default)
    if not isinstance(value, int):
        raise ValueError(f"{key} 应为整数")
    return value


def _body(mode: str, message: Decoded) -> bytes:
    said = message.fields
    if "body" in said:
        return bytes.fromhex(str(said["body"]))
    if message.sent is None:
        raise ValueError("没有发报时间")
    head = f"{_whole(said, 'serial', 0):04X}" + message.sent.astimezone(BEIJING).strftime("%y%m%d%H%M%S")
    items = said.get("items", [])
    notation = _ASCII_BODY if mode == "ASCII" else _HEX_BODY
    rest = notation.write(message.function, items if isinstance(items, list) else [])
    rest += bytes.fromhex(str(said.get("unread", "")))
    return (head.encode("ascii") if mode == "ASCII" else bytes.fromhex(head)) + rest


@dataclass(frozen=True)
class Framing:
    """帧的读写 — `find` in a stream, `read` one, `tell` what it says; `encode` a message."""

    find: Callable[[bytes | bytearray, int], tuple[int, int]]
    read: Callable[[bytes], Frame]
    tell: Callable[[Frame, SessionOptions], Decoded]
    encode: Callable[[Decoded], bytes]
    stray: bytes


FRAMES = Framing(find=_find, read=_read, tell=_tell, encode=_encode, stray=_STRAY)
