"""水文监测要素字典 — SL 651 codes and what they mean: items of a body become readings, parameters, status.

An item is `[code, definition, text]` and keeps what the wire said exactly (decimal digits, `M` for missing, `hex:`
before bytes that are no number), so that it can be written again.
依据: SL 651-2014《水文监测数据通信规约》附录 A—G, 表 58, 表 82.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake.model import BadFrame, RefusalCode, SessionOptions, WireReading

Item = list[Any]
"""信息组 — text is None for an identifier without data, a list for a series."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_STEP = re.compile(r"[0-9A-F]{6}")


@dataclass(frozen=True)
class Body:
    """正文 — the items, and the bytes from where on it is nobody's standard."""

    items: list[Item]
    unread: bytes = b""


@dataclass(frozen=True)
class Notation:
    """编码结构 — HEX/BCD or ASCII: `read(function, asked, data)`, where `asked` is a command of the centre."""

    read: Callable[[str, bool, bytes], Body]
    write: Callable[[str, Sequence[Item]], bytes]


def instant(digits: str) -> datetime:
    """YYMMDDHHmm[SS] 北京时间; the century is not on the wire: the 21st, for the standard is of 2014."""
    try:
        if not (digits.isascii() and digits.isdecimal() and len(digits) in (10, 12)):
            raise ValueError(digits)
        year, month, day, hour, minute, second = (int(digits[at : at + 2] or "0") for at in range(0, 12, 2))
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING)
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"时间 {digits} 不存在") from None


class Dictionary:
    """要素字典 — the tables of the standard, and what each province or vendor added."""

    batches: ClassVar = {"F4": 12, **{f"{code:02X}": 24 for code in range(0xF5, 0xFD)}}
    """整小时组 — twelve values of five minutes; their length is fixed, whatever the definition byte says."""
    to_end = ("F2", "F3", "FD")
    classed = frozenset({"30", "31", "32", "33", "34", "36", "37", "38", "3A", "44"})
    series = frozenset({"31", "38"})
    configured = frozenset({"40", "41", "42", "43", "49"})
    named_only = frozenset({"38", "3A", "41", "43"})
    """读取命令 — the centre names identifiers without data."""
    bare = frozenset({"45", "4C", "4D", "4E", "4F", "50"})
    """无标识符 — version text, states of pumps, valves and gates, event counters."""
    silent = configured | bare | {"2F", "47", "48", "4A", "51"}
    """No reading of nature in them."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.elements: dict[str, list[str]] = table["elements"]
        self.classes: dict[str, str] = table["classes"]
        self.functions: dict[str, str] = table["functions"]
        self.codes = {row[0].upper(): code for code, row in self.elements.items()}
        self._states: dict[str, dict[str, str]] = table["states"]
        self._status: dict[str, tuple[str, str, int]] = table["status"]
        self._events: list[str] = table["events"]["terms"]
        self._parameters: dict[str, list[str]] = table["parameters"]
        self._sources: dict[str, dict[str, list[str]]] = table["sources"]

    @property
    def names(self) -> frozenset[str]:
        """Every element of ours that a code of the standard or of a source stands for."""
        tables = (self.elements, *self._sources.values())
        return frozenset(row[0 if table is not self.elements else 1] for table in tables for row in table.values())

    def is_bytes(self, function: str, code: str) -> bool:
        """Data that are bytes and no number: hour groups, status, and addresses and channels (表 D.1)."""
        if function in self.configured:
            return len(code) == 2 and code < "10" and code != "0C"
        return code in self.batches or code == "45"

    def definition(self, function: str, code: str) -> str:
        """The standard's definition byte, for those who write."""
        fixed = {"F0": "F0", "F1": "F1", "F2": "F2", "F3": "F3", "FD": "F6", "04": "18"}
        if function in self.configured:
            known = fixed.get(code) if code in ("F0", "F1") else self._parameters.get(code, ["", "", ""])[2]
        elif function in ("47", "48"):
            known = "00"
        else:
            known = fixed.get(code) or self.elements.get(code, [""])[-1]
        if not known:
            raise BadInput(f"要素 {code} 没有标准的数据定义，请写明")
        return known

    def meaning(self, code: str, options: SessionOptions) -> tuple[str, str]:
        """Our name and unit: of this feed, of this source, of the standard, or else the code itself."""
        own = options.settings.get(code)
        if isinstance(own, str) and own:
            name, _, unit = own.partition(" ")
            return name, unit
        row = self._sources.get(options.source, {}).get(code)
        if row:
            return row[0], row[1]
        known = self.elements.get(code)
        return (known[1], known[2]) if known else (f"sl651:{code}", "")

    def readings(
        self, function: str, items: Sequence[Item], station: str, sent: datetime, options: SessionOptions
    ) -> tuple[WireReading, ...]:
        """Every element with the nearest time before it; of none it is the time of sending, and says so."""
        if function in self.silent:
            return ()
        found: list[WireReading] = []
        time, about, step = sent, "", timedelta()
        timed: tuple[str, ...] = ("sent-time",)
        common = ("test",) if function == "30" else ()
        standing = {code: text for code, _, text in items if isinstance(text, str)}
        trigger = function == "33"
        for code, _, text in items:
            if code == "F0":
                time, timed = instant(text), ()
            elif code == "F1":
                about = "" if text == station else text
            elif code == "04":
                step = _step(text) if isinstance(text, str) and _STEP.fullmatch(text) else step
            elif code == "F2":
                found += self._typed(text, sent, (*common, "manual"), options)
            elif code != "class" and code not in self.to_end and text is not None:
                flags = (*common, *timed, *(("trigger",) if trigger else ()))
                trigger = False
                name, unit = self.meaning(code, options)
                values = self._values(code, text, standing, name)
                pace = step if isinstance(text, list) else timedelta(minutes=5)
                hour_ends = code in self.batches and options.settings.get("hour_group") == "last"
                at = time - timedelta(minutes=55) if hour_ends else time
                latest = sent + timedelta(minutes=1) if len(values) > 1 else datetime.max.replace(tzinfo=BEIJING)
                for value, said in values:
                    late = (*flags, *said, "after-sent") if at > latest else (*flags, *said)
                    found.append(WireReading(name, at, value, unit, late, about))
                    at += pace
        return tuple(found)

    def _values(
        self, code: str, text: Any, standing: dict[str, str], name: str
    ) -> list[tuple[float | str | None, tuple[str, ...]]]:
        if code in self.batches and isinstance(text, str):
            return _batch(code, text, standing)
        return [self._value(code, one, name) for one in (text if isinstance(text, list) else [text])]

    def _value(self, code: str, text: str, name: str) -> tuple[float | str | None, tuple[str, ...]]:
        known = not name.startswith("sl651:")
        flags = () if known else ("unmapped",)
        if text == "M":
            return None, (*flags, "missing")
        if text.startswith("hex:"):
            if code == "45" or not known:
                return text[4:], flags
            return None, (*flags, "unreadable")
        if not _NUMBER.fullmatch(text):
            return None, (*flags, "unreadable")
        value = float(text) + 0.0  # no minus zero
        if code in self._states and (state := self._states[code].get(f"{value:g}")):
            return None, (*flags, f"state:{state}")
        return value, flags

    def _typed(
        self, text: str, sent: datetime, flags: tuple[str, ...], options: SessionOptions
    ) -> Iterator[WireReading]:
        """人工置数 — pairs of SL 330 codes and values; a TT of eight digits is the last such day."""
        time, words = sent, text.split()
        for name, said in pairwise(words):
            if name.upper() == "TT" and len(said) in (8, 10):
                time = instant(said) if len(said) == 10 else _last(said, sent)
            elif name.upper() in self.codes and _NUMBER.fullmatch(said):
                code = self.codes[name.upper()]
                element, unit = self.meaning(code, options)
                value, more = self._value(code, said, element)
                yield WireReading(element, time, value, unit, (*flags, *more))

    def status(self, word: str) -> list[str]:
        """表 58 — the terms of the bits that are set, or cleared where clear is the news."""
        bits = int(word, 16)
        return [term for bit, (_, term, news) in self._status.items() if bits >> int(bit) & 1 == news]

    def parameters(self, items: Sequence[Item]) -> list[dict[str, object]]:
        """附录 D — what a configuration frame says, in words."""
        return [
            {
                "code": code,
                "term": self._parameters.get(code, [f"扩展参数 {code}", ""])[0],
                "value": _configured(code, text),
                "unit": self._parameters.get(code, ["", ""])[1],
            }
            for code, _, text in items
            if code not in ("F0", "F1", "class")
        ]

    def events(self, text: str) -> dict[str, int]:
        """表 82 — how often each event happened; spare counters only when they count."""
        counts = [int(text[at : at + 4], 16) for at in range(4, len(text), 4)]
        named = {f"{term}记录": counts[at] for at, term in enumerate(self._events)}
        spare = {f"ERC{at + 1}": count for at, count in enumerate(counts) if at >= len(named) and count}
        return named | spare


