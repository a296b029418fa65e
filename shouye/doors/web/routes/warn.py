"""叫应通知 — read, sign, refuse, change the level, extend, withdraw. The room decides who may sign."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from shouye.base.kernel import BadInput, rank_of
from shouye.doors.web.api import Number, View
from shouye.doors.web.api import router as api
from shouye.doors.web.pages.warn.page import DraftChanged, levels_of
from shouye.doors.web.pages.warn.pending import Pending, together
from shouye.doors.web.visit import ApiIssue, ApiSee
from shouye.during import warn

router = api("通知")


class NoticeView(View):
    """叫应通知。"""

    id: int
    number: str
    hazard: str
    term: str
    county: str
    level: str
    divisions: list[str]
    reason: str
    findings: list[int]
    state: warn.NoticeState
    first_at: datetime
    found_at: datetime
    proposed_at: datetime
    issued_at: datetime
    issued_by: str
    updated_at: datetime | None
    withdrawn_at: datetime | None
    review_at: datetime
    round: int


class RevisionView(View):
    """通知的一次变动。"""

    at: datetime
    act: warn.Act
    level: str
    by: str
    reason: str


class ProposalView(View):
    """拟稿 — `seen` is what the signer has before his eyes: it is sent back with the signature."""

    id: int
    notice: int | None
    hazard: str
    term: str
    county: str
    act: warn.Act
    level: str
    divisions: list[str]
    reason: str
    findings: list[int]
    opened_at: datetime
    together_with: list[int]
    wakes: int
    seen: str


class Signature(BaseModel):
    """签发。"""

    seen: str = Field(max_length=2000, description="所见，取自拟稿的 seen")


class Reason(BaseModel):
    """理由。"""

    reason: str = Field(min_length=1, max_length=400)


class LevelChange(Reason):
    """升级或降级 — the direction follows from the level chosen."""

    level: str = Field(max_length=20)


@router.get("/notices")
def notices(visit: ApiSee, in_force: bool = False) -> list[NoticeView]:
    """通知 — all of them, or only those in force."""
    with visit.look() as sight:
        return [NoticeView.model_validate(one) for one in (sight.in_force if in_force else sight.notices)]


@router.get("/notices/{number}")
def notice(visit: ApiSee, number: Number) -> NoticeView:
    """一件通知。"""
    with visit.look() as sight:
        return NoticeView.model_validate(warn.notice(sight.tx, sight.scope, number))


@router.get("/notices/{number}/revisions")
def revisions(visit: ApiSee, number: Number) -> list[RevisionView]:
    """通知的变动 — what was done to it, by whom and why."""
    with visit.look() as sight:
        return [RevisionView.model_validate(one) for one in warn.revisions(sight.tx, sight.scope, number)]


@router.post("/notices/{number}/level")
def change_level(visit: ApiIssue, number: Number, change: LevelChange) -> NoticeView:
    """升级或降级。"""
    with visit.act() as sight:
        found = warn.notice(sight.tx, sight.scope, number)
        if change.level not in [one.value for one in levels_of(found)]:
            raise BadInput("级别")
        verb = warn.raise_level if rank_of(change.level) > rank_of(found.level) else warn.lower
        done = verb(sight.tx, visit.actor, number, change.level, change.reason)
        return NoticeView.model_validate(done)


@router.post("/notices/{number}/extend")
def extend(visit: ApiIssue, number: Number, why: Reason) -> NoticeView:
    """延长。"""
    with visit.act() as sight:
        return NoticeView.model_validate(warn.extend(sight.tx, visit.actor, number, why.reason))


@router.post("/notices/{number}/withdraw")
def withdraw(visit: ApiIssue, number: Number, why: Reason) -> NoticeView:
    """撤回。"""
    with visit.act() as sight:
        return NoticeView.model_validate(warn.withdraw(sight.tx, visit.actor, number, why.reason))


@router.get("/proposals")
def proposals(visit: ApiSee) -> list[ProposalView]:
    """待批的拟稿 — those of one county are signed with one signature."""
    with visit.look() as sight:
        return [_proposal(draft, press) for press in together(sight) for draft in press.drafts]


@router.post("/proposals/{number}/sign")
def sign(visit: ApiIssue, number: Number, signature: Signature) -> list[NoticeView]:
    """签发 — exactly what was seen; people are woken from here on."""
    with visit.act() as sight:
        shown = next((one for one in together(sight) if number in one.numbers), None)
        if shown is not None and shown.seen != signature.seen:
            raise DraftChanged
        signed = warn.approve_together(sight.tx, visit.actor, number)
        return [NoticeView.model_validate(one) for one in signed]


@router.post("/proposals/{number}/refuse", status_code=204)
def refuse(visit: ApiIssue, number: Number, why: Reason) -> None:
    """不予签发。"""
    with visit.act() as sight:
        warn.refuse(sight.tx, visit.actor, number, why.reason)


def _proposal(draft: warn.Proposal, press: Pending) -> ProposalView:
    return ProposalView(
        **{name: getattr(draft, name) for name in _OF_DRAFT},
        together_with=[number for number in press.numbers if number != draft.id],
        wakes=sum(press.total.values()),
        seen=press.seen,
    )


_OF_DRAFT = ProposalView.model_fields.keys() - {"together_with", "wakes", "seen"}
