"""道路运输车辆卫星定位终端通信 — vehicles report where they are; the platform registers, verifies, answers.

依据: JT/T 808-2011, -2013, -2019. A city hears hazmat vehicles rather by JT/T 809 from platform to platform.
Settings: `coordinates` (WGS-84, CGCS2000, GCJ-02 …: what the source states, never guessed), `secret` (of the
tokens), `require_auth` (default true; false behind a gateway that has verified its terminals), `timeout_s`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from shouye.watch.intake.commands.jt808 import COMMANDS as _COMMANDS
from shouye.watch.intake.elements.jt808 import ELEMENTS, Place
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
)

_MOST = 1023
_WIRE_MOST = 2 * (_MOST + 24) + 2
_TERMINALS = 256
_TRANSFERS = 8
_PART_COST = 64
_TRIES = 3
_BYTES = 1_048_576  # proposed: all unfinished transfers of one connection
_PATIENCE = timedelta(minutes=5)  # proposed: parts that do not come
# Answers to what the platform asked are not answered themselves.
_ANSWERS = ("0001", "0104", "0107", "0201", "0302", "0500", "0700", "0802", "0805", "0005")
_UNVERIFIED = ("0001", "0004", "0100", "0102")
_OK, _FAILED, _WRONG, _UNKNOWN = 0, 1, 2, 3


def _check(data: bytes) -> int:
    found = 0
    for byte in data:
        found ^= byte
    return found


def _escape(data: bytes) -> bytes:
    return b"\x7e" + data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def _unescape(frame: bytes) -> bytes:
    if len(frame) < 2 or frame[0] != 0x7E:
        raise BadFrame(RefusalCode.HEADER, "报文不以标识位 7E 开头")
    if frame[-1] != 0x7E:
        raise BadFrame(RefusalCode.TRUNCATED, "报文没有结尾的标识位 7E")
    inside = frame[1:-1]
    if b"\x7e" in inside:
        raise BadFrame(RefusalCode.HEADER, "报文中间出现标识位 7E")
    if inside.count(b"\x7d") != inside.count(b"\x7d\x01") + inside.count(b"\x7d\x02"):
        raise BadFrame(RefusalCode.ENCODING, "7D 之后不是 01 或 02，转义不合规约")
    return inside.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")


@dataclass(frozen=True)
class _Head:
    """消息头 — `release` is the protocol version byte, which only 2019 has."""

    message: str
    phone: str
    serial: int
    release: int | None = None
    parts: tuple[int, int] | None = None

    def bytes(self, size: int) -> bytes:
        props = size | (0x2000 if self.parts else 0) | (0x4000 if self.release is not None else 0)
        release = b"" if self.release is None else bytes((self.release,))
        parts = b"".join(number.to_bytes(2) for number in self.parts or ())
        head = bytes.fromhex(self.message) + props.to_bytes(2) + release + bytes.fromhex(self.phone)
        return head + self.serial.to_bytes(2) + parts

    def fields(self) -> dict[str, object]:
        return {
            "serial": self.serial,
            "release": self.release,
            "parts": list(self.parts) if self.parts else None,
            "command": ELEMENTS.word(self.message),
        }


def _open(frame: bytes) -> tuple[_Head, bytes]:
    data = _unescape(frame)
    if len(data) < 13:
        raise BadFrame(RefusalCode.LENGTH, f"报文只有 {len(data)} 字节，不够一个消息头")
    if (right := _check(data[:-1])) != data[-1]:
        raise BadFrame(RefusalCode.CRC, f"校验码应为 {right:02X}，报文为 {data[-1]:02X}")
    props = int.from_bytes(data[2:4])
    release = data[4] if props & 0x4000 else None
    begin, end = (4, 10) if release is None else (5, 15)
    body_at = end + (6 if props & 0x2000 else 2)
    phone = data[begin:end].hex()
    if len(data) - 1 - body_at != props & 0x3FF:
        raise BadFrame(RefusalCode.LENGTH, f"消息体写明 {props & 0x3FF} 字节，实为 {len(data) - 1 - body_at} 字节")
    if not phone.isdigit():
        raise BadFrame(RefusalCode.HEADER, f"终端手机号 {phone} 不是 BCD 码")
    if props & 0x1C00:
        raise BadFrame(RefusalCode.UNSUPPORTED, "消息体已加密，没有密钥", phone)
    parts = (int.from_bytes(data[end + 2 : end + 4]), int.from_bytes(data[end + 4 : end + 6]))
    if props & 0x2000 and not 1 <= parts[1] <= parts[0]:
        raise BadFrame(RefusalCode.HEADER, f"分包号不对：共 {parts[0]} 包，第 {parts[1]} 包", phone)
    serial = int.from_bytes(data[end : end + 2])
    head = _Head(data[:2].hex().upper(), phone, serial, release, parts if props & 0x2000 else None)
    return head, data[body_at:-1]


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — one frame with both its 7E; a part of a split message is read when all parts are there."""
    try:
        head, body = _open(data)
        if head.parts:
            fields = head.fields() | {"body": body.hex()}
            note = f"分包：共 {head.parts[0]} 包，第 {head.parts[1]} 包"
            return Decoded(head.phone, head.message, None, (), fields, note)
        return _read(head, body, options)
    except BadFrame as bad:
        return bad.about(data)


