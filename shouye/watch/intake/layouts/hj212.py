"""污染源报文的字节 — ##, length, each field of the data segment, its CRC. 依据: HJ 212-2017 附录 A."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shouye.watch.intake.elements.hj212 import ELEMENTS as _KNOWN
from shouye.watch.intake.elements.hj212 import instant
from shouye.watch.intake.layouts import HIDDEN, Layout, Span, Walk
from shouye.watch.intake.model import SessionOptions

_TERMS = {
    "QN": "请求编码 QN",
    "ST": "系统编码 ST",
    "CN": "命令编码 CN",
    "PW": "访问密码 PW",
    "MN": "设备唯一标识 MN",
    "Flag": "标志 Flag",
    "PNUM": "总包数 PNUM",
    "PNO": "包号 PNO",
    "DataTime": "数据时间",
}
_CHECKED = re.compile(rb"&&[0-9A-Fa-f]{4}\Z")
_FIELD = re.compile(rb"[^;,]*[;,]?")


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    walk = Walk(raw)
    walk.take(2, "包头", "##", "header", "" if raw[:2] == b"##" else "不是 ##")
    digits = walk.peek(4).decode("latin-1")
    body = raw.rstrip(b"\r\n")
    actual = max(0, len(body) - 10)
    declared = int(digits) if digits.isdecimal() and digits.isascii() else None
    wrong = "" if declared == actual else f"写明 {digits}，实有 {actual} 字节"
    walk.take(4, "数据段长度", digits, "length", wrong)
    end = max(walk.at, len(body) - (4 if _CHECKED.search(body) else 0))
    sealed = b"CP=&&" in body and any(byte < 32 for byte in body[body.find(b"CP=&&") : end])
    at = body.find(b"CP=&&", walk.at, end)
    _fields(walk, at if at >= 0 else end)
    if at >= 0:
        walk.take(5, "数据区开始", "CP=&&")
        close = body.rfind(b"&&", walk.at, end)
        close = close if close >= 0 else end
        if sealed:
            walk.take(close - walk.at, "SM4 密文")
        _fields(walk, close)
        walk.take(min(2, end - walk.at), "数据区结束", "&&")
    walk.take(end - walk.at, "数据段其余")
    walk.take(len(body) - end, "校验码 CRC", walk.peek(len(body) - end).decode("latin-1"), "crc")
    walk.take(walk.left, "包尾", "CR LF")
    return walk.spans


def _fields(walk: Walk, end: int) -> None:
    while walk.at < end:
        found = _FIELD.match(walk.raw, walk.at, end)
        if found is None or not found[0]:
            return
        name, _, value = found[0].rstrip(b";,").decode("gb18030", "replace").partition("=")
        term, wrong, about = _TERMS.get(name, ""), "", ""
        if name in ("QN", "DataTime"):
            about = "time" if name == "DataTime" else ""
            wrong = "不是时间" if about and instant(value) is None else ""
        elif name == "CN":
            value = f"{value} {_KNOWN.word('commands', value)}".strip()
        elif name == "PW":
            value = HIDDEN
        known = _KNOWN.of(name.partition("-")[0])
        term = term or (f"{known.name} {name}" if known else name)
        walk.take(len(found[0]), term, value, about, wrong)


LAYOUT = Layout(explain=_explain)
