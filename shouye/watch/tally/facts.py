"""台账的事实 — a person has seen to what was held; ids and values only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class HeldRetried(Fact):
    """隔离的来数重试 — `subject` is the row of the quarantine; how many messages of it ended in which standing."""

    feed: str
    code: str
    standings: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class HeldDropped(Fact):
    """隔离的来数弃置 — a person has looked at it; the reason stands in the quarantine."""

    feed: str
    code: str
