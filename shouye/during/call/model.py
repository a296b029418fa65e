"""叫应 — who must answer, by when, how surely we know it, and the pure decisions about it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol

from shouye.base.delivery import Attempt
from shouye.base.kernel import AlertLevel, BadInput, Refusal, TransferStage, is_night
from shouye.base.roster import DivisionLevel, Post, Roster


class NothingToTakeOver(Refusal):
    """这些叫应已有人应答、接手或已撤回。"""


class NotOnThisList(Refusal):
    """此人在这份通知里没有要应答的叫应。"""


class CallState(StrEnum):
    """叫应状态 — `heard` is not answered; `unreached` is tried to the end with nobody above left to try."""

    WAITING = "waiting"
    HEARD = "heard"
    UNREACHED = "unreached"
    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    WITHDRAWN = "withdrawn"


STATE_WORDS = {
    "waiting": "等待中",
    "heard": "接通，未确认",
    "unreached": "叫不到",
    "answered": "已应答",
    "handed_over": "已接手",
    "withdrawn": "撤回",
}
"""状态的叫法。"""

OPEN = (CallState.WAITING, CallState.HEARD, CallState.UNREACHED)
"""States in which nobody answers for the obligation yet."""

SETTLES_LATER = (*OPEN, CallState.HANDED_OVER)
"""States that an answer still changes: a person who took a call over may yet bring the answer."""


class Evidence(IntEnum):
    """证据 — how surely we know: 接通, 本人确认, 到岗, 他人核实; from the second it counts."""

    NONE = 0
    HEARD = 1
    CONFIRMED = 2
    ON_POST = 3
    VERIFIED = 4

    @property
    def word(self) -> str:
        return ("无", "接通，未确认", "本人确认", "到岗", "他人核实")[self]


@dataclass(frozen=True)
class Obligation:
    """一件叫应 — notice × division × post, in one round; its id is its task's id."""

    id: int
    notice: int
    round: int
    division: str
    county: str
    township: str
    level: DivisionLevel
    post: str
    state: CallState
    primary: int | None
    deputy: int | None
    rung: int
    tries: int
    opened_at: datetime
    due_at: datetime
    first_try_at: datetime | None
    last_try_at: datetime | None
    last_receipt: str
    answered_at: datetime | None
    answered_by: int | None
    evidence: Evidence
    late: bool
    escalated: bool
    handed_to: str
    closed_at: datetime | None

    def seconds_since_try(self, now: datetime) -> int | None:
        return None if self.last_try_at is None else int((now - self.last_try_at).total_seconds())


@dataclass(frozen=True)
class FieldReport:
    """回报 — what a person said after he answered: on post, people moved, help wanted."""

    id: int
    notice: int
    division: str
    post: str
    person: int
    kind: str
    value: int | None
    at: datetime


@dataclass(frozen=True)
class Balance:
    """平衡 — opened = answered + handed_over + withdrawn + open, always."""

    opened: int = 0
    answered: int = 0
    handed_over: int = 0
    withdrawn: int = 0
    waiting: int = 0
    unreached: int = 0
    late: int = 0
    escalated: int = 0

    @property
    def open(self) -> int:
        return self.waiting + self.unreached

    @property
    def holds(self) -> bool:
        return self.opened == self.answered + self.handed_over + self.withdrawn + self.open

    def __add__(self, other: Balance) -> Balance:
        mine, theirs = vars(self), vars(other)
        return Balance(**{key: mine[key] + theirs[key] for key in mine})