def _read(head: _Head, body: bytes, options: SessionOptions) -> Decoded:
    coordinates = str(options.settings.get("coordinates", "unstated"))
    try:
        said = ELEMENTS.read(head.message, body, head.release)
    except BadFrame as bad:
        raise BadFrame(bad.code, bad.detail, head.phone) from None
    places: list[Place] = said.get("places", [said["place"]] if "place" in said else [])
    stale = ("back_filled",) if said.get("kind") == 1 else ()
    readings = tuple(reading for place in places for reading in ELEMENTS.readings(place, coordinates, stale))
    sent = ELEMENTS.time(said["place"]) if "place" in said else None
    if "place" in said and sent is None:
        raise BadFrame(RefusalCode.TIME, f"定位时间 {said['place']['time']} 不是时间", head.phone)
    key = f"{head.phone}/{head.message}/{head.serial}/{places[0]['time'] if places else ''}"
    fields = head.fields() | said | {"coordinates": coordinates, "key": key}
    if "place" in said:
        fields |= ELEMENTS.words(said["place"])
    odd = any(place["rest"] for place in places) or said.get("rest")
    return Decoded(head.phone, head.message, sent, readings, fields, "内容之后有多余或不完整的字节" if odd else "")


def encode(decoded: Decoded) -> bytes:
    """组帧 — a body beyond 1023 bytes becomes several frames with following serials."""
    said: Mapping[str, Any] = decoded.fields
    parts = tuple(said["parts"]) if said.get("parts") else None
    head = _Head(decoded.function, decoded.station, said["serial"], said.get("release"), parts)
    body = ELEMENTS.write(decoded.function, said)
    if len(body) <= _MOST:
        return _frame(head, body)
    pieces = [body[at : at + _MOST] for at in range(0, len(body), _MOST)]
    if len(pieces) > 0xFFFF:
        raise BadFrame(RefusalCode.LENGTH, "消息体太长，分包数超过 65535")
    return b"".join(
        _frame(replace(head, serial=(head.serial + no) & 0xFFFF, parts=(len(pieces), no + 1)), piece)
        for no, piece in enumerate(pieces)
    )


def _frame(head: _Head, body: bytes) -> bytes:
    data = head.bytes(len(body)) + body
    return _escape(data + bytes((_check(data),)))


@dataclass
class _Transfer:
    """分包传输 — the parts that came of one message."""

    head: _Head
    began: datetime
    bodies: dict[int, bytes] = field(default_factory=dict)
    size: int = 0

    def add(self, no: int, body: bytes) -> None:
        self.size += 0 if no in self.bodies else len(body) + _PART_COST
        self.bodies.setdefault(no, body)

    def missing(self, most: int) -> list[int]:
        total = self.head.parts[0] if self.head.parts else 0
        return list(islice((no for no in range(1, total + 1) if no not in self.bodies), most))

    def body(self) -> bytes:
        return b"".join(self.bodies[no] for no in sorted(self.bodies))

    def lost(self) -> Refused:
        first = "、".join(str(no) for no in self.missing(20))
        detail = f"分包消息 {self.head.message} 没有收全，缺第 {first} 包"
        return Refused(RefusalCode.TRUNCATED, detail, self.body(), self.head.phone)


