"""水资源监测数据传输规约 — 68H frames of water-resource stations, SZY 206 and SL/T 427, and the centre's side.

Rain, stage, flow, velocity and gate are put into numbers; other data stay bytes, for no text of their layout was
at hand, nor of what the rain sums up: the feed says it (`rain` = our element). A time of SZY 206 has no month: a
session knows it, a single frame does not. Settings: `version` ("szy206" or "sl427", else told by the length),
`totals` (flow is followed by a volume), `acknowledge`.
依据: SZY 206-2016; SL/T 427-2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shouye.base.kernel import BEIJING, BadInput
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

_WAIT = timedelta(seconds=20)
"""A frame that is not complete by then is given up; `proposed`."""
_MOST_TRIES = 8
"""How many beginnings are tried inside a bad frame, so that noise costs little."""
_FUNCTIONS = {
    "02": "链路检测",
    "10": "设置地址",
    "11": "设置时钟",
    "12": "设置工作模式",
    "50": "查询地址",
    "61": "查询图像",
    "81": "自报告警数据",
    "82": "人工置数",
    "83": "自报图片",
    "84": "自报电压",
    "B0": "查询实时值",
    "C0": "自报实时数据",
}
_LINKS = {0xF0: "登录", 0xF1: "退出登录", 0xF2: "在线保持"}
_REPORTED = ("C0", "81", "82")
_ANSWERED = ("02", *_REPORTED, "83", "84")


@dataclass(frozen=True)
class _Kind:
    """参数种类 — the low four bits of the control byte: our element, and how each number is packed."""

    term: str
    element: str = ""
    unit: str = ""
    width: int = 0
    decimals: int = 0


_KINDS = (
    _Kind("确认"),
    _Kind("雨量", "szy206:rain", "mm", 3, 1),
    _Kind("水位", "stage_m", "m", 4, 3),
    _Kind("流量（水量）", "flow_m3s", "m3/s", 5, 3),
    _Kind("流速", "velocity_ms", "m/s", 3, 3),
    _Kind("闸位", "gate_opening_m", "m", 3, 2),
    *map(
        _Kind, ("功率", "气象", "电量", "水温", "水质", "土壤含水率", "蒸发量", "报警或状态", "综合参数", "水压")
    ),
)
_VOLUME = _Kind("水量", "water_total_m3", "m3", 5, 0)
_ALARMS = {
    0: "工作交流电停电",
    1: "蓄电池电压低",
    2: "水位超限",
    3: "流量超限",
    4: "水质超限",
    5: "流量仪表故障",
    7: "水位仪表故障",
    8: "水压超限",
    12: "剩余水量下限",
    13: "终端箱门",
}


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc << 1 ^ (0xE5 if crc & 0x80 else 0)) & 0xFF
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def _crc(data: bytes) -> int:
    """CRC-8 of X7+X6+X5+X2+1 over the user data, beginning with nought."""
    crc = 0
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc


def _size(data: bytes | bytearray, at: int) -> int:
    """How long the frame that begins here is; 0 when more bytes are needed, -1 when none begins here."""
    head = data[at : at + 3]
    if head[:1] != b"\x68" or (len(head) > 1 and head[1] < 7) or (len(head) > 2 and head[2] != 0x68):
        return -1
    return head[1] + 5 if len(head) == 3 else 0


def _user_data(data: bytes) -> bytes:
    """What stands between 68 L 68 and the check, or the reason why not."""
    size = _size(data, 0) if data else 0
    if size < 0:
        raise BadFrame(RefusalCode.HEADER, "不是以 68 L 68 开头")
    station = data[5:10] if len(data) > 3 and data[3] & 0x40 else data[4:9]
    name = station.hex().upper() if len(station) == 5 else ""
    if not size or len(data) < size:
        raise BadFrame(RefusalCode.TRUNCATED, f"应有 {size or 3} 字节，只有 {len(data)} 字节", name)
    if data[size - 1] != 0x16 or len(data) > size:
        raise BadFrame(RefusalCode.LENGTH, f"按长度第 {size} 字节应为 16，其后不应再有字节", name)
    user = data[3 : size - 2]
    if _crc(user) != data[size - 2]:
        raise BadFrame(RefusalCode.CRC, f"校验码为 {data[size - 2]:02X}，应为 {_crc(user):02X}", name)
    return user


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — one frame."""
    try:
        return _message(_user_data(data), options)
    except BadFrame as refusal:
        return refusal.about(data)


