"""读数怎么画 — running sums over a rule's window, and which window a finding is about. It judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from shouye.base.kernel import NotFound
from shouye.base.rules import Compare, Input, Row, Rulebook, RuleTable, load_tables
from shouye.watch import assess, observe


@dataclass(frozen=True)
class Gauged:
    """判据 — the row of the table, the window it asks for and the number from which it holds."""

    row: Row
    window: Input
    threshold: float

    @property
    def hours(self) -> float:
        return self.window.hours or 0.0

    @property
    def unit(self) -> str:
        return f"{self.window.unit}/{self.hours:g} h"


@lru_cache
def rulebook(folder: Path | None) -> Rulebook:
    return load_tables(folder / "rules") if folder else load_tables()


def table_of(folder: Path | None, hazard: str, rules: str) -> RuleTable:
    return rulebook(folder).table(hazard, rules)


def gauged(table: RuleTable, level: str, values: dict[str, float]) -> Gauged | None:
    """The shortest window of a row of this level that these values satisfy; None for a row of another kind."""
    for row in table.rows:
        for clause in row.when.clauses if row.level == level else ():
            asked = [one for atom in clause if (one := _asks(table, atom)) is not None]
            met = [(window, limit) for window, limit in asked if values.get(window.name, float("-inf")) >= limit]
            if met and len(met) == len(asked):
                window, limit = min(met, key=lambda one: one[0].hours or 0.0)
                return Gauged(row, window, limit)
    return None


def limits(table: RuleTable, hours: float) -> list[tuple[str, float]]:
    """The thresholds that stand alone on one window length, level by level: [(level, number)]."""
    alone = [
        (row.level, _asks(table, clause[0]))
        for row in table.rows
        for clause in row.when.clauses
        if clause[1:] == ()
    ]
    return [(level, one[1]) for level, one in alone if one is not None and one[0].hours == hours]


def _asks(table: RuleTable, atom: object) -> tuple[Input, float] | None:
    """The window and the number of a comparison like rain_3h_mm >= 50; None for any other."""
    if not isinstance(atom, Compare) or len(atom.terms) != 1:
        return None
    factor, name = atom.terms[0]
    return (table.by_name[name], -atom.constant / factor) if factor > 0 and table.by_name[name].hours else None


def step_of(readings: Sequence[observe.Reading]) -> timedelta:
    """一个序列的时段 — the shortest that speaks for at least half as long as any other (proposed): of minutes and
    hours side by side the minutes, of hours with one stray reading of five minutes the hours."""
    spoken: dict[timedelta, timedelta] = {}
    for one in readings:
        spoken[one.step] = spoken.get(one.step, timedelta(0)) + one.step
    most = max(spoken.values())
    return min(step for step, length in spoken.items() if 2 * length >= most)


def running(readings: Sequence[observe.Reading], hours: float) -> list[tuple[datetime, float | None]]:
    """滑动累计 — the sum of what counts over the last `hours`; unknown while any part is missing or bad."""
    if not readings:
        return []
    step = step_of(readings)
    width = timedelta(hours=hours)
    value_at = {reading.time: reading.counted for reading in readings if reading.step == step}
    found: list[tuple[datetime, float | None]] = []
    for at in sorted(value_at):
        parts = [value_at.get(at - step * back) for back in range(round(width / step))]
        known = [part for part in parts if part is not None]
        found.append((at, round(sum(known), 3) if len(known) == len(parts) else None))
    return found


def leading(findings: Sequence[assess.Finding], numbers: Sequence[int]) -> assess.Finding:
    """The finding a situation rests on: the strongest of those at its level."""
    chosen = [one for one in findings if one.id in numbers]
    if not chosen:
        raise NotFound("监测告警")
    return max(chosen, key=lambda one: (max(one.values.values(), default=0.0), one.station))