@dataclass
class _Request:
    decoded: Decoded
    frame: bytes
    due: datetime
    times: int = 1

    def unanswered(self) -> Refused:
        detail = f"下发的 {self.decoded.function} 没有应答"
        return Refused(RefusalCode.TRUNCATED, detail, self.frame, self.decoded.station, self.decoded.order)


class _Platform:
    """平台 — one connection: registers, verifies, answers, gathers parts; many terminals may share it."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._secret = str(options.settings.get("secret", "")).encode()
        self._trusting = not options.settings.get("require_auth", True)
        wait = options.settings.get("timeout_s", 10)
        self._wait = timedelta(seconds=wait if isinstance(wait, int | float) and 0 < wait < 3600 else 10)
        self._held = b""
        self._serial = 0
        self._verified: dict[str, None] = {}
        self._transfers: dict[tuple[str, str, int, int], _Transfer] = {}
        self._requests: dict[tuple[str, int], _Request] = {}
        self._releases: dict[str, int | None] = {}

    def receive(self, data: bytes, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        out = b""
        *pieces, rest = (self._held + data).split(b"\x7e")
        for no, piece in enumerate(pieces):
            if no == 0 and piece:  # bytes before any 7E; a frame begun is held with its 7E
                messages.append(Refused(RefusalCode.HEADER, "标识位 7E 之前有杂字节", piece[:_WIRE_MOST]))
            elif len(piece) > _WIRE_MOST:
                messages.append(Refused(RefusalCode.LENGTH, "报文超过最大长度", piece[:_WIRE_MOST]))
            elif piece:
                found, answer = self._hear(b"\x7e" + piece + b"\x7e", now)
                messages += found
                out += answer
        begun = b"\x7e" if pieces else b""
        if (not begun and rest) or len(rest) > min(_WIRE_MOST, self._options.most_held_bytes):
            code = RefusalCode.LENGTH if begun else RefusalCode.HEADER
            messages.append(Refused(code, "没有标识位 7E，或报文超过最大长度", rest[:_WIRE_MOST]))
            begun = rest = b""
        self._held = begun + rest
        return messages, out

    def _hear(self, frame: bytes, now: datetime) -> tuple[list[Message], bytes]:
        try:
            head, body = _open(frame)
        except BadFrame as bad:
            return [bad.about(frame)], b""
        if not (self._trusting or head.phone in self._verified or head.message in _UNVERIFIED):
            refused = Refused(RefusalCode.UNSUPPORTED, "终端没有鉴权，不接收", frame, head.phone)
            return [refused], self._answer(head, _FAILED)
        if len(self._releases) < _TERMINALS:
            self._releases[head.phone] = head.release
        lost: list[Message] = []
        serials = [head.serial]
        if head.parts:
            whole, lost, ask = self._gather(head, body, now)
            if whole is None:
                return lost, ask
            head, body = whole.head, whole.body()
            serials = [(head.serial + no) & 0xFFFF for no in range(len(whole.bodies))]
        try:
            message = _read(replace(head, parts=None), body, self._options)
        except BadFrame as bad:
            return [*lost, bad.about(frame)], self._answer(head, _WRONG)
        asked = self._requests.pop((head.phone, _number(message, "answers")), None)
        if asked and head.message in _ANSWERS:
            told = {**message.fields, "answered": asked.decoded.function}
            message = replace(message, fields=told, order=asked.decoded.order)
        answers = [self._reply(replace(head, serial=serial, parts=None), message, now) for serial in serials]
        return [*lost, message], b"".join(answers)

    def _reply(self, head: _Head, message: Decoded, now: datetime) -> bytes:
        """应答 — 8100 with a token, 8004, 8800, nothing to an answer, 8001 to all else."""
        if head.message in _ANSWERS or head.message.startswith("8"):
            return b""
        if head.message == "0100":
            answer = {"answers": head.serial, "result": _OK, "token": self._token(head.phone)}
            return self._down(head, "8100", ELEMENTS.write("8100", answer))
        if head.message == "0004":  # the time of the server in UTC
            return self._down(head, "8004", bytes.fromhex(f"{now.astimezone(UTC):%y%m%d%H%M%S}"))
        if head.message == "0801":
            return self._down(head, "8800", bytes.fromhex(str(message.fields["body"]))[:4])
        if head.message == "0102":
            right = hmac.compare_digest(str(message.fields["token"]).encode(), self._token(head.phone).encode())
            if right and len(self._verified) < _TERMINALS:
                self._verified[head.phone] = None
            return self._answer(head, _OK if head.phone in self._verified and right else _FAILED)
        if head.message == "0003":
            self._verified.pop(head.phone, None)
        return self._answer(head, _OK if ELEMENTS.word(head.message) else _UNKNOWN)

    def _token(self, phone: str) -> str:
        """鉴权码 — derived, so that a restart forgets nobody."""
        return hmac.new(self._secret, phone.encode(), hashlib.sha256).hexdigest()[:32]

    def _answer(self, head: _Head, result: int) -> bytes:
        if head.message in _ANSWERS:
            return b""
        return self._down(head, "8001", head.serial.to_bytes(2) + bytes.fromhex(head.message) + bytes((result,)))

    def _down(self, head: _Head, message: str, body: bytes) -> bytes:
        if not self._options.answers(head.phone):
            return b""
        self._serial = (self._serial + 1) & 0xFFFF
        return _frame(_Head(message, head.phone, self._serial, head.release), body)

    def _gather(self, head: _Head, body: bytes, now: datetime) -> tuple[_Transfer | None, list[Message], bytes]:
        """收齐分包 — the message when its last part is here; asks again for what is missing; bounded in memory."""
        total, no = head.parts or (1, 1)
        first = replace(head, serial=(head.serial - no + 1) & 0xFFFF)
        key = (head.phone, head.message, total, first.serial)
        transfer = self._transfers.setdefault(key, _Transfer(first, now))
        transfer.add(no, body)
        if len(transfer.bodies) == total:
            return self._transfers.pop(key), [], b""
        lost: list[Message] = []
        while len(self._transfers) > _TRANSFERS or sum(one.size for one in self._transfers.values()) > _BYTES:
            lost.append(self._transfers.pop(next(iter(self._transfers))).lost())
        ask = b""
        if no == total and key in self._transfers:
            missing = transfer.missing(125)
            count = len(missing).to_bytes(1 if head.release is None else 2)
            ids = b"".join(part.to_bytes(2) for part in missing)
            ask = self._down(head, "8003", first.serial.to_bytes(2) + count + ids)
        return None, lost, ask

    def send(self, request: Decoded, now: datetime) -> bytes:
        """下发 — numbered here, remembered until the terminal answers that number."""
        self._serial = (self._serial + 1) & 0xFFFF
        own = {"release": self._releases.get(request.station), "serial": self._serial}
        request = replace(request, fields={**own, **request.fields, "serial": self._serial})
        frame = encode(request)
        if len(self._requests) >= _TERMINALS:
            del self._requests[next(iter(self._requests))]
        self._requests[request.station, self._serial] = _Request(request, frame, now + self._wait)
        return frame

    def tick(self, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        again = b""
        for key, transfer in list(self._transfers.items()):
            if now - transfer.began >= _PATIENCE:
                messages.append(self._transfers.pop(key).lost())
        for number, request in list(self._requests.items()):
            if now < request.due:
                continue
            request.times, request.due = request.times + 1, now + self._wait
            if request.times <= _TRIES:
                again += request.frame
            else:
                messages.append(self._requests.pop(number).unanswered())
        return messages, again

    def close(self, now: datetime) -> list[Message]:
        left: list[Message] = [transfer.lost() for transfer in self._transfers.values()]
        left += [request.unanswered() for request in self._requests.values()]
        if self._held.strip(b"\x7e"):
            left.append(Refused(RefusalCode.TRUNCATED, "连接断开时报文不完整", self._held))
        self._held, self._transfers, self._requests = b"", {}, {}
        return left


def _number(message: Decoded, name: str) -> int:
    found = message.fields.get(name)
    return found if isinstance(found, int) else -1


CODEC = Codec(
    term="道路运输车辆卫星定位系统终端通信协议",
    source="JT/T 808-2011、JT/T 808-2013、JT/T 808-2019",
    decode=decode,
    encode=encode,
    session=_Platform,
    commands=_COMMANDS,
    mark="未经实网验证",
)
