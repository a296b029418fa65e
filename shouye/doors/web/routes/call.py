"""叫应 — obligations with their balance, and an answer recorded by hand."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from shouye.base.access import log_read
from shouye.base.delivery import Receipt
from shouye.base.kernel import BadInput, NotFound
from shouye.base.roster import DivisionLevel
from shouye.doors.web.api import Number, View
from shouye.doors.web.api import router as api
from shouye.doors.web.pages.call.dial import RESULTS
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import ApiAct, ApiSee
from shouye.during import call, warn

router = api("叫应")


class BalanceView(View):
    """平衡 — opened = answered + handed_over + withdrawn + waiting + unreached."""

    opened: int
    answered: int
    handed_over: int
    withdrawn: int
    waiting: int
    unreached: int
    late: int
    escalated: int


class ObligationView(View):
    """一件叫应 — notice × division × post; people by number, their names and telephones are not here."""

    id: int
    notice: int
    round: int
    division: str
    township: str
    level: DivisionLevel
    post: str
    state: call.CallState
    primary: int | None
    deputy: int | None
    tries: int
    opened_at: datetime
    due_at: datetime
    first_try_at: datetime | None
    last_try_at: datetime | None
    last_receipt: str
    answered_at: datetime | None
    answered_by: int | None
    evidence: call.Evidence
    late: bool
    escalated: bool
    handed_to: str
    closed_at: datetime | None


class Calls(View):
    """一份通知的叫应 — of its present round, within the scope of who asks."""

    balance: BalanceView
    obligations: list[ObligationView]


class Answer(BaseModel):
    """登记应答 — what came of ringing this person."""

    person: int
    receipt: Receipt


@router.get("/notices/{number}/calls")
def calls(visit: ApiSee, number: Number) -> Calls:
    """叫应。"""
    with visit.look() as sight:
        return _calls(sight, number)


@router.post("/notices/{number}/answers")
def answer(visit: ApiAct, number: Number, said: Answer) -> Calls:
    """登记应答 — the same ledger as the button of the dial list."""
    if said.receipt not in RESULTS:
        raise BadInput("拨打结果")
    with visit.act() as sight:
        warn.notice(sight.tx, sight.scope, number)
        if not call.obligations_of(sight.tx, sight.scope, number, said.person):
            raise NotFound("此人在这份通知里没有叫应")
        call.answer_by_hand(sight.tx, visit.actor, number, said.person, "manual", said.receipt)
        log_read(sight.tx, visit.actor, "answer", f"person:{said.person}")
        return _calls(sight, number)


def _calls(sight: Sight, number: int) -> Calls:
    notice = warn.notice(sight.tx, sight.scope, number)
    items = [
        ObligationView.model_validate(one)
        for one in call.obligations(sight.tx, sight.scope, number)
        if one.round == notice.round
    ]
    return Calls(balance=BalanceView.model_validate(sight.balance(number)), obligations=items)
