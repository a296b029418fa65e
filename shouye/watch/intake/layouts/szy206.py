"""水资源报文的字节 — control, address, function, values, alarms, state, time, check. 依据: SZY 206-2016."""

from __future__ import annotations

from collections.abc import Sequence

from shouye.watch.intake.codecs.szy206 import CODEC as _CODEC
from shouye.watch.intake.layouts import Layout, Span, Walk
from shouye.watch.intake.model import Decoded, SessionOptions

_KINDS = (
    *("确认", "雨量", "水位", "流量", "流速", "闸位", "功率", "气象"),
    *("电量", "水温", "水质", "土壤含水率", "蒸发量", "报警或状态", "综合参数", "水压"),
)
_WIDTHS = {1: 3, 2: 4, 3: 5, 4: 3, 5: 3}


def _explain(raw: bytes, options: SessionOptions) -> Sequence[Span]:
    walk = Walk(raw)
    walk.take(1, "起始", "68", "header", "" if raw[:1] == b"\x68" else "不是 68")
    size = raw[1] if len(raw) > 1 else 0
    wrong = "" if size + 5 == len(raw) else f"写明用户数据 {size} 字节，实有 {max(0, len(raw) - 5)} 字节"
    walk.take(1, "用户数据长度", f"{size} 字节", "length", wrong)
    walk.take(1, "起始", "68", "header", "" if raw[2:3] in (b"", b"\x68") else "不是 68")
    control = walk.peek(1)[0] if walk.left else 0
    kind = _KINDS[control & 0x0F]
    walk.take(1, "控制域", f"{'上行' if control & 0x80 else '下行'}，{kind}")
    if control & 0x40:
        walk.number(1, "剩余帧数")
    walk.take(5, "遥测站地址")
    function = walk.peek(1).hex().upper()
    walk.take(1, "应用功能码", function, "unsupported")
    end = max(walk.at, min(3 + size, len(raw) - 2))
    if function in ("C0", "81", "82") and control & 0x80:
        _reported(walk, raw, end, control & 0x0F, options)
    walk.take(end - walk.at, "数据")
    walk.take(1, "校验码 CRC-8", about="crc")
    walk.take(1, "结束", "16", "length", "" if walk.peek(1) == b"\x16" else "不是 16")
    walk.take(walk.left, "帧后多余字节", about="length")
    return walk.spans


def _reported(walk: Walk, raw: bytes, end: int, kind: int, options: SessionOptions) -> None:
    """Values, alarms, state and the time: 7 bytes in SL/T 427, 5 without month in SZY 206."""
    width, size, version = _WIDTHS.get(kind, 0), end - walk.at, options.settings.get("version")
    tails = {"szy206": 9, "sl427": 11}
    fits = [tail for name, tail in tails.items() if version in (None, name) and size > tail]
    fits = [tail for tail in fits if width and (size - tail) % width == 0]
    if len(fits) != 1:
        return
    whole = _CODEC.decode(raw, options)
    values = whole.readings if isinstance(whole, Decoded) else ()
    for number in range((size - fits[0]) // width):
        value = values[number] if number < len(values) else None
        said = "" if value is None else "缺测" if value.value is None else f"{value.value} {value.unit}"
        walk.take(width, f"{_KINDS[kind]} {number + 1}", said or None)
    walk.take(2, "报警状态")
    walk.take(2, "终端状态")
    form = "秒 分 时 日 月 年" if fits[0] == 11 else "秒 分 时 日"
    digits = walk.peek(fits[0] - 5)
    wrong = "" if _is_time(digits) else "时间不存在"
    walk.take(fits[0] - 5, "时间标签", f"{digits.hex(' ')}（{form}）", "time", wrong)
    walk.number(1, "允许传输延时（分）")


def _is_time(digits: bytes) -> bool:
    if not digits.hex().isdecimal():
        return False
    parts = [int(f"{byte:02x}") for byte in digits]
    most = (59, 59, 23, 31, 12, 99)[: len(parts)]
    least = (0, 0, 0, 1, 1, 0)
    return all(low <= part <= high for low, part, high in zip(least, parts, most, strict=False))


LAYOUT = Layout(explain=_explain)
