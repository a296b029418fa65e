"""预警室宣布的事实。"""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class NoticeProposed(Fact):
    """拟出通知 — subject "proposal:<id>"."""

    act: str
    hazard: str
    county: str
    level: str
    findings: list[int]


@dataclass(frozen=True, kw_only=True)
class ProposalEnded(Fact):
    """拟稿未签 — refused by a post, or dropped because its ground went; subject "proposal:<id>"."""

    end: str
    hazard: str
    county: str
    level: str


@dataclass(frozen=True, kw_only=True)
class NoticeIssued(Fact):
    """签发通知 — subject "notice:<id>"."""

    number: str
    hazard: str
    county: str
    level: str
    divisions: list[str]
    round: int


@dataclass(frozen=True, kw_only=True)
class NoticeRaised(NoticeIssued):
    """通知升级 — everybody concerned is woken anew."""


@dataclass(frozen=True, kw_only=True)
class NoticeLowered(Fact):
    """通知降级 — those reached are told; nobody is called."""

    number: str
    level: str


@dataclass(frozen=True, kw_only=True)
class NoticeWithdrawn(Fact):
    """通知撤回 — open calls end, those reached are told once."""

    number: str
    ground: str


@dataclass(frozen=True, kw_only=True)
class NoticeExtended(Fact):
    """通知延长 — looked at again and left in force."""

    number: str
