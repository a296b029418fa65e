"""叫应室宣布的事实 — ids and counts only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class CallsOpened(Fact):
    """开始叫应 — subject "notice:<id>"."""

    round: int
    obligations: int
    by_level: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class CallsAnswered(Fact):
    """有人应答 — the obligations that one instant's answers settled."""

    obligations: list[int]


@dataclass(frozen=True, kw_only=True)
class CallsLate(Fact):
    """逾期未应 — told to the posts above."""

    obligations: list[int]
    superiors: list[str]


@dataclass(frozen=True, kw_only=True)
class CallsUnreached(Fact):
    """叫不到 — tried to the end of the ladder."""

    obligations: list[int]


@dataclass(frozen=True, kw_only=True)
class CallsHandedOver(Fact):
    """已接手 — a named person answers for them now."""

    obligations: list[int]


@dataclass(frozen=True, kw_only=True)
class CallsWithdrawn(Fact):
    """叫应撤回 — the notice was withdrawn or a new round replaced this one."""

    obligations: int
    ground: str


@dataclass(frozen=True, kw_only=True)
class FieldReported(Fact):
    """基层回报 — [division, on_post | moved | need_help, figure] of one instant; never words."""

    reports: list[list[str | int | None]]
