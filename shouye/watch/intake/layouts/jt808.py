"""车载终端报文的字节 — head, location item by item, check; 7D 01 and 7D 02 are two bytes that mean one.

依据: JT/T 808-2019 4.4, 8.
"""

from __future__ import annotations

from collections.abc import Sequence

from shouye.watch.intake.elements.jt808 import ELEMENTS as _KNOWN
from shouye.watch.intake.layouts import HIDDEN, Layout, Span, Walk
from shouye.watch.intake.model import SessionOptions

_PLACE = (("报警标志", 4), ("状态", 4), ("纬度", 4), ("经度", 4), ("高程（米）", 2), ("速度", 2), ("方向", 2))
_PERSONAL = ("0100", "0102", "8100", "0702")
"""Messages that hold plates, tokens or drivers."""


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    closed = len(raw) > 1 and raw[-1] == 0x7E
    plain, place = _unescaped(raw[1:-1] if closed else raw[1:])
    walk = Walk(plain)
    message = walk.peek(2).hex().upper()
    walk.take(2, "消息 ID", f"{message} {_KNOWN.word(message)}".strip(), "unsupported")
    props = int.from_bytes(walk.peek(2))
    at = _head_size(props)
    room = len(plain) - 1 - at
    wrong = "" if room == props & 0x3FF else f"写明消息体 {props & 0x3FF} 字节，实有 {max(0, room)} 字节"
    walk.take(2, "消息体属性", f"消息体 {props & 0x3FF} 字节{'，分包' if props & 0x2000 else ''}", "length", wrong)
    if props & 0x4000:
        walk.number(1, "协议版本号")
    phone = walk.peek(10 if props & 0x4000 else 6)
    walk.take(len(phone), "终端手机号", phone.hex(), "header", "" if phone.hex().isdecimal() else "不是 BCD 码")
    walk.number(2, "流水号")
    if props & 0x2000:
        total, no = int.from_bytes(walk.peek(2)), int.from_bytes(walk.peek(4)[2:])
        walk.take(4, "分包", f"共 {total} 包，第 {no} 包", "header", "" if 1 <= no <= total else "包号不对")
    end = max(walk.at, len(plain) - closed)
    if message == "0200" and not props & 0x2000:
        _location(walk, end)
    elif message in _PERSONAL:
        walk.take(end - walk.at, "消息体", HIDDEN)
    walk.take(end - walk.at, "消息体")
    walk.take(1, "校验码", about="crc")
    spans = [Span(place[one.begin], place[one.end], *_words(one)) for one in walk.spans]
    begun = (
        [Span(0, 1, "标识位", raw[:1].hex().upper(), "header", "" if raw[0] == 0x7E else "不是 7E")] if raw else []
    )
    ended = [Span(len(raw) - 1, len(raw), "标识位", "7E", "truncated")] if closed else []
    return [*begun, *spans, *ended]


def _words(one: Span) -> tuple[str, str, str, str]:
    return one.term, one.said, one.about, one.wrong


def _head_size(props: int) -> int:
    return (15 if props & 0x4000 else 10) + (6 if props & 0x2000 else 2)


def _unescaped(data: bytes) -> tuple[bytes, list[int]]:
    """The bytes meant, and where each begins in the frame (with the place behind the last)."""
    plain, place, at = bytearray(), [], 0
    while at < len(data):
        place.append(at + 1)
        pair = data[at : at + 2]
        if pair in (b"\x7d\x01", b"\x7d\x02"):
            plain.append(0x7D if pair[1] == 1 else 0x7E)
            at += 2
        else:
            plain.append(data[at])
            at += 1
    return bytes(plain), [*place, at + 1]


def _location(walk: Walk, end: int) -> None:
    if end - walk.at < 28:
        return
    for term, size in _PLACE:
        value = int.from_bytes(walk.peek(size))
        said = f"{value:08X}" if size == 4 else str(value)
        if term in ("纬度", "经度"):
            said = f"{value / 1_000_000:.6f}°"
        elif term == "速度":
            said = f"{value / 10:g} km/h"
        walk.take(size, term, said)
    time = walk.peek(6).hex()
    is_time = _KNOWN.time({"time": time}) is not None
    walk.take(6, "时间", time, "time", "" if is_time else "不是时间")
    while end - walk.at >= 2 and walk.at + 2 + walk.peek(2)[1] <= end:
        size = walk.peek(2)[1]
        walk.take(2 + size, f"附加信息 {walk.peek(1).hex().upper()}", walk.peek(2 + size)[2:].hex().upper())


LAYOUT = Layout(explain=_explain)
