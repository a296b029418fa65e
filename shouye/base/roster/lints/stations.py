"""测站 — every gauge stands in the country and belongs to a county of the city."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.lints.divisions import in_china
from shouye.base.roster.model import CityFiles, DivisionLevel, Problem, Severity


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    level_of = {division.id: division.level for division in city.records.divisions}
    for station in city.records.stations:
        where = f"stations.csv {station.id}"
        if level_of.get(station.county) is not DivisionLevel.COUNTY:
            yield Problem(Severity.ERROR, where, f"所属县 {station.county} 不存在或不是县级")
        if not in_china(station.lon, station.lat):
            yield Problem(Severity.ERROR, where, f"坐标不在国内，经纬度是否写反：{station.lon}, {station.lat}")
        if not station.id or not station.name or not station.kind:
            yield Problem(Severity.ERROR, where, "编号、名称、类型都要填写")


LINT = Lint("测站", check)
