"""全市状态 — the line on top of every page: in force, owed, late, unanswered, silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shouye.base.access import Scope
from shouye.base.kernel import AlertLevel, Tx, is_night
from shouye.base.roster import Roster


@dataclass(frozen=True)
class StateItem:
    """One figure of the line; `loud` when it is overdue or silent and not zero."""

    term: str
    value: str
    unit: str = ""
    href: str = ""
    note: str = ""
    loud: bool = False
    levels: tuple[tuple[AlertLevel, int], ...] = ()


@dataclass(frozen=True)
class StateLine:
    """`owes` gives the rail its figures."""

    night: bool
    items: tuple[StateItem, ...]
    owes: Mapping[str, int]


def state_line(tx: Tx, roster: Roster, scope: Scope) -> StateLine:
    """What the city owes at this instant, within the scope of who looks."""
    return StateLine(night=is_night(tx.now), items=(), owes={})
