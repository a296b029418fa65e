"""水文报文的字节 — HEX and ASCII frames: head, serial, times, each identifier with its value, end, check.

依据: SL 651-2014 6.2.3, 6.4—6.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shouye.base.kernel import Refusal
from shouye.watch.intake.elements.sl651 import ELEMENTS as _KNOWN
from shouye.watch.intake.elements.sl651 import instant
from shouye.watch.intake.elements.sl651_ascii import ELEMENTS as _ASCII_BODY
from shouye.watch.intake.elements.sl651_hex import ELEMENTS as _HEX_BODY
from shouye.watch.intake.layouts import HIDDEN, Layout, Span, Walk
from shouye.watch.intake.model import BadFrame, SessionOptions

_STARTS = {0x02: "STX 正文起始", 0x16: "SYN 多包正文起始"}
_ENDS = {
    0x03: "ETX 报文结束，后续无报文",
    0x17: "ETB 报文结束，后续有报文",
    0x05: "ENQ 询问",
    0x04: "EOT 传输结束",
    0x06: "ACK 肯定确认",
    0x15: "NAK 否定应答",
    0x1B: "ESC 传输结束，终端保持在线",
}
_TERMS = {"F0": "观测时间", "F1": "遥测站地址", "class": "遥测站分类码", "04": "时间步长码", "F2": "人工置数"}


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    walk = Walk(raw)
    is_ascii = raw[:1] == b"\x01"
    times = 2 if is_ascii else 1  # ASCII writes each byte of the head as two characters
    walk.take(1 if is_ascii else 2, "帧起始", "SOH" if is_ascii else "7E7E", "header", _not_begun(raw, is_ascii))
    down = _head_byte(raw, walk.at + 9 * times, is_ascii) >> 4 == 8
    for term, size in (("遥测站地址", 5), ("中心站地址", 1)) if down else (("中心站地址", 1), ("遥测站地址", 5)):
        walk.take(size * times, term, _digits(walk.peek(size * times), is_ascii), "header")
    walk.take(2 * times, "密码", HIDDEN)
    function = _digits(walk.peek(times), is_ascii)
    walk.take(times, "功能码", f"{function} {_KNOWN.functions.get(function, '保留或自定义')}", "unsupported")
    said = _number(walk.peek(2 * times), is_ascii)
    size, body_at = said & 0xFFF, walk.at + 2 * times + 1
    ends_at, room = body_at + size, len(raw) - body_at - 1 - 2 * times
    fits = ends_at < len(raw) and raw[ends_at] in _ENDS
    wrong = "" if fits else f"写明正文 {size} 字节，实有 {max(0, room)} 字节"
    way = "下行" if said >> 12 == 8 else "上行" if said >> 12 == 0 else "不合规约"
    walk.take(2 * times, "上下行标识及长度", f"{way}，正文 {size} 字节", "length", wrong)
    start = walk.peek(1)[:1]
    walk.take(1, "报文起始符", _STARTS.get(start[0], "不是 02 或 16") if start else "", "header")
    if start == b"\x16":
        both = _number(walk.peek(3 * times), is_ascii)
        walk.take(3 * times, "包总数及序列号", f"共 {both >> 12} 包，第 {both & 0xFFF} 包", "length")
    end = ends_at if fits else len(raw) if ends_at >= len(raw) else max(walk.at, len(raw) - 1 - 2 * times)
    _body(walk, raw[:end], function, down, is_ascii)
    walk.take(end - walk.at, "正文其余")
    walk.take(1, "报文结束符", _ENDS.get(raw[end], "不是结束符") if end < len(raw) else "", "length")
    walk.take(2 * times, "校验码 CRC-16", _digits(walk.peek(2 * times), is_ascii), "crc")
    walk.take(walk.left, "帧后多余字节", about="length")
    return walk.spans


def _not_begun(raw: bytes, is_ascii: bool) -> str:
    return "" if is_ascii or raw[:2] == b"\x7e\x7e" else "不是以 7E7E 或 01 开头"


def _body(walk: Walk, upto: bytes, function: str, down: bool, is_ascii: bool) -> None:
    """Serial, time of sending, then item after item as far as writing them gives the same bytes."""
    if len(upto) - walk.at < (16 if is_ascii else 8):
        return
    walk.take(4 if is_ascii else 2, "流水号", str(_number(walk.peek(4 if is_ascii else 2), is_ascii)))
    _time(walk, 12 if is_ascii else 6, "发报时间", is_ascii)
    body = _ASCII_BODY if is_ascii else _HEX_BODY
    asked = down and walk.raw[len(upto) : len(upto) + 1] == b"\x05"
    try:
        items = body.read(function, asked, upto[walk.at :]).items
        for item in [] if any(isinstance(text, list) for _, _, text in items) and is_ascii else items:
            written = body.write(function, [item])
            if walk.peek(len(written)) != written:
                return
            _item(walk, item, len(written), is_ascii)
    except (Refusal, BadFrame, ValueError, KeyError, IndexError, TypeError):
        return


def _item(walk: Walk, item: list[Any], size: int, is_ascii: bool) -> None:
    code, _, text = item
    known = _KNOWN.elements.get(code)
    term = _TERMS.get(code) or (known[3] if known else f"要素 {code}")
    said = "、".join(map(str, text)) if isinstance(text, list) else str(text)
    if code == "F0":
        _time(walk, size, term, is_ascii, str(text))
    elif code == "class":
        walk.take(size, term, _KNOWN.classes.get(text, "其他"))
    else:
        unit = known[2] if known else ""
        said = "缺测" if text == "M" else "只问不答" if text is None else f"{said[:80]} {unit}".strip()
        walk.take(size, f"{code} {term}" if known else term, said)


def _time(walk: Walk, size: int, term: str, is_ascii: bool, digits: str = "") -> None:
    digits = digits or _digits(walk.peek(size), is_ascii)
    try:
        walk.take(size, term, f"{instant(digits):%Y-%m-%d %H:%M:%S}", "time")
    except BadFrame as bad:
        walk.take(size, term, digits, "time", bad.detail)


def _digits(data: bytes, is_ascii: bool) -> str:
    return data.decode("latin-1") if is_ascii else data.hex().upper()


def _number(data: bytes, is_ascii: bool) -> int:
    try:
        return int(data.decode("ascii"), 16) if is_ascii else int.from_bytes(data)
    except ValueError:
        return 0


def _head_byte(raw: bytes, at: int, is_ascii: bool) -> int:
    return _number(raw[at : at + 2] if is_ascii else raw[at : at + 1], is_ascii)


LAYOUT = Layout(explain=_explain)
