"""区划 — ids, levels, kinds, parents and dates of the division list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import KINDS_AT, CityFiles, Division, DivisionLevel, Problem, Severity

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_ID = 40


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    divisions = city.records.divisions
    tops = [division.id for division in divisions if division.level is DivisionLevel.CITY]
    if city.id and tops != [city.id]:
        found = "、".join(tops) or "没有"
        yield Problem(Severity.ERROR, "divisions.csv", f"市级区划应只有 {city.id} 一个，现为：{found}")
    by_id = {division.id: division for division in divisions}
    first: dict[tuple[str | None, str], str] = {}
    for division in divisions:
        where = f"divisions.csv {division.id}"
        for what in _faults(city, division, by_id):
            yield Problem(Severity.ERROR, where, what)
        same = (division.parent, division.short)
        if same in first:
            yield Problem(Severity.ERROR, where, f"简称“{division.short}”与同一上级下的 {first[same]} 重复")
        first.setdefault(same, division.id)


def _faults(city: CityFiles, division: Division, by_id: dict[str, Division]) -> Iterator[str]:
    if not _ID.fullmatch(division.id) or len(division.id) > _LONGEST_ID:
        yield "编号只能用小写字母、数字和连字符，以字母开头，不超过 40 个字符"
    elif division.id != city.id and not division.id.startswith(f"{city.id}-"):
        yield f"编号应以“{city.id}-”开头"
    if not division.name:
        yield "缺少名称"
    if division.kind not in KINDS_AT[division.level]:
        yield f"{division.level.word}没有“{division.kind}”这种类型"
    if (division.lon is None) != (division.lat is None):
        yield "经度、纬度应同时填写或同时留空"
    if division.lon is not None and division.lat is not None and not in_china(division.lon, division.lat):
        yield f"坐标不在国内，经纬度是否写反：{division.lon}, {division.lat}"
    if division.valid_from and division.valid_to and division.valid_from >= division.valid_to:
        yield "失效日期应晚于生效日期"
    above = division.level.above
    if above is None:
        if division.parent is not None:
            yield "市级区划不应有上级"
    elif division.parent is None:
        yield "缺少上级"
    elif (parent := by_id.get(division.parent)) is None:
        yield f"上级 {division.parent} 不存在"
    elif parent.level is not above:
        yield f"上级 {parent.id} 是{parent.level.word}，应为{above.word}"


def in_china(lon: float, lat: float) -> bool:
    """A coarse frame that catches swapped, missing and foreign coordinates."""
    return 73 <= lon <= 136 and 3 <= lat <= 54


LINT = Lint("区划", check)
