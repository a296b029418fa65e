"""人工拨打 — an ordered list that two officers share: one takes a person, rings him, presses what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Response

from shouye.base.access import log_read
from shouye.base.delivery import Receipt
from shouye.base.kernel import BadInput, NotFound
from shouye.base.roster import Person
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, back_to, render
from shouye.during import byhand, call

router = APIRouter(include_in_schema=False)

SHOWN = 40
RESULTS = (Receipt.CONFIRMED, Receipt.HEARD, Receipt.NO_ANSWER, Receipt.OFF, Receipt.BUSY, Receipt.DECLINED)
"""Buttons, in the order in which a call goes well."""


@dataclass(frozen=True)
class Line:
    """名单一行 — a person, what he owes over all notices, and who is ringing him."""

    person: Person
    items: tuple[call.Obligation, ...]
    officer: str
    until: datetime | None

    @property
    def unreached(self) -> bool:
        return any(one.state is call.CallState.UNREACHED for one in self.items)

    @property
    def last_try(self) -> datetime | None:
        return max((one.last_try_at for one in self.items if one.last_try_at is not None), default=None)

    @property
    def urgency(self) -> tuple[bool, datetime, int]:
        """Unreached first, then who falls due first."""
        return (not self.unreached, min(one.due_at for one in self.items), self.person.id)


@router.get("/dial")
def dial_list(visit: Act) -> Response:
    """人工拨打名单."""
    with visit.look() as sight:
        lines = dial_lines(sight)
        mine = next((line for line in lines if line.officer == visit.actor.tag), None)
        notices = {notice.id: notice for notice in sight.in_force}
        spoken = list(dict.fromkeys(one.notice for one in mine.items if one.notice in notices)) if mine else []
        return render(
            visit,
            sight,
            "call/dial.html",
            here="/dial",
            live="#list" if mine else "#next,#list",
            lines=lines[:SHOWN],
            more=len(lines) - SHOWN,
            mine=mine,
            free=next((line for line in lines if not line.officer), None),
            number=sight.roster.contact(mine.person.id) if mine else None,
            script=[call.script(sight.tx, notices[number]) for number in spoken],
            notices=notices,
            results=RESULTS,
            receipts={receipt.value: receipt.word for receipt in Receipt},
        )


@router.post("/dial/{person}/claim")
def claim(visit: Act, person: int) -> Response:
    """我来拨 — shows the number to one officer, and writes down that he saw it."""
    with visit.act() as sight:
        _line(sight, person)
        byhand.claim(sight.tx, visit.actor, person)
        log_read(sight.tx, visit.actor, "dial", f"person:{person}")
    return back_to("/dial")


@router.post("/dial/{person}/release")
def release(visit: Act, person: int) -> Response:
    """放下."""
    with visit.act() as sight:
        byhand.release(sight.tx, visit.actor, person)
    return back_to("/dial")


@router.post("/dial/{person}/result")
def result(visit: Act, person: int, receipt: Annotated[Receipt, Form()]) -> Response:
    """登记结果 — the same ledger as any other answer; then the next one is taken at once."""
    if receipt not in RESULTS:
        raise BadInput("拨打结果")
    with visit.act() as sight:
        line = _line(sight, person)
        for notice in dict.fromkeys(one.notice for one in line.items):
            call.answer_by_hand(sight.tx, visit.actor, notice, person, "manual", receipt)
        byhand.release(sight.tx, visit.actor, person)
    return back_to("/dial")


def dial_lines(sight: Sight) -> list[Line]:
    """Everybody who is still to be reached, by urgency; rows taken by officers stay where they are."""
    claims = byhand.claims(sight.tx, sight.scope)
    by_person: dict[int, list[call.Obligation]] = {}
    for one in call.open_obligations(sight.tx, sight.scope):
        for person in call.people_of([one]):
            by_person.setdefault(person, []).append(one)
    lines = [
        Line(sight.roster.persons[person], tuple(items), *claims.get(person, ("", None)))
        for person, items in by_person.items()
    ]
    return sorted(lines, key=lambda line: line.urgency)


def _line(sight: Sight, person: int) -> Line:
    found = next((line for line in dial_lines(sight) if line.person.id == person), None)
    if found is None:
        raise NotFound("此人已应答或已有人接手")
    return found
