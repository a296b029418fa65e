"""历史的事实 — months closed, moved out of the database, destroyed in the end; counts and digests only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class MonthArchived(Fact):
    """归档 — the readings of a month were written to a file with this digest."""

    month: str
    rows: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class MonthMovedOut(Fact):
    """移出 — the rows of a month stand in its file alone."""

    month: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class MonthForgotten(Fact):
    """到期销毁 — the file of a month was removed: its time is up."""

    month: str
    rows: int
    digest: str
