"""叫应看板 — the obligations of one round as county, townships and villages; unreached first, then by seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from shouye.base.roster import DivisionLevel, Roster
from shouye.during.byhand import Visit
from shouye.during.call import OPEN, Balance, CallState, Evidence, Obligation

WAITING = (CallState.WAITING, CallState.HEARD)

FOLD = 12
"""From more open villages than this the townships are folded, so that all of them stay within reach."""

SHOW: dict[str, tuple[str, Callable[[Obligation], bool]]] = {
    "open": ("未结", lambda one: one.state in OPEN),
    "unreached": ("叫不到", lambda one: one.state is CallState.UNREACHED),
    "waiting": ("等待中", lambda one: one.state in WAITING),
    "handed_over": ("已接手", lambda one: one.state is CallState.HANDED_OVER),
    "all": ("全部", lambda one: True),
}
"""Filters of the board: key -> word, test."""


@dataclass(frozen=True)
class Row:
    """看板一行 — a division and everything below it."""

    division: str
    name: str
    depth: int
    balance: Balance
    last_try: datetime | None
    asleep: int
    weakest: Evidence | None
    receipt: str
    children: tuple[Row, ...] = ()

    @property
    def urgency(self) -> tuple[bool, float]:
        """Sorts unreached first, then by seconds; who was never tried has waited longest."""
        waited = self.last_try.timestamp() if self.last_try else 0.0
        return (self.balance.unreached == 0, waited if self.balance.open else float("inf"))


@dataclass(frozen=True)
class Door:
    """没醒的一处 — its open posts and who walks there, if anybody."""

    division: str
    name: str
    above: str
    posts: int
    answered: int
    tries: int
    receipt: str
    last_try: datetime | None
    late: bool
    unreached: bool
    visit: Visit | None

    @property
    def urgency(self) -> tuple[bool, bool, bool, float]:
        """Those to whom nobody walks first: of them the unreached, then the late, then by seconds."""
        waited = self.last_try.timestamp() if self.last_try else 0.0
        return (self.visit is not None, not self.unreached, not self.late, waited)


@dataclass(frozen=True)
class Board:
    """一轮叫应 — its balance, its tree, the doors; times of the answered."""

    balance: Balance
    villages: int
    asleep: int
    in_time_percent: float | None
    median_answer: timedelta | None
    due_at: datetime | None
    root: Row
    calm: tuple[Row, ...]
    doors: tuple[Door, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def folded(self) -> bool:
        return sum(len(township.children) for township in self.root.children) > FOLD


def board(items: Sequence[Obligation], visits: Sequence[Visit], roster: Roster, county: str, show: str) -> Board:
    """Everything the page says, from the obligations of one round."""
    wanted = SHOW[show][1]
    by_unit: dict[str, list[Obligation]] = {}
    for one in items:
        by_unit.setdefault(one.township or one.division, []).append(one)
    townships = [_township(unit, ones, roster, wanted) for unit, ones in by_unit.items()]
    shown = [row for row in townships if row.children or _any(by_unit[row.division], row.division, wanted)]
    calm = [row for row in townships if row not in shown]
    villages = {one.division for one in items if one.level is DivisionLevel.VILLAGE}
    asleep = sum(row.asleep for row in townships)
    answered = [one for one in items if one.state is CallState.ANSWERED and one.answered_at is not None]
    live = [one for one in items if one.state is not CallState.WITHDRAWN]
    spans = [(one.answered_at - one.opened_at).total_seconds() for one in answered if one.answered_at]
    return Board(
        balance=balance(items),
        villages=len(villages),
        asleep=asleep,
        in_time_percent=100 * sum(not one.late for one in answered) / len(live) if live else None,
        median_answer=timedelta(seconds=median(spans)) if spans else None,
        due_at=min((one.due_at for one in items if one.state in OPEN), default=None),
        root=_row(
            county, roster.division(county).name, 1, items, tuple(sorted(shown, key=lambda row: row.urgency))
        ),
        calm=tuple(calm),
        doors=doors(items, visits, roster),
        counts={key: sum(test(one) for one in items) for key, (_, test) in SHOW.items()},
    )


def balance(items: Iterable[Obligation]) -> Balance:
    """应叫应 = 已应答 + 已接手 + 撤回 + 未结."""
    found = Balance()
    for one in items:
        state = CallState.WAITING if one.state is CallState.HEARD else one.state
        counts = {state.value: 1, "late": int(one.late), "escalated": int(one.escalated)}
        found += Balance(opened=1, **counts)
    return found


def doors(
    items: Sequence[Obligation], visits: Sequence[Visit], roster: Roster, *, waiting: bool = False
) -> tuple[Door, ...]:
    """谁没醒，谁去敲门 — late or unreached places, worst first; with `waiting` those still in time as well."""
    latest = {visit.division: visit for visit in visits}
    late = {one.division for one in items if one.state is CallState.UNREACHED or (one.late and one.state in OPEN)}
    walked = {visit.division for visit in visits if not visit.result}
    found = []
    early = {one.division for one in items if one.state in OPEN} if waiting else set()
    for place in sorted(late | walked | early):
        here = [one for one in items if one.division == place]
        still = [one for one in here if one.state in OPEN]
        newest = max(still, key=lambda one: (one.last_try_at is not None, one.last_try_at, one.id), default=None)
        above = roster.ancestors(place)
        visit = latest.get(place)
        found.append(
            Door(
                division=place,
                name=roster.division(place).short,
                above=above[0].short if above else "",
                posts=len(here),
                answered=len([one for one in here if one.state is CallState.ANSWERED]),
                tries=sum(one.tries for one in still),
                receipt=newest.last_receipt if newest else "",
                last_try=newest.last_try_at if newest else None,
                late=place in late,
                unreached=any(one.state is CallState.UNREACHED for one in here),
                visit=visit if visit is not None and (not visit.result or place in late) else None,
            )
        )
    return tuple(sorted(found, key=lambda door: door.urgency))


def _township(unit: str, ones: Sequence[Obligation], roster: Roster, wanted: Callable[[Obligation], bool]) -> Row:
    places: dict[str, list[Obligation]] = {}
    for one in ones:
        if one.division != unit:
            places.setdefault(one.division, []).append(one)
    children = tuple(
        _row(place, roster.division(place).short, 3, here)
        for place, here in places.items()
        if any(wanted(one) for one in here)
    )
    division = roster.division(unit)
    own = division.level in (DivisionLevel.CITY, DivisionLevel.COUNTY)
    name = f"{division.level.word.removesuffix('级')}本级" if own else division.short
    asleep = sum(_asleep(here) for here in places.values())
    return _row(unit, name, 2, ones, tuple(sorted(children, key=lambda row: row.urgency)), asleep)


def _row(
    division: str,
    name: str,
    depth: int,
    ones: Sequence[Obligation],
    children: tuple[Row, ...] = (),
    asleep: int | None = None,
) -> Row:
    still = [one for one in ones if one.state in OPEN]
    live = [one for one in ones if one.state is not CallState.WITHDRAWN]
    weakest = min(live, key=lambda one: (one.evidence, one.id), default=None)
    count = sum(child.asleep for child in children) if asleep is None else asleep
    return Row(
        division=division,
        name=name,
        depth=depth,
        balance=balance(ones),
        last_try=min((one.last_try_at for one in still if one.last_try_at is not None), default=None),
        asleep=int(_asleep(ones)) if depth == 3 else count,
        weakest=weakest.evidence if weakest else None,
        receipt=weakest.last_receipt if weakest else "",
        children=children,
    )


def _asleep(here: Sequence[Obligation]) -> bool:
    """无一人应答 — a village where calls are open and nobody answers for it."""
    return any(one.level is DivisionLevel.VILLAGE and one.state in OPEN for one in here) and not any(
        one.state in (CallState.ANSWERED, CallState.HANDED_OVER) for one in here
    )


def _any(ones: Sequence[Obligation], unit: str, wanted: Callable[[Obligation], bool]) -> bool:
    return any(one.division == unit and wanted(one) for one in ones)
