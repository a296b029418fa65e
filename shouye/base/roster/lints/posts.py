"""岗位名目 — the pattern itself: kinds, what they apply to, and that a place gets each kind once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import KINDS_AT, CityFiles, DivisionLevel, Problem, Severity

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    level_of: dict[str, DivisionLevel] = {}
    for kind in city.kinds:
        where = f"posts.csv {kind.kind}"
        if not _KIND.fullmatch(kind.kind):
            yield Problem(Severity.ERROR, where, "岗位名目只能用小写字母、数字和下划线")
        if level_of.setdefault(kind.kind, kind.level) is not kind.level:
            yield Problem(Severity.ERROR, where, "同一名目不能用于两个层级")
        if not kind.title:
            yield Problem(Severity.ERROR, where, "缺少岗位名称")
        for place in kind.division_kinds:
            if place not in KINDS_AT[kind.level]:
                yield Problem(Severity.ERROR, where, f"{kind.level.word}没有“{place}”这种类型")
        if kind.holding == "shift" and not city.records.shifts:
            yield Problem(Severity.ERROR, where, "按班次值守，但 city.toml 没有班次")
    for post_id, times in Counter(post.id for post in city.records.posts).items():
        if times > 1:
            yield Problem(Severity.ERROR, f"posts.csv {post_id}", f"此岗位由 {times} 行名目重复设立")


LINT = Lint("岗位名目", check)
