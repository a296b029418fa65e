"""波形记录的字节 — the fixed head, the blockette and the samples. 依据: SEED 2.4."""

from __future__ import annotations

from collections.abc import Sequence

from shouye.watch.intake.layouts import Layout, Span, Walk
from shouye.watch.intake.model import SessionOptions

_TEXTS = (("记录序号", 6), ("数据质量", 1), ("保留", 1), ("台站", 5), ("位置", 2), ("通道", 3), ("台网", 2))


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    walk = Walk(raw)
    for term, size in _TEXTS:
        said = walk.peek(size).decode("ascii", "replace").strip()
        walk.take(size, term, said, "header", "" if term != "记录序号" or said.isdecimal() else "不是数字")
    year, day = int.from_bytes(walk.peek(2)), int.from_bytes(walk.peek(4)[2:])
    little = not 1900 <= year <= 2100
    if little:
        year, day = int.from_bytes(walk.peek(2), "little"), int.from_bytes(walk.peek(4)[2:], "little")
    clock = walk.peek(10)[4:7]
    right = 1900 <= year <= 2100 and 1 <= day <= 366 and all(map(int.__le__, clock, (23, 59, 59)))
    said = f"{year} 年第 {day} 天 " + ":".join(f"{part:02d}" for part in clock)
    walk.take(10, "起始时间（UTC）", said, "time", "" if right else "时间不存在")
    for term, size in (("样点数", 2), ("采样率因子", 2), ("采样率乘数", 2)):
        value = int.from_bytes(walk.peek(size), "little" if little else "big", signed=True)
        walk.take(size, term, str(value), "unsupported")
    walk.take(4, "标志")
    walk.take(4, "时间修正")
    begin = int.from_bytes(walk.peek(2), "little" if little else "big")
    walk.take(2, "数据起点", str(begin), "length")
    walk.take(2, "首个子块位置", about="unsupported")
    walk.take(8, "子块 1000（编码、字序、长度）", about="unsupported")
    walk.take(min(begin, len(raw)) - walk.at, "其余子块")
    walk.take(walk.left, "波形数据", f"{walk.left} 字节", "crc")
    return walk.spans


LAYOUT = Layout(explain=_explain)
