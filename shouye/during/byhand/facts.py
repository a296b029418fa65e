"""人工叫醒宣布的事实 — ids only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class VisitSent(Fact):
    """派人敲门 — subject "notice:<id>"."""

    visit: int
    division: str


@dataclass(frozen=True, kw_only=True)
class VisitEnded(Fact):
    """敲门结果。"""

    visit: int
    division: str
    result: str
