"""任职 — whoever holds something holds a post and a shift that exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import CityFiles, Problem, Severity


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    posts = {post.id for post in city.records.posts}
    shifts = {shift.name for shift in city.records.shifts}
    for holder in city.records.holders:
        where = f"holders.csv {holder.post}"
        if holder.post not in posts:
            yield Problem(Severity.ERROR, where, "责任人所任岗位不存在")
        if holder.shift is not None and holder.shift not in shifts:
            yield Problem(Severity.ERROR, where, f"班次 {holder.shift} 未在 city.toml 登记")
        if holder.valid_from and holder.valid_to and holder.valid_from >= holder.valid_to:
            yield Problem(Severity.ERROR, where, "失效日期应晚于生效日期")


LINT = Lint("任职", check)