def _message(user: bytes, options: SessionOptions) -> Decoded:
    control, split = user[0], bool(user[0] & 0x40)
    at = 2 if split else 1
    if len(user) < at + 6:
        raise BadFrame(RefusalCode.LENGTH, "用户数据里没有地址和应用功能码")
    address, data = user[at : at + 5], user[at + 6 :]
    function, kind = f"{user[at + 5]:02X}", _KINDS[control & 0x0F]
    fields: dict[str, object] = {
        "direction": "up" if control & 0x80 else "down",
        "control": f"{control:02X}",
        "kind": kind.term,
        "term": _FUNCTIONS.get(function, ""),
        "data": data.hex().upper(),
    }
    if split:
        fields["packets_left"] = user[1]
    if address[0]:
        fields |= {"adcode": address[:3].hex(), "number": int.from_bytes(address[3:], "little")}
    plain = Decoded(address.hex().upper(), function, None, (), fields)
    if function == "02" and len(data) == 1:
        return replace(plain, note=_LINKS.get(data[0], ""))
    if function not in _REPORTED or not control & 0x80:
        return plain
    return _reported(plain, kind, data, options)


def _reported(plain: Decoded, kind: _Kind, data: bytes, options: SessionOptions) -> Decoded:
    """自报 — values, alarms (2 bytes), state (2), time: 7 bytes in SL/T 427, 5 without month in SZY 206."""
    version = options.settings.get("version")
    tails = [tail for name, tail in (("szy206", 9), ("sl427", 11)) if version in (None, name)]
    fits = [tail for tail in tails if len(data) > tail and (len(data) - tail) % (kind.width or 1) == 0]
    if not kind.width or len(fits) != 1:
        note = f"{kind.term}的数据没有经实网验证的格式，原样保留"
        reading = WireReading(f"szy206:{kind.term}", None, data.hex().upper(), "", ("unmapped",))
        return replace(plain, readings=(reading,), note=note)
    (tail,) = fits
    values, alarms, state, tag = (
        data[:-tail],
        data[-tail : -tail + 2],
        data[-tail + 2 : -tail + 4],
        data[-tail + 4 :],
    )
    fields = {
        **plain.fields,
        "version": "SL/T 427" if tail == 11 else "SZY 206",
        "alarms": [term for bit, term in _ALARMS.items() if int.from_bytes(alarms, "little") >> bit & 1],
        "state": state[::-1].hex().upper(),
        "delay_min": tag[-1],
    }
    try:
        second, minute, hour, day, *rest = (_digits(tag[at : at + 1]) for at in range(len(tag) - 1))
        at = None
        if rest:
            at = datetime(2000 + rest[1], rest[0], day, hour, minute, second, tzinfo=BEIJING)
        elif not (1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
            raise ValueError(tag)
        else:
            fields["day_time"] = f"{day:02d} {hour:02d}:{minute:02d}:{second:02d}"
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"时间标签 {tag.hex().upper()} 不存在", plain.station) from None
    readings = tuple(_values(kind, values, at, options))
    return replace(plain, sent=at, readings=readings, fields=fields)