@dataclass(frozen=True)
class CallPolicy:
    """叫应办法 — the wake matrix and the deadlines, both data; `mark` says no document gives them."""

    wake: Mapping[str, Mapping[str, tuple[str, ...]]]
    asks: Mapping[str, tuple[str, ...]]
    deadline: Mapping[str, timedelta]
    mark: str

    def within(self, level: DivisionLevel, alert: str, at: datetime) -> timedelta:
        """应答时限 — shorter at night, for 红 and for 立即转移."""
        urgent = alert in (AlertLevel.RED, TransferStage.IMMEDIATE) or is_night(at)
        return min(self.deadline["urgent"], self.deadline[level.value]) if urgent else self.deadline[level.value]

    def posts(self, roster: Roster, alert: str, county: str, divisions: Collection[str]) -> list[Post]:
        """叫醒谁 — the posts that a notice of this level obliges in the affected divisions, from the top down."""
        matrix = self.wake.get(alert)
        if matrix is None:
            raise BadInput(f"叫应矩阵没有 {alert} 一级")
        above = roster.county_of(county)
        places = affected(roster, above.id if above else county, divisions)
        found: list[Post] = []
        for level in DivisionLevel:
            kinds = matrix.get(level.value, ())
            for place in places[level] if kinds else ():
                found.extend(roster.posts_of(place, None if "*" in kinds else kinds))
        return found


def affected(roster: Roster, county: str, divisions: Collection[str]) -> dict[DivisionLevel, list[str]]:
    """受影响的区划 — the city and county above, and every township and village inside the named divisions."""
    townships: dict[str, None] = {}
    villages: dict[str, None] = {}
    for identity in sorted(divisions):
        division = roster.division(identity)
        if division.level is DivisionLevel.VILLAGE:
            villages[identity] = None
            above = roster.township_of(identity)
            if above is not None:
                townships[above.id] = None
            continue
        inside = [division] if division.level is DivisionLevel.TOWNSHIP else []
        inside += roster.descendants(identity, DivisionLevel.TOWNSHIP)
        townships.update(dict.fromkeys(item.id for item in inside))
        villages.update(dict.fromkeys(item.id for item in roster.descendants(identity, DivisionLevel.VILLAGE)))
    return {
        DivisionLevel.CITY: [roster.city.id],
        DivisionLevel.COUNTY: [county],
        DivisionLevel.TOWNSHIP: list(townships),
        DivisionLevel.VILLAGE: list(villages),
    }


_DEADLINES = ("city", "county", "township", "village", "urgent", "door", "takeover", "return", "support")
"""时限 — what ladder.toml must give; a gap is found when the program starts, not at night."""


def read_policy(wake: Path, ladder: Path) -> CallPolicy:
    """Read wake.toml and [deadline_min] of ladder.toml."""
    content = tomllib.loads(wake.read_text("utf-8"))
    minutes = tomllib.loads(ladder.read_text("utf-8"))["deadline_min"]
    lacking = [key for key in _DEADLINES if key not in minutes]
    if lacking:
        raise BadInput(f"{ladder.name} 的 deadline_min 缺少 {'、'.join(lacking)}")
    matrix = {
        alert: {level: (kinds,) if isinstance(kinds, str) else tuple(kinds) for level, kinds in row.items()}
        for alert, row in content["wake"].items()
    }
    return CallPolicy(
        wake=matrix,
        asks={level: tuple(kinds) for level, kinds in content.get("asks", {}).items()},
        deadline={key: timedelta(minutes=value) for key, value in minutes.items()},
        mark=str(content.get("mark", "proposed")),
    )


def people_of(items: Iterable[Obligation]) -> list[int]:
    """The persons now being called for these obligations, each once, in order."""
    chosen = (item.deputy if item.rung and item.deputy is not None else item.primary for item in items)
    return list(dict.fromkeys(person for person in chosen if person is not None))


class Owed(Protocol):
    """What is open: whose, and which of the two is being called."""

    notice: int
    primary: int | None
    deputy: int | None
    rung: int


def notices_owed(items: Iterable[Owed], persons: Collection[int]) -> dict[int, list[int]]:
    """Person -> the notices in which he is being called for something open, oldest first."""
    found: dict[int, list[int]] = {}
    for item in items:
        for person in (item.primary, item.deputy if item.rung else None):
            if person is None or person not in persons:
                continue
            if item.notice not in found.setdefault(person, []):
                found[person].append(item.notice)
    return found


def notices_of(ring: Attempt) -> list[int]:
    """What this ring was about: it names all that its person owed."""
    return [int(number) for number in ring.body.get("notices", ())] or [int(ring.group.split(":")[1])]
