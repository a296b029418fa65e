"""水文监测数据通信规约 — messages in HEX/BCD and ASCII, up and down, and the centre's side of M1–M4 as a session.

Settings of a feed: `centre`, `password` (four hex digits; when set, another one is refused), `stay` (ESC keeps the
station on the line), `acknowledge` (false for M1), `wait_s` (before a resend; 建议值 20), `hour_group` = "last"
where F4 and F5 carry the time of their last value, and `<code>` = "element unit" for extensions of its own.
依据: SL 651-2014 6.2—6.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shouye.base.kernel import BadInput
from shouye.watch.intake.commands.sl651 import COMMANDS as _COMMANDS
from shouye.watch.intake.frames.sl651 import FRAMES as _FRAMES
from shouye.watch.intake.frames.sl651 import Frame
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

_WAIT_S = 20
"""等待应答 — `proposed`, the standard leaves it to the channel (6.3.2.2)."""
_RESENDS = 2
"""重发次数 — 6.3.2.3."""
_MOST_TRIES = 8
"""How many beginnings are tried inside a bad frame, so that noise costs little."""
_MOST_STATIONS = 1024
_MOST_REQUESTS = 64


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — one frame; a packet of many is shown as it is, its readings come from the whole."""
    try:
        return _FRAMES.tell(_FRAMES.read(data), options)
    except BadFrame as refusal:
        return refusal.about(data)


@dataclass
class _Transfer:
    """多包传输 — the packets of one message that have come, and how often each missing one was asked for."""

    packets: int
    moved: datetime
    frames: dict[int, Frame] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(len(frame.raw) for frame in self.frames.values())

    @property
    def missing(self) -> int:
        """The first packet that has not come."""
        return next(number for number in range(1, self.packets + 2) if number not in self.frames)

    @property
    def serial(self) -> int:
        """流水号 — only the first packet carries it."""
        first = self.frames.get(1)
        if first is None:
            return 0
        try:
            return int.from_bytes(
                bytes.fromhex(first.body[:4].decode()) if first.is_ascii else first.body[:2], "big"
            )
        except ValueError:
            return 0


@dataclass
class _Request:
    """主动下行 — a command of ours and how often it was sent; it waits while its station is not on the line."""

    message: Decoded
    sent: datetime | None = None
    times: int = 0


