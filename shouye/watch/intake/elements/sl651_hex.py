"""HEX/BCD 正文 — identifiers of two bytes (guide, definition) and packed decimals.

依据: SL 651-2014 6.6.3, 表 26.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shouye.base.kernel import BadInput
from shouye.watch.intake.elements.sl651 import ELEMENTS as _KNOWN
from shouye.watch.intake.elements.sl651 import Body, Item, Notation

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_HEADS = (b"\xf0\xf0", b"\xf1\xf1")


def read(function: str, asked: bool, data: bytes) -> Body:
    """Items of a body after serial and time; reading stops where the standard does, the rest stays bytes."""
    items: list[Item] = []
    at, size, series = 0, len(data), False
    if asked and function == "38" and size >= 8:
        items.append(["period", "", data[:8].hex()])
        at = 8
    while at < size:
        if function in _KNOWN.bare and data[at : at + 2] not in _HEADS:
            return Body([*items, _bare(function, data[at:])])
        began, code = at, f"{data[at]:02X}"
        if code == "FF" and at + 1 < size:
            at, code = at + 1, f"FF{data[at + 1]:02X}"
        if at + 1 >= size:
            return Body(items, data[began:])
        number = data[at + 1]
        definition, at = f"{number:02X}", at + 2
        if code in ("F0", "F1"):
            if definition != code or at + 5 > size:
                return Body(items, data[began:])
            items.append([code, definition, data[at : at + 5].hex().upper()])
            at += 5
            if code == "F1" and _has_class(function, data[at : at + 3]):
                items.append(["class", "", f"{data[at]:02X}"])
                at += 1
            continue
        if code in _KNOWN.to_end:
            items.append([code, definition, _text(data[at:]) if code == "F2" else _raw(data[at:])])
            return Body(items)
        if asked and function in _KNOWN.named_only and code != "04":
            items.append([code, definition, None])
            continue
        if code == definition and code not in _KNOWN.elements and function not in _KNOWN.configured:
            return Body(items, data[began:])  # a vendor's block: its second byte is no definition
        count = _KNOWN.batches.get(code, number >> 3) if function not in _KNOWN.configured else number >> 3
        if code == "0E" and function in _KNOWN.configured:
            count = number  # 表 D.1 第 14 项: all eight bits count bytes
        if at + count > size:
            return Body(items, data[began:])
        if series and count and code != "04" and code not in _KNOWN.batches:
            last = at + (size - at) // count * count
            values = [_decimal(data[here : here + count], number & 7) for here in range(at, last, count)]
            return Body([*items, [code, definition, values]], data[last:])
        taken, at = data[at : at + count], at + count
        if code == "04" and definition == "18" and function not in _KNOWN.configured:
            items.append([code, definition, taken.hex().upper()])
            series = function in _KNOWN.series and not asked and any(taken)
        elif _KNOWN.is_bytes(function, code):
            items.append([code, definition, _raw(taken)])
        else:
            items.append([code, definition, _decimal(taken, number & 7)])
    return Body(items)


def _has_class(function: str, data: bytes) -> bool:
    if data[1:3] == _HEADS[0]:
        return True
    return function in _KNOWN.classed and f"{data[:1].hex().upper()}" in _KNOWN.classes


def _bare(function: str, data: bytes) -> Item:
    """The bodies without identifiers; a version begins with its own length."""
    if function == "45" and data[0] == len(data) - 1:
        return ["version", "", _text(data[1:])]
    return ["events" if function == "50" and len(data) == 64 else "bytes", "", _raw(data)]


def _raw(data: bytes) -> str:
    return f"hex:{data.hex().upper()}"


def _text(data: bytes) -> str:
    """What a person typed, in ASCII or GB 18030."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return _raw(data)
    return text if text.encode("gb18030") == data and not text.startswith("hex:") else _raw(data)


def _decimal(data: bytes, decimals: int) -> str:
    """The digits of BCD bytes: all F is missing, a leading FF is the minus sign, other nibbles are bytes."""
    digits, sign = data.hex(), ""
    if not digits.isdecimal():
        if not digits.strip("f"):
            return "M" if digits else "hex:"
        if not (digits.startswith("ff") and digits[2:].isdecimal()):
            return _raw(data)
        sign, digits = "-", digits[2:]
    if not decimals:
        return sign + (digits.lstrip("0") or "0")
    digits = digits.zfill(decimals + 1)
    return f"{sign}{digits[:-decimals].lstrip('0') or '0'}.{digits[-decimals:]}"


def write(function: str, items: Sequence[Item]) -> bytes:
    """The bytes of these items; a definition that is left out is the standard's."""
    out = bytearray()
    for code, definition, text in items:
        if code in ("class", "period"):
            out += bytes.fromhex(text)
        elif code in ("version", "events", "bytes"):
            data = _bytes(text)
            out += bytes([len(data)]) + data if code == "version" else data
        else:
            definition = definition or _KNOWN.definition(function, code)
            out += bytes.fromhex(code + definition)
            if code in _KNOWN.to_end:
                out += _bytes(text)
            elif code in ("F0", "F1") or (
                code == "04" and definition == "18" and function not in _KNOWN.configured
            ):
                out += bytes.fromhex(text)
            elif text is not None:
                for value in text if isinstance(text, list) else [text]:
                    out += _packed(value, int(definition, 16))
    return bytes(out)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode("gb18030")


def _packed(text: str, definition: int) -> bytes:
    """BCD bytes of a decimal text, as many as the definition says."""
    size, decimals = definition >> 3, definition & 7
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    if text == "M":
        return b"\xff" * size
    said = _NUMBER.fullmatch(text)
    if said is None:
        raise BadInput(f"“{text}”不是数字")
    fraction = said[3] or ""
    digits = (said[2] + fraction.ljust(decimals, "0")).lstrip("0")
    room = 2 * size - 2 * len(said[1])
    if len(fraction) > decimals or len(digits) > room:
        raise BadInput(f"数值 {text} 放不进 {size} 字节、{decimals} 位小数")
    return bytes.fromhex("FF" * len(said[1]) + digits.zfill(room) if room else "FF" * len(said[1]))


ELEMENTS = Notation(read=read, write=write)
