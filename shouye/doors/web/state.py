"""全市状态 — the line on top of every page: in force, owed, late, unanswered, silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from shouye.base.kernel import AlertLevel, TransferStage, dead_jobs, is_night, rank_of
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.words import span
from shouye.watch import tally

Level = AlertLevel | TransferStage


@dataclass(frozen=True)
class StateItem:
    """One figure of the line; `loud` when it is overdue or silent and not zero."""

    term: str
    value: int
    unit: str
    href: str
    note: str = ""
    loud: bool = False
    levels: tuple[tuple[Level, int], ...] = ()


@dataclass(frozen=True)
class StateLine:
    """`owes` gives the rail its figures."""

    night: bool
    items: tuple[StateItem, ...]
    owes: Mapping[str, int]


def state_line(sight: Sight) -> StateLine:
    """What the city owes at this instant, within the scope of who looks."""
    now = sight.tx.now
    counted = Counter(notice.level for notice in sight.in_force)
    levels = tuple(
        (shown, counted[level]) for level in sorted(counted, key=rank_of, reverse=True) if (shown := grade(level))
    )
    late = [task for task in sight.owed if task.due_at < now]
    longest = f"最长 {span((now - late[0].due_at).total_seconds())}" if late else ""
    calls = sight.balance()
    asleep = len({division for _, division in sight.asleep})
    places = {place for one in sight.unheard for place in one.places}
    blind = {place for one in sight.unheard if one.blind for place in one.places}
    unjudged = f"{len(blind)} 处不能判定" if blind else ""
    # Gauges are counted by place; a feed, a channel, a job or a process that is not heard is one more each.
    silent = len(places) + bool(dead_jobs(sight.tx)) + sum(line.kind != "station" for line in sight.lines)
    items = (
        StateItem("生效中的通知", len(sight.in_force), "件", "/notices", levels=levels),
        StateItem("待批", len(sight.proposals), "件", "/notices#pending"),
        StateItem("现在应办", len(sight.owed), "项", "/tasks"),
        StateItem("其中逾期", len(late), "项", "/tasks", longest, loud=bool(late)),
        StateItem("叫应未结", calls.open, "件", "/calls", f"{asleep} 个村无一人应答" if asleep else ""),
        StateItem("听不到的", silent, "处", "/silence", unjudged, loud=bool(silent)),
    )
    owes = {
        "tasks": len(sight.owed),
        "silent": silent,
        "proposed": len(sight.proposals),
        "waiting": calls.open,
        "dial": calls.unreached,
        "held": sum(tally.held_tally(sight.tx, sight.scope).values()),
    }
    return StateLine(is_night(now), items, owes)
