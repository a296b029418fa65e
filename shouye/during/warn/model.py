"""叫应通知 — what a named post signs on the ground of a finding, and the pure decisions about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from shouye.base.access import Actor, Permission, require
from shouye.base.kernel import BadInput, Refusal, rank_of


class NotYourSignature(Refusal):
    """该岗位无权签发、调整或撤回叫应通知。"""


class AlreadyDecided(Refusal):
    """这份拟稿已有人决定，无需重复办理。"""


class NotInForce(Refusal):
    """该通知已不在生效中。"""


class ReasonNeeded(Refusal):
    """调整、撤回或不予签发必须写明理由。"""


class WrongDirection(Refusal):
    """级别方向不对：升级须高于现级，降级须低于现级。"""


class Act(StrEnum):
    """对通知的动作 — issue, raise, lower, withdraw, extend."""

    ISSUE = "issue"
    RAISE = "raise"
    LOWER = "lower"
    WITHDRAW = "withdraw"
    EXTEND = "extend"

    @property
    def word(self) -> str:
        return {"issue": "签发", "raise": "升级", "lower": "降级", "withdraw": "撤回", "extend": "延长"}[
            self.value
        ]


class NoticeState(StrEnum):
    """通知状态 — in force until withdrawn."""

    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"


class ProposalState(StrEnum):
    """拟稿状态 — the machine proposes, a post decides; dropped when its ground is gone before anyone did."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Notice:
    """叫应通知 — one hazard in one county; `round` counts issue and raises: each wakes people anew."""

    id: int
    number: str
    hazard: str
    term: str
    county: str
    level: str
    divisions: tuple[str, ...]
    reason: str
    findings: tuple[int, ...]
    state: NoticeState
    first_at: datetime
    found_at: datetime
    proposed_at: datetime
    issued_at: datetime
    issued_by: str
    updated_at: datetime | None
    withdrawn_at: datetime | None
    review_at: datetime
    round: int

    @property
    def group(self) -> str:
        """The lane and task group of this notice."""
        return f"notice:{self.id}"


@dataclass(frozen=True)
class Revision:
    """通知的一次变动 — who did what, when and why."""

    notice: int
    at: datetime
    act: Act
    level: str
    by: str
    reason: str


@dataclass(frozen=True)
class Proposal:
    """拟稿 — what the machine proposes for one hazard in one county; `notice` is None for a first issue."""

    id: int
    notice: int | None
    hazard: str
    term: str
    county: str
    act: Act
    level: str
    divisions: tuple[str, ...]
    reason: str
    findings: tuple[int, ...]
    first_at: datetime
    found_at: datetime
    opened_at: datetime
    task: int
    state: ProposalState
    decided_at: datetime | None
    decided_by: str | None
    remark: str


@dataclass(frozen=True)
class WarnPolicy:
    """签发办法 — who may sign, how long until a decision is late, when a notice is looked at again."""

    approvers: tuple[str, ...]
    approve_within: timedelta
    review_after: timedelta
    review_within: timedelta
    hold: timedelta

    def signer(self, by: Actor) -> Actor:
        """签发人 — the actor under the first post of the policy that is his; without one he may not sign."""
        require(by, Permission.ISSUE)
        post = next((post for post in self.approvers if post in by.posts), None)
        if post is None:
            raise NotYourSignature(by.signs_as)
        return by.acting_as(post)


def read_policy(wake: Path, ladder: Path) -> WarnPolicy:
    """Read [approval] and [review] of wake.toml, [deadline_min] of ladder.toml."""
    content = tomllib.loads(wake.read_text("utf-8"))
    minutes: Mapping[str, Any] = tomllib.loads(ladder.read_text("utf-8"))["deadline_min"]
    approvers = tuple(content["approval"]["posts"])
    if not approvers:
        raise BadInput("wake.toml 没有写明谁可以签发")
    return WarnPolicy(
        approvers=approvers,
        approve_within=timedelta(minutes=minutes["approve"]),
        review_after=timedelta(minutes=content["review"]["review_min"]),
        review_within=timedelta(minutes=minutes["review"]),
        hold=timedelta(minutes=content["review"]["hold_min"]),
    )


def wanted(in_force: str | None, situation: str | None) -> Act | None:
    """应拟何种动作 — from the level in force and the level of the situation alone."""
    have, need = rank_of(in_force), rank_of(situation)
    if need > have:
        return Act.ISSUE if in_force is None else Act.RAISE
    if in_force is None or need == have:
        return None
    return Act.WITHDRAW if need == 0 else Act.LOWER
