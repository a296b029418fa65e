"""污染物因子 — what stands in the CP of HJ 212: codes of 2005 and 2017, units with their doubts, marks of a value.

依据: HJ/T 212-2005, HJ 212-2017 附录 B; the table is `hj212.toml`.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shouye.base.kernel import BEIJING
from shouye.watch.intake.model import WireReading

Pairs = list[list[list[str]]]
"""CP — items between `;`, in each the fields between `,`, in each the name and its value."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,12})?(?:[eE][+-]?[0-9]{1,2})?")
_MISSING = ("", "-", "--", "---", "na", "nan", "null", "none")
_TEXTS = ("Info", "SN")
_KINDS = re.compile("(Zs)?(Rtd|Min|Avg|Max)|Cou|RS|RT|(Day|Night)?Data|Info|SN")
_REMARKS = ("Flag", "EFlag", "SampleTime")
_AMBIENT = ("22", "39")


def instant(text: str) -> datetime | None:
    """YYYYMMDDhhmmss, with or without milliseconds, in Beijing time; None when it is no time."""
    if len(text) not in (14, 17) or not text.isascii() or not text.isdigit():
        return None
    year, month, day, hour, minute, second = int(text[:4]), *(int(text[at : at + 2]) for at in range(4, 14, 2))
    try:
        found = datetime(year, month, day, hour, minute, second, int(text[14:] or 0) * 1000, BEIJING)
    except ValueError:
        return None
    return found if 1990 <= year < 2100 else None


@dataclass(frozen=True)
class Substance:
    """因子 — one row of the table; `total_unit` is that of what was emitted (Cou)."""

    name: str
    unit: str
    code_2005: str = ""
    total_unit: str = ""
    doubt: str = ""


class Substances:
    """因子表 — the codes, and the words of the protocol's numbers."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        rows = {code: Substance(*row) for code, row in tables["codes"].items()}
        self._rows = {row.code_2005: row for row in rows.values() if row.code_2005} | rows
        self._tables = tables

    @property
    def names_of_ours(self) -> frozenset[str]:
        return frozenset(map(str, self._tables["elements"].values()))

    def word(self, table: str, key: str) -> str:
        """What a number of the protocol means; empty when nobody defined it."""
        return str(self._tables[table].get(key, ""))

    def of(self, code: str) -> Substance | None:
        """A device number at the end stands for `xx` or `x`."""
        rows = self._rows
        return rows.get(code) or rows.get(f"{code[:-2]}xx") or rows.get(f"{code[:-1]}x")

    def names(self, cp: Pairs) -> dict[str, str]:
        """中文名 — of every known code in the packet."""
        codes = dict.fromkeys(field[0].rpartition("-")[0] for item in cp for field in item)
        return {code: found.name for code in codes if code and (found := self.of(code))}

    def readings(
        self, cp: Pairs, time: datetime | None, system: str, common: tuple[str, ...]
    ) -> Iterator[WireReading]:
        """读数 — every value of the packet under its own code, with what its device says against it."""
        pairs = [(field[0], field[1]) for item in cp for field in item if len(field) == 2]
        states, sampled = _remarks(pairs, "-Flag"), _remarks(pairs, "-SampleTime")
        times_said = Counter(name for name, _ in pairs)
        for name, text in pairs:
            code, _, kind = name.rpartition("-")
            if not code or kind in _REMARKS:
                continue
            value, flags = _value(text.strip(), kind)
            unit, doubts = self._unit(code, kind, system)
            letter = states.get(code, "N").strip().upper()
            if letter != "N":
                flags.append(self.word("flags", letter) or f"flag:{letter}")
            if times_said[name] > 1:
                flags.append("duplicate")
            if code in sampled:
                flags.append(f"sampled:{sampled[code]}")
            known = self.word("elements", code) if kind == "Rtd" else ""
            yield WireReading(known or f"hj212:{name}", time, value, unit, (*flags, *doubts, *common))

    def _unit(self, code: str, kind: str, system: str) -> tuple[str, list[str]]:
        if kind in ("RS", "RT", *_TEXTS):
            return ("h" if kind == "RT" else ""), []
        if (found := self.of(code)) is None:
            return "", ["unknown_code"]
        sure = not found.doubt or (found.doubt == "ambient" and system not in _AMBIENT)
        return (found.total_unit if kind == "Cou" else found.unit), [] if sure else ["unit_doubtful"]


def _remarks(pairs: Iterable[tuple[str, str]], ending: str) -> dict[str, str]:
    return {name.removesuffix(ending): text for name, text in pairs if name.endswith(ending)}


def _value(text: str, kind: str) -> tuple[float | str | None, list[str]]:
    flags = [] if _KINDS.fullmatch(kind) else ["unknown_field"]
    if kind in _TEXTS and not _NUMBER.fullmatch(text):
        return text, flags
    if text.lower() in _MISSING:
        return None, [*flags, "missing"]
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None, [*flags, "missing", "unreadable"]
    return float(text), flags


ELEMENTS = Substances(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))