def _step(text: str) -> timedelta:
    """时间步长 — days, hours, minutes; a digit above nine means that somebody wrote HEX."""
    days, hours, minutes = (int(text[at : at + 2], 10 if text.isdecimal() else 16) for at in (0, 2, 4))
    return timedelta(days=days, hours=hours, minutes=minutes)


def _batch(code: str, text: str, standing: dict[str, str]) -> list[tuple[float | str | None, tuple[str, ...]]]:
    """Twelve values of an hour; all F is missing. A level of zero beside one that is not was never measured."""
    width, scale = (2, 10) if code == "F4" else (4, 100)
    numbers = [int(text[at : at + width], 16) for at in range(4, len(text), width)]
    level = standing.get("39", "0")
    wet = code != "F4" and any(number not in (0, 0xFFFF) for number in numbers)
    wet = wet or (code == "F5" and _NUMBER.fullmatch(level) is not None and float(level) > 0 and not any(numbers))
    missing = 16**width - 1
    return [
        (None, ("missing",))
        if number == missing
        else (number / scale, ("doubtful",) if wet and not number else ())
        for number in numbers
    ]


def _last(digits: str, sent: datetime) -> datetime:
    at = instant(f"{sent.year % 100:02d}{digits}")
    return at if at <= sent + timedelta(days=1) else instant(f"{(sent.year - 1) % 100:02d}{digits}")


def _configured(code: str, text: Any) -> object:
    if not isinstance(text, str) or not text.startswith("hex:"):
        return text
    raw = text[4:]
    if code == "01":
        return [int(raw[at : at + 2], 16) for at in range(0, len(raw), 2)]
    if code == "0F":
        return bytes.fromhex(raw).decode("ascii", "replace")
    if not "04" <= code <= "0B" or len(raw) < 2:
        return raw
    kind = {"01": "短信", "02": "IPV4", "03": "北斗", "04": "海事卫星", "05": "PSTN", "06": "超短波", "00": "禁用"}
    address = raw[2:].lstrip("A")
    if raw[:2] == "02" and len(raw) == 20 and address.isdecimal():
        parts = [str(int(address[at : at + 3])) for at in (0, 3, 6, 9)]
        address = f"{'.'.join(parts)}:{int(address[12:])}"
    return f"{kind.get(raw[:2], raw[:2])} {address}".strip()


ELEMENTS = Dictionary(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))
