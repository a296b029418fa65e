"""Modbus/TCP 寄存器 — a question and its answer (two ADUs), read by the register map kept for the device.

Every vendor's registers differ, so the map is data: `register.<address>` = "element unit type scale", as
`register.0 = "o2_pct % uint16 0.01"`; types uint16 int16 uint32 int32 float32, `:little` behind it where the low
word comes first. `missing` names raw values that stand for none. The unit (从站地址) is the station. No time is
on the wire: the feed takes the time of hearing. 依据: MODBUS Application Protocol 1.1b3; MODBUS/TCP 1.0b.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from shouye.base.kernel import BadInput
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    SessionOptions,
    WireReading,
)

_READS = (3, 4)
_MOST_ASKED = 125
_TYPES = {"uint16": (1, "H"), "int16": (1, "h"), "uint32": (2, "I"), "int32": (2, "i"), "float32": (2, "f")}
_EXCEPTIONS = {1: "功能码不支持", 2: "寄存器地址不存在", 3: "数值不合法", 4: "设备故障", 6: "设备忙"}


def register_map(settings: Mapping[str, Any]) -> dict[int, tuple[str, str, str, float, bool]]:
    """寄存器表 — address -> (element, unit, type, scale, low word first)."""
    found: dict[int, tuple[str, str, str, float, bool]] = {}
    for key, meaning in settings.items():
        if not key.startswith("register."):
            continue
        try:
            element, unit, kind, scale = str(meaning).split()
            name, _, order = kind.partition(":")
            width = _TYPES[name][0]
            address = int(key.removeprefix("register."))
            if not 0 <= address <= 65_536 - width or order not in ("", "big", "little"):
                raise ValueError
            found[address] = (element, "" if unit == "-" else unit, name, float(scale), order == "little")
        except (KeyError, ValueError):
            raise BadInput(f"寄存器表 {key} = {str(meaning)[:60]}：应为“要素 单位 类型 倍率”") from None
    return dict(sorted(found.items()))


def width_of(kind: str) -> int:
    """How many registers a value takes."""
    return _TYPES[kind][0]


def register_spans(settings: Mapping[str, Any]) -> list[tuple[int, int]]:
    """要读的段 — (address, count) that hold the whole map, each as long as one question may be."""
    found: list[tuple[int, int]] = []
    for address, (_, _, kind, _, _) in register_map(settings).items():
        end = address + width_of(kind)
        if found and address <= found[-1][0] + found[-1][1] and end - found[-1][0] <= _MOST_ASKED:
            found[-1] = (found[-1][0], max(found[-1][1], end - found[-1][0]))
        else:
            found.append((address, end - address))
    return found


def modbus_pair(unit: int, function: int, address: int, registers: Sequence[int]) -> bytes:
    """问答 — the two ADUs of a read, as they stand on the wire."""
    asked = struct.pack(">HHHBBHH", 0, 0, 6, unit, function, address, len(registers))
    body = struct.pack(f">BBB{len(registers)}H", unit, function, 2 * len(registers), *registers)
    return asked + struct.pack(">HHH", 0, 0, len(body)) + body


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — a question and its answer; an exception of the device is refused with its meaning."""
    try:
        return _read(data, options)
    except BadFrame as bad:
        return bad.about(data)


def _read(data: bytes, options: SessionOptions) -> Decoded:
    asked, rest = _adu(data)
    answer, left = _adu(rest)
    if left or len(asked) != 6:
        raise BadFrame(RefusalCode.LENGTH, "应为一问一答两帧")
    unit, function, address, count = struct.unpack(">BBHH", asked)
    station = str(unit)
    if len(answer) < 3 or answer[0] != unit:
        raise BadFrame(RefusalCode.HEADER, "答非所问：从站地址不同或答复太短", station)
    if answer[1] == function | 0x80:
        raise BadFrame(RefusalCode.UNSUPPORTED, f"设备答复异常：{_EXCEPTIONS.get(answer[2], answer[2])}", station)
    if function not in _READS or answer[1] != function:
        raise BadFrame(RefusalCode.UNSUPPORTED, f"功能码 {function} 不是读寄存器", station)
    if answer[2] != 2 * count or len(answer) != 3 + 2 * count:
        raise BadFrame(RefusalCode.LENGTH, f"要 {count} 个寄存器，答 {len(answer) - 3} 字节", station)
    registers = struct.unpack(f">{count}H", answer[3:])
    readings = tuple(
        _value(
            registers[at - address : at - address + width_of(kind)], kind, scale, swapped, options, element, unit_
        )
        for at, (element, unit_, kind, scale, swapped) in register_map(options.settings).items()
        if address <= at and at + width_of(kind) <= address + count
    )
    fields = {"unit": unit, "address": address, "registers": list(registers)}
    return Decoded(station, str(function), None, readings, fields)


def _adu(data: bytes) -> tuple[bytes, bytes]:
    """One ADU without its head, and what follows."""
    if len(data) < 8:
        raise BadFrame(RefusalCode.TRUNCATED, f"只有 {len(data)} 字节，不够一帧")
    _, protocol, size = struct.unpack(">HHH", data[:6])
    if protocol != 0 or not 2 <= size <= 254:
        raise BadFrame(RefusalCode.HEADER, "不是 Modbus/TCP 报文头")
    if len(data) < 6 + size:
        raise BadFrame(RefusalCode.TRUNCATED, f"写明 {size} 字节，只到 {len(data) - 6} 字节")
    return data[6 : 6 + size], data[6 + size :]


def _value(
    words: tuple[int, ...],
    kind: str,
    scale: float,
    swapped: bool,
    options: SessionOptions,
    element: str,
    unit: str,
) -> WireReading:
    raw = struct.pack(f">{len(words)}H", *(reversed(words) if swapped else words))
    (number,) = struct.unpack(">" + _TYPES[kind][1], raw)
    none = str(options.settings.get("missing", "")).split()
    if str(number) in none or str(int.from_bytes(raw)) in none or not math.isfinite(number):
        return WireReading(element, None, None, unit, ("missing", "no_time"))
    return WireReading(element, None, round(number * scale, 9), unit, ("no_time",))


CODEC = Codec(
    term="Modbus/TCP 寄存器",
    source="MODBUS Application Protocol V1.1b3、MODBUS Messaging on TCP/IP V1.0b",
    decode=decode,
    mark="寄存器表因厂家而异，须按设备说明书核对",
)
