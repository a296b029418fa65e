"""研判的事实 — what happened to findings and situations; ids and values only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class FindingRaised(Fact):
    """监测告警产生 — a gauge reached a level at `first_at`; `already_over` ones are recorded and never called."""

    hazard: str
    rules: str
    level: str
    rank: int
    station: str
    division: str
    first_at: str
    already_over: bool


@dataclass(frozen=True, kw_only=True)
class FindingRetracted(Fact):
    """监测告警撤销 — a correction took its ground away."""

    hazard: str
    level: str
    station: str
    division: str
    first_at: str


@dataclass(frozen=True, kw_only=True)
class SituationChanged(Fact):
    """态势变化 — the level of a hazard in a division rose or fell; None is no level in force.

    `ground` says why: "crossed" (a threshold), "ended" (known to be under it), "retracted" (the ground was wrong).
    """

    hazard: str
    division: str
    level: str | None
    previous: str | None
    rank: int
    previous_rank: int
    findings: list[int]
    ground: str


@dataclass(frozen=True, kw_only=True)
class ElementsDisagree(Fact):
    """要素不一致 — two elements of one station that carry the same differ over the hour before `at`."""

    station: str
    element: str
    other: str
    at: str
    amount: float
    other_amount: float


@dataclass(frozen=True, kw_only=True)
class LatchReset(Fact):
    """人工复位 — a person put a latch (断电 …) back; `actor` is who."""

    hazard: str
    level: str
    station: str