def _digits(data: bytes) -> int:
    text = data[::-1].hex()
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _values(kind: _Kind, data: bytes, at: datetime | None, options: SessionOptions) -> Iterator[WireReading]:
    """Numbers low byte first; AA or FF throughout is missing, F in the highest nibble is the minus sign."""
    totals = kind.element == "flow_m3s" and options.settings.get("totals") is True
    flags = () if at else ("no-month",)
    for index in range(len(data) // kind.width):
        part = data[index * kind.width : (index + 1) * kind.width]
        one = _VOLUME if totals and index % 2 else kind
        order = index // 2 if totals else index
        name = one.element if not order else f"szy206:{one.element}:{order + 1}"
        if name == "szy206:rain":
            name = str(options.settings.get("rain", name))
        said = (*flags, "unmapped") if name.startswith("szy206:") else flags
        if part.strip(b"\xaa") == b"" or part.strip(b"\xff") == b"":
            yield WireReading(name, at, None, one.unit, (*said, "missing"))
            continue
        sign = -1 if part[-1] >> 4 == 0xF else 1
        try:
            number = _digits(part if sign > 0 else part[:-1] + bytes([part[-1] & 0x0F]))
        except ValueError:
            yield WireReading(name, at, None, one.unit, (*said, "unreadable"))
            continue
        yield WireReading(name, at, sign * number / 10**one.decimals, one.unit, said)


def encode(message: Decoded) -> bytes:
    """编码 — from `control`, `packets_left` and `data` of the fields."""
    said = message.fields
    try:
        control = bytes.fromhex(str(said.get("control", "00")))
        station, function = bytes.fromhex(message.station), bytes.fromhex(message.function)
        data = bytes.fromhex(str(said.get("data", "")))
        left = said.get("packets_left")
        split = bytes([left]) if isinstance(left, int) else b""
    except ValueError as error:
        raise BadInput(f"报文内容不能编码：{error}") from None
    user = control + split + station + function + data
    if len(control) != 1 or len(station) != 5 or len(function) != 1 or bool(control[0] & 0x40) != bool(split):
        raise BadInput("控制域 1 字节、地址 5 字节、应用功能码 1 字节；拆分帧要有剩余帧数")
    if len(user) > 255:
        raise BadInput(f"用户数据 {len(user)} 字节，最多 255 字节")
    return bytes([0x68, len(user), 0x68]) + user + bytes([_crc(user), 0x16])


class _Centre:
    """中心站会话 — cuts frames, gives a time of SZY 206 its month, confirms what stations report."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._held = bytearray()
        self._moved: datetime | None = None

    def receive(self, data: bytes, now: datetime) -> tuple[list[Message], bytes]:
        self._held += data
        self._moved = now
        messages: list[Message] = []
        reply = bytearray()
        while self._held:
            at = self._begin(0)
            if noise := bytes(self._held[:at]):
                messages.append(Refused(RefusalCode.HEADER, f"{len(noise)} 字节不成报文", noise))
                del self._held[:at]
            size = _size(self._held, 0) if self._held else 0
            if not size or len(self._held) < size:
                break
            message = decode(bytes(self._held[:size]), self._options)
            if isinstance(message, Refused) and message.code is not RefusalCode.CRC:
                size = self._resume(size)
                message = replace(message, raw=bytes(self._held[:size]))
            del self._held[:size]
            if isinstance(message, Decoded):
                message = _dated(message, now)
                reply += self._confirm(message)
            messages.append(message)
        return messages, bytes(reply)

    def send(self, request: Decoded, now: datetime) -> bytes:
        return encode(request)

    def tick(self, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        reply = b""
        while self._held and self._moved is not None and now - self._moved >= _WAIT:
            stuck = bytes(self._held[: self._begin(1)])
            messages.append(Refused(RefusalCode.TRUNCATED, f"报文没有完，只有 {len(stuck)} 字节", stuck))
            del self._held[: len(stuck)]
            moved = self._moved
            more, said = self.receive(b"", now)
            self._moved = moved
            messages, reply = messages + more, reply + said
        return messages, reply

    def close(self, now: datetime) -> list[Message]:
        held, self._held = bytes(self._held), bytearray()
        return [Refused(RefusalCode.TRUNCATED, f"报文没有完，只有 {len(held)} 字节", held)] if held else []

    def _begin(self, at: int) -> int:
        """Where the next frame may begin."""
        while (at := self._held.find(b"\x68", at)) >= 0:
            if _size(self._held, at) >= 0:
                return at
            at += 1
        return len(self._held)

    def _resume(self, within: int) -> int:
        """Where to go on when the length was wrong: at a whole good frame inside, or at one that may yet come."""
        at = 0
        for _ in range(_MOST_TRIES):
            at = self._begin(at + 1)
            if at >= within:
                break
            size = _size(self._held, at)
            if not size or at + size > len(self._held):
                return at
            if isinstance(decode(bytes(self._held[at : at + size])), Decoded):
                return at
        return within

    def _confirm(self, message: Decoded) -> bytes:
        """确认 — the same function back, with nought, or with the word of the link test."""
        fields = message.fields
        if message.function not in _ANSWERED or fields["direction"] == "down":
            return b""
        if self._options.settings.get("acknowledge") is False or not self._options.answers(message.station):
            return b""
        data = fields["data"] if message.function == "02" else "00"
        return encode(Decoded(message.station, message.function, None, (), {"control": "00", "data": data}))


def _dated(message: Decoded, now: datetime) -> Decoded:
    """The latest day of that number; an hour is allowed to a clock that runs ahead."""
    said = message.fields.get("day_time")
    if not isinstance(said, str):
        return message
    day, clock = int(said[:2]), said[3:].split(":")
    hour, minute, second = (int(part) for part in clock)
    latest = now.astimezone(BEIJING) + timedelta(hours=1)
    date = latest.date()
    for back in range(62):
        if (one := date - timedelta(days=back)).day == day:
            at = datetime(one.year, one.month, one.day, hour, minute, second, tzinfo=BEIJING)
            if at <= latest:
                flag = ("no-month",)
                readings = tuple(
                    replace(reading, time=at, flags=tuple(f for f in reading.flags if f not in flag))
                    for reading in message.readings
                )
                return replace(message, sent=at, readings=readings)
    return message


CODEC = Codec(
    term="水资源监测 SZY 206、SL/T 427",
    source="SZY 206-2016《水资源监测数据传输规约》、SL/T 427-2021",
    decode=decode,
    encode=encode,
    session=_Centre,
    mark="未经实网验证：帧格式由三帧实例核对，要素格式只有雨量、水位、流量、流速、闸位",
)
