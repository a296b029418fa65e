"""事项与阶梯 — what a post owes by a time, and the one clock that escalates it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from shouye.base.kernel import BadInput

OVERDUE = "overdue"
"""The act that marks a task late; every ladder has it at its due time."""

UPKEEP = "upkeep"
"""停下的作业 — the kind of the task that is owed for a dead job, and the name of its ladder."""


class TaskState(StrEnum):
    """事项状态 — from open to an end; `verified` is done and checked by another."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    VERIFIED = "verified"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


LIVE = (TaskState.OPEN, TaskState.ACKNOWLEDGED)
"""States in which a task is still owed."""


@dataclass(frozen=True)
class LadderStep:
    """阶梯的一级 — `act` happens `after_s` seconds after opening, or after the due time when `from_due`."""

    act: str
    after_s: int
    from_due: bool = False

    def at(self, opened_at: datetime, due_at: datetime, ahead_s: int = 0) -> datetime:
        """When it falls due; what counts from the opening comes `ahead_s` earlier once one was brought forward."""
        return (
            due_at + timedelta(seconds=self.after_s)
            if self.from_due
            else opened_at + timedelta(seconds=self.after_s - ahead_s)
        )


@dataclass(frozen=True)
class Ladder:
    """阶梯 — ordered steps as data; `mark` says whether a document gives them."""

    name: str
    steps: tuple[LadderStep, ...]
    mark: str = "proposed"
    source: str = ""

    def schedule(self, opened_at: datetime, due_at: datetime, ahead_s: int = 0) -> list[tuple[datetime, str]]:
        """When each act falls due for a task opened then: in time order, equal instants as written."""
        timed = [(step.at(opened_at, due_at, ahead_s), index, step.act) for index, step in enumerate(self.steps)]
        return [(instant, act) for instant, _, act in sorted(timed)]

    def next_step(
        self, opened_at: datetime, due_at: datetime, taken: int, ahead_s: int = 0
    ) -> tuple[datetime, str] | None:
        """下一级 — decided from the record alone; None when the ladder is climbed."""
        schedule = self.schedule(opened_at, due_at, ahead_s)
        return schedule[taken] if taken < len(schedule) else None


@dataclass(frozen=True)
class NewTask:
    """待立事项 — `group` names the larger thing it belongs to ("notice:3"), `kind` who handles its steps."""

    kind: str
    group: str
    title: str
    division: str
    owner: str
    due_at: datetime
    ladder: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """事项 — one thing owed: by whom, by when, how far its ladder has been climbed."""

    id: int
    kind: str
    group: str
    title: str
    division: str
    owner: str
    opened_at: datetime
    due_at: datetime
    ladder: str
    taken: int
    ahead_s: int
    next_at: datetime | None
    state: TaskState
    overdue: bool
    closed_at: datetime | None
    closed_by: str | None
    detail: dict[str, Any]
    tries: int = 0
    """How often its present step was begun and came to no end."""

    def overdue_s(self, now: datetime) -> int:
        """Seconds past due while still owed; negative is the time left."""
        return int((now - self.due_at).total_seconds())


@dataclass(frozen=True)
class Upkeep:
    """机务 — the post that looks after what the machine itself has given up, and how soon it must."""

    owner: str
    division: str
    within: timedelta


def read_upkeep(path: Path, owner: str, division: str) -> Upkeep:
    """Read `upkeep` of [deadline_min] in ladder.toml, where the ladder of that name stands, too."""
    content = tomllib.loads(path.read_text("utf-8"))
    if UPKEEP not in content.get("ladder", {}) or UPKEEP not in content.get("deadline_min", {}):
        raise BadInput(f"{path.name} 没有写明 {UPKEEP} 的阶梯和时限")
    return Upkeep(owner, division, timedelta(minutes=content["deadline_min"][UPKEEP]))


def read_ladders(path: Path) -> dict[str, Ladder]:
    """Read ladder.toml: `[ladder.NAME]` with `steps = [{act, after_s, from_due?}]`."""
    content = tomllib.loads(path.read_text("utf-8"))
    ladders: dict[str, Ladder] = {}
    for name, entry in content.get("ladder", {}).items():
        steps = tuple(
            LadderStep(str(step["act"]), int(step["after_s"]), bool(step.get("from_due", False)))
            for step in entry["steps"]
        )
        if OVERDUE not in {step.act for step in steps}:
            raise BadInput(f"阶梯 {name} 没有逾期一级")
        ladders[name] = Ladder(name, steps, str(entry.get("mark", "proposed")), str(entry.get("source", "")))
    return ladders
