"""寄存器问答的字节 — question and answer, register by register of the block's map. 依据: MODBUS 1.1b3."""

from __future__ import annotations

from collections.abc import Sequence

from shouye.base.kernel import BadInput
from shouye.watch.intake.codecs.modbus import register_map, width_of
from shouye.watch.intake.layouts import Layout, Span, Walk
from shouye.watch.intake.model import SessionOptions

_EXCEPTION = 0x80


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    walk = Walk(raw)
    _head(walk, "问")
    walk.number(1, "问 功能码", "unsupported")
    address = walk.number(2, "问 起始寄存器")
    count = walk.number(2, "问 寄存器数")
    _head(walk, "答")
    function = walk.number(1, "答 功能码", "unsupported")
    if function & _EXCEPTION:
        walk.take(1, "异常码", about="unsupported", wrong="设备答复异常")
    elif walk.left:
        said = walk.peek(1)[0]
        wrong = "" if said == 2 * count == walk.left - 1 else f"要 {count} 个寄存器，答 {walk.left - 1} 字节"
        walk.take(1, "答 字节数", str(said), "length", wrong)
        _registers(walk, address, options)
    walk.take(walk.left, "其余字节", about="length")
    return walk.spans


def _head(walk: Walk, who: str) -> None:
    walk.take(2, f"{who} 事务标识")
    protocol = walk.peek(2)
    walk.take(2, f"{who} 协议标识", about="header", wrong="" if protocol in (b"", b"\0\0") else "不是 0")
    said = int.from_bytes(walk.peek(2))
    there = walk.left - 2
    wrong = "" if said <= there else f"写明 {said}，实有 {there} 字节"
    walk.take(2, f"{who} 长度", f"{said} 字节", "length", wrong)
    walk.number(1, f"{who} 从站地址", "header")


def _registers(walk: Walk, address: int, options: SessionOptions) -> None:
    try:
        known = register_map(options.settings)
    except BadInput:
        return
    at = address
    while walk.left >= 2:
        element, unit, kind, scale, _ = known.get(at, ("没有对照", "", "uint16", 1.0, False))
        size = min(2 * width_of(kind), walk.left)
        term = f"寄存器 {at} {element} {unit}".strip()
        walk.take(size, term, f"{walk.peek(size).hex().upper()}（{kind} × {scale:g}）" if at in known else None)
        at += width_of(kind)


LAYOUT = Layout(explain=_explain)