class _Centre:
    """中心站会话 — hears stations on one connection, acknowledges, gathers packets, asks and asks again."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        said = options.settings
        self._wait = timedelta(seconds=float(said.get("wait_s", _WAIT_S)))
        self._password = str(said.get("password", "")).upper()
        self._held = bytearray()
        self._moved: datetime | None = None
        self._heard: dict[str, Frame] = {}
        self._transfers: dict[tuple[str, str], _Transfer] = {}
        self._requests: list[_Request] = []
        self._gathered = 0

    def receive(self, data: bytes, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        self._held += data
        self._moved = now
        return messages, self._hear(now, messages)

    def _hear(self, now: datetime, messages: list[Message]) -> bytes:
        reply = bytearray()
        for found in self._cut():
            if isinstance(found, Refused):
                messages.append(found)
            else:
                reply += self._take(found, now, messages)
        return bytes(reply)

    def send(self, request: Decoded, now: datetime) -> bytes:
        if len(self._requests) >= _MOST_REQUESTS:
            raise BadInput(f"等待应答的下行命令已有 {_MOST_REQUESTS} 条")
        waiting = _Request(request)
        _FRAMES.encode(
            self._addressed(request, now)
        )  # what cannot be sent is refused now, not when the station comes
        self._requests.append(waiting)
        return self._ask(waiting, now) if request.station in self._heard else b""

    def tick(self, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        reply = bytearray()
        while self._held and self._moved is not None and now - self._moved >= self._wait:
            size = self._resume(
                len(self._held), True
            )  # what was waited for does not come: go on behind its beginning
            stuck = bytes(self._held[:size])
            messages.append(Refused(RefusalCode.TRUNCATED, f"报文没有完，只有 {size} 字节", stuck))
            del self._held[:size]
            reply += self._hear(now, messages)
        for key, transfer in list(self._transfers.items()):
            if now - transfer.moved >= self._wait:
                reply += self._ask_again(key, now, messages)
        for request in list(self._requests):
            if request.sent is not None and now - request.sent >= self._wait:
                reply += self._ask_or_give_up(request, now, messages)
        return messages, bytes(reply)

    def close(self, now: datetime) -> list[Message]:
        held, self._held = bytes(self._held), bytearray()
        lost = [self._give_up(key, "连接断开") for key in list(self._transfers)]
        cut = [Refused(RefusalCode.TRUNCATED, f"报文没有完，只有 {len(held)} 字节", held)]
        return [*(cut if held.strip(_FRAMES.stray) else []), *lost]

    def _cut(self) -> Iterator[Frame | Refused]:
        """Whole frames out of what is held; noise between them is refused once, in one piece."""
        while self._held:
            at, size = _FRAMES.find(self._held, 0)
            noise = bytes(self._held[:at])
            del self._held[:at]
            if noise.strip(_FRAMES.stray):
                yield Refused(RefusalCode.HEADER, f"{len(noise)} 字节不成报文", noise)
            if not size or len(self._held) < size:
                return
            data = bytes(self._held[:size])
            try:
                frame = _FRAMES.read(data)
            except BadFrame as refusal:
                size = self._resume(size, refusal.code is RefusalCode.CRC)
                yield refusal.about(data[:size])
            else:
                yield frame
            del self._held[:size]

    def _resume(self, within: int, trusted: bool) -> int:
        """Where to go on after a bad frame: a wrong length must not swallow the good frames behind it.

        A beginning inside it counts when a whole good frame stands there, or, where the length itself was
        wrong and not `trusted`, when one may yet come.
        """
        at = 0
        for _ in range(_MOST_TRIES):
            at, size = _FRAMES.find(self._held, at + 1)
            if at >= within:
                break
            if not size or at + size > len(self._held):
                if not trusted:
                    return at
                continue
            try:
                _FRAMES.read(bytes(self._held[at : at + size]))
            except BadFrame:
                continue
            return at
        return within

    def _take(self, frame: Frame, now: datetime, messages: list[Message]) -> bytes:
        if self._password and frame.password != self._password and not frame.down:
            messages.append(Refused(RefusalCode.HEADER, "密码不符", frame.raw, frame.station))
            return b""
        if not frame.down:
            self._remember(frame)
        if frame.packets > 1 and not frame.down:
            return self._gather(frame, now, messages)
        return self._tell(frame, now, messages)

    def _remember(self, frame: Frame) -> None:
        self._heard.pop(frame.station, None)
        self._heard[frame.station] = replace(frame, body=b"", raw=b"")
        if len(self._heard) > _MOST_STATIONS:
            del self._heard[next(iter(self._heard))]

    def _tell(self, frame: Frame, now: datetime, messages: list[Message], packets: int = 0) -> bytes:
        """A whole message: kept, acknowledged, and what we have to ask of its station goes out behind it."""
        try:
            message = _FRAMES.tell(frame, self._options)
        except BadFrame as refusal:
            messages.append(refusal.about(frame.raw))
            return b""  # in M2 a bad message is not answered, the station sends it again
        if packets:
            message = replace(message, note=f"由 {packets} 包合成" + (f"；{message.note}" if message.note else ""))
        answered = next((one for one in self._requests if one.sent and _answers(message, one.message)), None)
        if answered and not frame.down:
            self._requests.remove(answered)
            message = replace(message, order=answered.message.order)
        messages.append(message)
        if frame.down:
            return b""
        self._requests += [_Request(one) for one in self._options.wanted(frame.station)]
        owed = [one for one in self._requests if one.message.station == frame.station]
        reply = self._acknowledge(frame, message, now, bool(owed), packets)
        return reply + b"".join(self._ask(one, now) for one in owed if one.sent is None)

    def _acknowledge(self, frame: Frame, message: Decoded, now: datetime, stay: bool, packets: int) -> bytes:
        """确认 — 2F is not answered; ACK while more follows, ESC to keep the station, else EOT."""
        if frame.function == "2F" or self._options.settings.get("acknowledge") is False:
            return b""
        end = "ESC" if stay or self._options.settings.get("stay") else "EOT"
        if frame.end == "ETB":
            end = "ACK"
        return self._down(frame, end, now, {"serial": message.fields["serial"]}, packets, packets)

    def _down(
        self, to: Frame, end: str, now: datetime, said: dict[str, object], packets: int, packet: int
    ) -> bytes:
        if not self._options.answers(to.station):
            return b""
        fields = {"mode": to.mode, "direction": "down", "centre": to.centre, "password": to.password, "end": end}
        many = {"start": "SYN", "packets": packets, "packet": packet} if packets else {}
        return _FRAMES.encode(Decoded(to.station, to.function, now, (), {**fields, **many, **said}))

    def _gather(self, frame: Frame, now: datetime, messages: list[Message]) -> bytes:
        """多包 M3 — one answer for all packets, or the number of one that is missing (表 19、表 23 注)."""
        key = (frame.station, frame.function)
        if key in self._transfers and self._transfers[key].packets != frame.packets:
            messages.append(self._give_up(key, "后来的报文包数不同"))
        transfer = self._transfers.setdefault(key, _Transfer(frame.packets, now))
        before = transfer.frames.get(frame.packet)
        self._gathered += len(frame.raw) - (len(before.raw) if before else 0)
        transfer.frames[frame.packet], transfer.moved = frame, now
        while self._gathered > self._options.most_held_bytes:
            oldest = next(iter(self._transfers))
            messages.append(self._give_up(oldest, f"未收齐的分包超过 {self._options.most_held_bytes} 字节"))
        if key not in self._transfers:
            return b""
        if len(transfer.frames) == frame.packets:
            self._gathered -= self._transfers.pop(key).size
            parts = [transfer.frames[number] for number in sorted(transfer.frames)]
            body, raw = b"".join(part.body for part in parts), b"".join(part.raw for part in parts)
            whole = replace(parts[0], start="STX", end="ETX", body=body, raw=raw, packets=0, packet=0)
            return self._tell(whole, now, messages, frame.packets)
        if frame.end == "ETX" or frame.packet == frame.packets:
            return self._ask_again(key, now, messages)
        return b""

    def _ask_again(self, key: tuple[str, str], now: datetime, messages: list[Message]) -> bytes:
        """否认 NAK — one missing packet at a time, each at most twice."""
        transfer = self._transfers[key]
        missing = transfer.missing
        transfer.moved = now
        transfer.asked[missing] = transfer.asked.get(missing, 0) + 1
        if transfer.asked[missing] > _RESENDS:
            messages.append(self._give_up(key, f"第 {missing} 包要求重发 {_RESENDS} 次仍未收到"))
            return b""
        if self._options.settings.get("acknowledge") is False:
            return b""
        some = next(iter(transfer.frames.values()))
        return self._down(some, "NAK", now, {"serial": transfer.serial}, transfer.packets, missing)

    def _give_up(self, key: tuple[str, str], why: str) -> Refused:
        transfer = self._transfers.pop(key)
        self._gathered -= transfer.size
        detail = f"多包报文 {key[1]} 共 {transfer.packets} 包，收到 {len(transfer.frames)} 包：{why}"
        raw = b"".join(transfer.frames[number].raw for number in sorted(transfer.frames))
        return Refused(RefusalCode.TRUNCATED, detail, raw, key[0])

    def _ask(self, request: _Request, now: datetime) -> bytes:
        request.sent, request.times = now, request.times + 1
        return _FRAMES.encode(self._addressed(request.message, now))

    def _ask_or_give_up(self, request: _Request, now: datetime, messages: list[Message]) -> bytes:
        if request.times <= _RESENDS:
            return self._ask(request, now)
        self._requests.remove(request)
        message = request.message
        detail = f"下行命令 {message.function} 发了 {request.times} 次，没有答复"
        raw = _FRAMES.encode(self._addressed(message, now))
        messages.append(Refused(RefusalCode.TRUNCATED, detail, raw, message.station, message.order))
        return b""

    def _addressed(self, request: Decoded, now: datetime) -> Decoded:
        """A command as its station speaks: its coding, centre and password; serial 0, ended by ENQ."""
        said, heard = self._options.settings, self._heard.get(request.station)
        fields: dict[str, object] = {
            "mode": heard.mode if heard else "HEX",
            "centre": heard.centre if heard else said.get("centre", 1),
            "password": heard.password if heard else said.get("password", "0000"),
            "direction": "down",
            "end": "ENQ",
            "serial": 0,
        }
        return Decoded(request.station, request.function, now, (), {**fields, **request.fields})


def _answers(message: Decoded, request: Decoded) -> bool:
    return (message.station, message.function) == (request.station, request.function)


CODEC = Codec(
    term="水文监测 SL 651",
    source="SL 651-2014《水文监测数据通信规约》",
    decode=decode,
    encode=_FRAMES.encode,
    session=_Centre,
    commands=_COMMANDS,
    mark="ASCII 编码未经实网验证：没有公开的实际报文",
)
