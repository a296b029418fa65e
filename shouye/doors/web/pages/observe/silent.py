"""听不到的怎么说 — one row a cause: what has failed, for how long, what that means, whose it is to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shouye.base.pulse import KINDS, Line
from shouye.base.roster import Roster
from shouye.base.tasks import Task
from shouye.doors.web.unheard import Unheard
from shouye.watch.feeds import Feed

MEANS = {
    "series": "同站其余要素在报，只有这一项没有新数：未知不是平安",
    "feed": "这个来源的站都没有新数，预警文件也不再来",
    "channel": "用这条渠道叫不到人，叫应会照阶梯走下一条",
    "job": "程序自己的这件定时工作没有做",
    "role": "没有进程担任这个角色，研判或叫应可能停着",
    "seal": "新的记录没有封存，这一段暂时无法证明未被改动",
}
NAMED = 6
"""Members named in the row; the rest is a number."""


@dataclass(frozen=True)
class Row:
    """一行 — `names` are gauges or elements of them (where to look, name); `asked` is what somebody was told."""

    line: Line
    what: str
    where: str
    names: tuple[tuple[str, str], ...]
    others: int
    means: str
    blind: bool
    task: Task | None
    asked: Mapping[str, Any] | None

    @property
    def rest(self) -> str:
        """Who is not named."""
        return f" 等，另 {self.others} {'项' if self.line.kind == 'series' else '站'}" if self.others > 0 else ""

    @property
    def heard_at(self) -> datetime | None:
        return self.line.heard_at

    @property
    def urgency(self) -> tuple[bool, bool, int, datetime]:
        """What blinds a county first, then what is no gauge, then the widest, the longest."""
        return (not self.blind, self.line.kind in ("station", "series"), -len(self.line.members), self.line.since)


def rows(
    lines: Sequence[Line],
    owed: Mapping[str, Task],
    feeds: Mapping[str, Feed],
    unheard: Sequence[Unheard],
    roster: Roster,
) -> list[Row]:
    """Every line in words."""
    return sorted((_row(line, owed, feeds, unheard, roster) for line in lines), key=lambda row: row.urgency)


def _row(
    line: Line,
    owed: Mapping[str, Task],
    feeds: Mapping[str, Feed],
    unheard: Sequence[Unheard],
    roster: Roster,
) -> Row:
    means, blind = _means(line, unheard, roster)
    task = owed.get(line.key)
    stations = list(zip(line.members, line.terms, strict=True)) if line.kind in ("station", "series") else []
    named = tuple(_named(roster, *one) for one in stations[:NAMED])
    feed = feeds[line.feed].term if line.feed in feeds else line.feed
    return Row(
        line=line,
        what=_what(line),
        where="　".join(
            part for part in (feed, roster.division(line.county).short if line.county else "") if part
        ),
        names=named,
        others=len(stations) - len(named),
        means=means,
        blind=blind,
        task=task,
        asked=task.detail.get("asked") if task else None,
    )


def _named(roster: Roster, member: str, term: str) -> tuple[str, str]:
    """A gauge by its name; of an element of it, which one."""
    number, _, element = member.partition("/")
    name = roster.stations[number].name if number in roster.stations else number
    return (f"{number}?element={element}", name + term.removeprefix(number)) if element else (number, name)


def _what(line: Line) -> str:
    kind = KINDS.get(line.kind, line.kind)
    if line.kind == "series":
        return f"全部 {line.of} 项要素" if line.whole and line.of > 1 else f"{len(line.members)}/{line.of} 项要素"
    if line.kind == "station" and line.of > 1:
        return f"全部 {line.of} 站" if line.whole else f"{len(line.members)}/{line.of} 站"
    if line.of == 1:
        return kind if line.kind in ("station", "seal") else f"{kind} {line.terms[0]}"
    return (
        f"{kind}{'全部 ' if line.whole else ' '}{len(line.members)}/{line.of} 个：{'、'.join(line.terms[:NAMED])}"
    )


def _means(line: Line, unheard: Sequence[Unheard], roster: Roster) -> tuple[str, bool]:
    """Which counties cannot be judged because of it."""
    if line.kind != "station":
        return MEANS.get(line.kind, ""), False
    members = set(line.members)
    said = []
    for one in unheard:
        if one.blind and members & set(one.stations):
            here = {roster.stations[number].county for number in members if number in roster.stations}
            places = "、".join(roster.division(place).short for place in one.places if place in here)
            if places:
                what = f"{'、'.join(one.terms)}不能判定" if one.terms else "生效的不解除"
                said.append(f"{places}：{what}，未知不是平安")
    return ("；".join(said), True) if said else ("同县还有站在报", False)
