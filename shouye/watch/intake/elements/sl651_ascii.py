"""ASCII 正文 — names, decimal numbers and blanks: `ST 0012345678 H TT 1707181100 PJ 4.0 `.

依据: SL 651-2014 6.6.2, 表 C.1, 表 C.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shouye.base.kernel import BadInput
from shouye.watch.intake.elements.sl651 import ELEMENTS as _KNOWN
from shouye.watch.intake.elements.sl651 import Body, Item, Notation
from shouye.watch.intake.model import BadFrame, RefusalCode

_FIXED = {"TT": "F0", "ST": "F1", "RGZS": "F2", "PIC": "F3", "DATA": "FD"}
_NAMES = {code: name for name, code in _FIXED.items()}
_VALUE = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|M")
_OURS = re.compile(r"[0-9A-F]{2}|'.*|class|period|version|events|bytes")
"""Words that look like our own codes and are none here; a quote keeps them apart."""
_STEP = re.compile(r"DR([DHN])([0-9]{2})")
_UNIT_AT = {"D": 0, "H": 2, "N": 4}


def read(function: str, asked: bool, data: bytes) -> Body:
    """Items of a body after serial and time; names that nobody knows stay as they are."""
    items: list[Item] = []
    words = _Words(data)
    series = False
    if asked and function == "38":
        items.append(["period", "", words.take() + words.take()])
    while (name := words.take()) != "":
        code = _code(function, name)
        if step := _STEP.fullmatch(name):
            at = _UNIT_AT[step[1]]
            items.append(["04", step[1], "00" * (at // 2) + step[2] + "00" * (2 - at // 2)])
            series = function in _KNOWN.series and not asked and step[2] != "00"
        elif function in _KNOWN.bare and code not in ("F0", "F1"):
            items.append(["bytes", "", f"{name} {words.rest()}".strip()])
            return Body(items)
        elif code in ("F2", "F3", "FD"):
            items.append([code, "", words.typed() if code == "F2" else f"hex:{words.raw().hex().upper()}"])
            return Body(items)
        elif asked and function in _KNOWN.named_only:
            items.append([code, "", None])
        elif series and code not in _KNOWN.batches and code not in ("F0", "F1"):
            return Body([*items, *_columns(function, name, words)])
        else:
            items.append([code, "", _datum(function, code, words.take())])
            if code == "F1" and len(words.next()) == 1 and f"{ord(words.next()):02X}" in _KNOWN.classes:
                items.append(["class", "", f"{ord(words.take()):02X}"])
    return Body(items)


class _Words:
    """The words between blanks; what is typed or drawn runs to the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def next(self) -> str:
        while self._data[self._at : self._at + 1] == b" ":
            self._at += 1
        end = self._data.find(b" ", self._at)
        word = self._data[self._at : end if end >= 0 else len(self._data)]
        if not word.isascii():
            raise BadFrame(RefusalCode.ENCODING, f"第 {self._at} 个字符起不是 ASCII")
        return word.decode("ascii")

    def take(self) -> str:
        word = self.next()
        self._at += len(word) + 1
        return word

    def raw(self) -> bytes:
        rest, self._at = self._data[self._at :], len(self._data)
        return rest

    def rest(self) -> str:
        return self.raw().decode("latin-1").rstrip(" ")

    def typed(self) -> str:
        data = self.raw()
        data = data.removesuffix(b" ")
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            return f"hex:{data.hex().upper()}"
        return text if text.encode("gb18030") == data else f"hex:{data.hex().upper()}"


def _code(function: str, name: str) -> str:
    if function in _KNOWN.configured and name not in _FIXED:
        return name
    known = _FIXED.get(name) or _KNOWN.codes.get(name.upper())
    return known or (f"'{name}" if _OURS.fullmatch(name) else name)


def _datum(function: str, code: str, word: str) -> str:
    if function in _KNOWN.configured or code in ("F0", "F1") or not _KNOWN.is_bytes(function, code):
        return word
    size = _KNOWN.batches.get(code, 4)
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", word):
        raise BadFrame(RefusalCode.ENCODING, f"{code} 应为 {2 * size} 个十六进制字符")
    return f"hex:{word.upper()}"


def _columns(function: str, name: str, words: _Words) -> list[Item]:
    """均匀时段 — the names first, then one row of values for each instant (6.6.4.4)."""
    codes = [_code(function, name)]
    values: list[str] = []
    while (word := words.take()) != "":
        if word in _FIXED or _STEP.fullmatch(word):
            raise BadFrame(RefusalCode.ENCODING, f"均匀时段报的数据里出现 {word}")
        if not values and not _VALUE.fullmatch(word):
            codes.append(_code(function, word))
        else:
            values.append(word)
    if len(values) % len(codes):
        raise BadFrame(RefusalCode.ENCODING, f"均匀时段报 {len(codes)} 个要素，却有 {len(values)} 个数据")
    return [[code, "", values[at :: len(codes)]] for at, code in enumerate(codes)]


def write(function: str, items: Sequence[Item]) -> bytes:
    """The characters of these items, each with its blank."""
    out = bytearray()
    columns = [item for item in items if isinstance(item[2], list)]
    for code, definition, text in items:
        if isinstance(text, list):
            continue
        if code == "class":
            out += bytes.fromhex(text) + b" "
        elif code == "period":
            out += f"{text[:8]} {text[8:]} ".encode("ascii")
        elif code == "bytes":
            out += text.encode("latin-1") + b" "
        elif code == "04" and function not in _KNOWN.configured:
            out += f"{_step(definition, text)} ".encode("ascii")
        elif code in _KNOWN.to_end:
            out += _NAMES[code].encode("ascii") + b" "
            raw = bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode("gb18030")
            out += raw + (b" " if code == "F2" else b"")
        else:
            word = "" if text in (None, "hex:") else f"{text.removeprefix('hex:')} "
            out += f"{_name(function, code)} {word}".encode("ascii")
    if columns:
        out += "".join(f"{_name(function, code)} " for code, _, _ in columns).encode("ascii")
        rows = zip(*(text for _, _, text in columns), strict=True)
        out += "".join(f"{word} " for row in rows for word in row).encode("ascii")
    return bytes(out)


def _name(function: str, code: str) -> str:
    if function in _KNOWN.configured and code not in ("F0", "F1"):
        return code
    known = _KNOWN.elements.get(code)
    return _NAMES.get(code) or (known[0] if known else code.removeprefix("'"))


def _step(unit: str, text: str) -> str:
    days, hours, minutes = text[:2], text[2:4], text[4:6]
    unit = unit or ("D" if days != "00" else "N" if minutes != "00" else "H")
    said = {"D": days, "H": hours, "N": minutes}.get(unit)
    if said is None or sum(part != "00" for part in (days, hours, minutes)) > 1:
        raise BadInput(f"时间步长 {text} 不能用 ASCII 编码")
    return f"DR{unit}{said}"


ELEMENTS = Notation(read=read, write=write)
