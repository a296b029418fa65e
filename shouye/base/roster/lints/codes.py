"""官方代码 — every code belongs to a known list and a known division, and lies under its parent's code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import (
    CityFiles,
    DivisionCode,
    DivisionLevel,
    Problem,
    Severity,
    grouped,
    padded,
)

_FILE = "division_codes.csv"
_LENGTHS = (6, 9, 12)
_OWN_DIGITS = {DivisionLevel.CITY: 4, DivisionLevel.COUNTY: 6, DivisionLevel.TOWNSHIP: 9}
"""位数 — how many leading digits of a code its parts below have in common. 依据: GB/T 2260, GB/T 10114."""


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    divisions = {division.id: division for division in city.records.divisions}
    codes_of = grouped(((code.division, code.scheme), code) for code in city.records.codes)
    for code in city.records.codes:
        where = f"{_FILE} {code.division}"
        if code.scheme not in city.schemes:
            yield Problem(Severity.ERROR, where, f"代码表 {code.scheme} 未在 city.toml 登记")
        if not (code.code.isascii() and code.code.isdigit() and len(code.code) in _LENGTHS):
            yield Problem(Severity.ERROR, where, f"不是 6、9 或 12 位的区划代码：{code.code}")
        if (division := divisions.get(code.division)) is None:
            yield Problem(Severity.ERROR, where, f"代码 {code.code} 所指区划不存在")
            continue
        parent = divisions.get(division.parent or "")
        above = codes_of.get((parent.id, code.scheme), ()) if parent else ()
        if parent and parent.level in _OWN_DIGITS and above:
            digits = _OWN_DIGITS[parent.level]
            if padded(code.code)[:digits] not in {padded(other.code)[:digits] for other in above}:
                yield Problem(Severity.ERROR, where, f"代码 {code.code} 不在上级 {parent.id} 的代码之下")
    yield from _twice(city)
    yield from _missing(city)


def _twice(city: CityFiles) -> Iterator[Problem]:
    same = grouped(((code.scheme, padded(code.code)), code) for code in city.records.codes)
    for (scheme, number), found in same.items():
        for one, other in combinations(found, 2):
            if one.division != other.division and _overlap(one, other):
                what = f"{scheme} 代码 {number} 同时属于 {one.division} 和 {other.division}"
                yield Problem(Severity.ERROR, f"{_FILE} {other.division}", what)


def _overlap(one: DivisionCode, other: DivisionCode) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_to or date.max, other.valid_to or date.max)


def _missing(city: CityFiles) -> Iterator[Problem]:
    coded = {code.division for code in city.records.codes}
    for division in city.records.divisions:
        if division.id not in coded:
            yield Problem(Severity.WARNING, f"divisions.csv {division.id}", "没有任何官方代码")
    own = {padded(code.code) for code in city.records.codes if code.division == city.id}
    if own and padded(city.code) not in own:
        yield Problem(Severity.ERROR, "city.toml", f"城市代码 {city.code} 不在代码表中")


LINT = Lint("官方代码", check)
