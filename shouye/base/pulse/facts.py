"""心跳的事实 — one line of what is not heard begins, changes or ends; ids and counts only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class WentSilent(Fact):
    """听不到了 — `silent` of the `members` of this group are not heard."""

    voice: str
    feed: str
    county: str
    silent: int
    members: int


@dataclass(frozen=True, kw_only=True)
class HeardAgain(Fact):
    """又听到了 — the group is heard, or what it suffers from is part of a wider line now."""

    voice: str
    feed: str
    county: str


@dataclass(frozen=True, kw_only=True)
class SilenceAsked(Fact):
    """已联系 — somebody has asked who is not heard; what he was told stands with the task."""

    line: str


@dataclass(frozen=True, kw_only=True)
class ClockStepped(Fact):
    """机器时钟被拨 — by so many seconds; `behind_s` it is behind the program's own time now."""

    stepped_s: int
    behind_s: int


@dataclass(frozen=True, kw_only=True)
class ClockChecked(Fact):
    """时钟已核对 — somebody has looked at the machine's clock."""

    task: int
