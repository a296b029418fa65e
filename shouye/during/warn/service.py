"""拟稿、签发、升级、降级、撤回 — the verbs of notices. The machine proposes; a named post decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shouye.base import tasks
from shouye.base.access import SYSTEM, WHOLE, Actor, Scope, concerns, covers
from shouye.base.kernel import NotFound, Tx, enqueue, rank_of, record, word_of
from shouye.base.roster import Roster
from shouye.during.warn import store
from shouye.during.warn.facts import (
    NoticeExtended,
    NoticeIssued,
    NoticeLowered,
    NoticeProposed,
    NoticeRaised,
    NoticeWithdrawn,
    ProposalEnded,
)
from shouye.during.warn.model import (
    Act,
    AlreadyDecided,
    Notice,
    NoticeState,
    NotInForce,
    Proposal,
    ProposalState,
    ReasonNeeded,
    Revision,
    WarnPolicy,
    WrongDirection,
    wanted,
)
from shouye.watch import assess

AGAIN_JOB = "warn.again"
"""作业 — a proposal was refused: if the danger still stands after a while, it is proposed again."""

REVIEW_JOB = "warn.review"
"""作业 — look again at a notice when its review time comes."""


@dataclass(frozen=True)
class Ground:
    """依据 — what a proposal rests on: the level reached, where, since when, and why in words."""

    hazard: str
    term: str
    county: str
    level: str
    divisions: tuple[str, ...]
    reason: str
    findings: tuple[int, ...]
    first_at: datetime
    found_at: datetime


def propose(tx: Tx, act: Act, ground: Ground) -> int:
    """拟稿 — one pending proposal per hazard and county: a newer ground changes it in place."""
    current = store.in_force(tx, ground.hazard, ground.county)
    title = _title(tx, act, ground, current)
    pending = store.pending(tx, ground.hazard, ground.county)
    content = {
        "act": act.value,
        "level": ground.level,
        "divisions": list(ground.divisions),
        "reason": ground.reason,
        "findings": list(ground.findings),
        "first_at": ground.first_at,
        "found_at": ground.found_at,
    }
    if pending is not None:
        if (pending.act, pending.level, pending.findings) == (act, ground.level, ground.findings):
            return pending.id
        store.update_proposal(tx, pending.id, content)
        tasks.retitle(tx, pending.task, title, {"proposal": pending.id})
        number = pending.id
    else:
        number = _open_proposal(tx, ground, content, title, current)
    record(
        tx,
        NoticeProposed(
            subject=f"proposal:{number}",
            act=act.value,
            hazard=ground.hazard,
            county=ground.county,
            level=ground.level,
            findings=list(ground.findings),
        ),
    )
    return number


def _open_proposal(tx: Tx, ground: Ground, content: dict[str, Any], title: str, current: Notice | None) -> int:
    policy = tx.of(WarnPolicy)
    new = tasks.NewTask(
        kind="approve",
        group=f"ground:{ground.hazard}:{ground.county}",
        title=title,
        division=ground.county,
        owner=policy.approvers[0],
        due_at=tx.now + policy.approve_within,
        ladder="approve",
    )
    (task,) = tasks.open_tasks(tx, [new])
    number = store.insert_proposal(
        tx,
        {
            **content,
            "notice": current.id if current else None,
            "hazard": ground.hazard,
            "term": ground.term,
            "county": ground.county,
            "opened_at": tx.now,
            "task": task,
            "state": ProposalState.PENDING.value,
            "remark": "",
        },
    )
    tasks.retitle(tx, task, title, {"proposal": number})
    return number


def drop(tx: Tx, hazard: str, county: str, why: str) -> None:
    """作罢 — the ground went before anyone decided; the proposal is kept, with the reason."""
    pending = store.pending(tx, hazard, county)
    if pending is not None:
        _end(tx, pending, ProposalState.DROPPED, SYSTEM, why)


def refuse(tx: Tx, by: Actor, proposal: int, reason: str) -> None:
    """不予签发 — a post says no, and why."""
    by = tx.of(WarnPolicy).signer(by)
    if not reason.strip():
        raise ReasonNeeded
    draft = _pending(tx, by, proposal)
    _end(tx, draft, ProposalState.REFUSED, by, reason.strip())
    again = tx.now + tx.of(WarnPolicy).review_within
    payload = {"hazard": draft.hazard, "county": draft.county}
    enqueue(tx, kind=AGAIN_JOB, lane=f"situation:{draft.hazard}:{draft.county}", due_at=again, payload=payload)


def approve(tx: Tx, by: Actor, proposal: int, remark: str = "") -> Notice:
    """签发 — a named post signs what was proposed; from then on it is in force."""
    by = tx.of(WarnPolicy).signer(by)
    draft = _pending(tx, by, proposal)
    decided = {
        "state": ProposalState.APPROVED.value,
        "decided_at": tx.now,
        "decided_by": by.signs_as,
        "remark": remark,
    }
    if not store.update_proposal(tx, proposal, decided):
        raise AlreadyDecided
    tasks.complete(tx, by, [draft.task])
    current = store.in_force(tx, draft.hazard, draft.county)
    if draft.act is Act.ISSUE or current is None:
        return _issue(tx, draft, by)
    if draft.act is Act.RAISE:
        return raise_level(tx, by, current.id, draft.level, draft.reason, draft)
    if draft.act is Act.LOWER:
        return lower(tx, by, current.id, draft.level, draft.reason)
    return withdraw(tx, by, current.id, draft.reason, ground=_why_gone(tx, draft))


def _why_gone(tx: Tx, draft: Proposal) -> str:
    """An error, when no finding that it rested on still stands; else the danger has ended."""
    rested_on = [assess.finding(tx, WHOLE, number) for number in draft.findings]
    return "retracted" if rested_on and all(item.retracted_at for item in rested_on) else "ended"


def approve_together(tx: Tx, by: Actor, proposal: int, remark: str = "") -> list[Notice]:
    """一并签发 — sign a proposal and every rise that lies for the same county, so that people are rung once."""
    draft = _pending(tx, by, proposal)
    beside = [
        other.id
        for other in store.proposals(tx, only_pending=True)
        if other.county == draft.county and other.id != draft.id and other.act in (Act.ISSUE, Act.RAISE)
    ]
    also = beside if draft.act in (Act.ISSUE, Act.RAISE) else []
    return [approve(tx, by, number, remark) for number in (proposal, *also)]


def raise_level(tx: Tx, by: Actor, notice: int, level: str, reason: str, draft: Proposal | None = None) -> Notice:
    """升级 — the same notice at a higher level; a new round wakes everybody it concerns."""
    by, current = _may_change(tx, by, notice, reason)
    if rank_of(level) <= rank_of(current.level):
        raise WrongDirection
    values: dict[str, Any] = {"round": current.round + 1}
    if draft is not None:
        values["divisions"] = sorted({*current.divisions, *draft.divisions})
        values["findings"] = sorted({*current.findings, *draft.findings})
    changed = _change(tx, current, Act.RAISE, level, by, reason, values)
    record(tx, NoticeRaised(subject=changed.group, actor=by.signs_as, **_announcement(changed)))
    return changed


def lower(tx: Tx, by: Actor, notice: int, level: str, reason: str) -> Notice:
    """降级。"""
    by, current = _may_change(tx, by, notice, reason)
    if not 0 < rank_of(level) < rank_of(current.level):
        raise WrongDirection
    changed = _change(tx, current, Act.LOWER, level, by, reason, {})
    record(tx, NoticeLowered(subject=changed.group, actor=by.signs_as, number=changed.number, level=level))
    return changed


def withdraw(tx: Tx, by: Actor, notice: int, reason: str, ground: str = "decided") -> Notice:
    """撤回 — no longer in force; `ground` says whether the danger ended, was an error, or a post decided."""
    by, current = _may_change(tx, by, notice, reason)
    gone = {"state": NoticeState.WITHDRAWN.value, "withdrawn_at": tx.now}
    changed = _change(tx, current, Act.WITHDRAW, current.level, by, reason, gone)
    record(tx, NoticeWithdrawn(subject=changed.group, actor=by.signs_as, number=changed.number, ground=ground))
    drop(tx, changed.hazard, changed.county, "通知已撤回")
    return changed


def extend(tx: Tx, by: Actor, notice: int, reason: str) -> Notice:
    """延长 — looked at again and left in force until the next review."""
    by, current = _may_change(tx, by, notice, reason)
    changed = _change(tx, current, Act.EXTEND, current.level, by, reason, {})
    record(tx, NoticeExtended(subject=changed.group, actor=by.signs_as, number=changed.number))
    return changed


def notice(tx: Tx, scope: Scope, number: int) -> Notice:
    found = store.get_notice(tx, number)
    if found is None or not concerns(tx, scope, found.county):
        raise NotFound(f"通知 {number}")
    return found


def notices(tx: Tx, scope: Scope, *, only_in_force: bool = False) -> list[Notice]:
    """通知 — those of counties that concern the scope."""
    found = store.notices(tx, only_in_force=only_in_force)
    return [one for one in found if concerns(tx, scope, one.county)]


def notice_for(tx: Tx, scope: Scope, hazard: str, county: str) -> Notice | None:
    """The notice in force for a hazard in a county, if any."""
    return store.in_force(tx, hazard, county) if concerns(tx, scope, county) else None


def proposal(tx: Tx, scope: Scope, number: int) -> Proposal:
    found = store.get_proposal(tx, number)
    if found is None or not concerns(tx, scope, found.county):
        raise NotFound(f"拟稿 {number}")
    return found


def proposal_of_task(tx: Tx, scope: Scope, task: int) -> Proposal | None:
    found = store.proposal_of_task(tx, task)
    return found if found is not None and concerns(tx, scope, found.county) else None


def proposals(tx: Tx, scope: Scope, *, only_pending: bool = False) -> list[Proposal]:
    """拟稿 — those of counties that concern the scope."""
    found = store.proposals(tx, only_pending=only_pending)
    return [one for one in found if concerns(tx, scope, one.county)]


def revisions(tx: Tx, scope: Scope, number: int) -> list[Revision]:
    """What was done to a notice, in order: level, by whom, why."""
    notice(tx, scope, number)
    return store.revisions(tx, number)


def _issue(tx: Tx, draft: Proposal, by: Actor) -> Notice:
    policy = tx.of(WarnPolicy)
    values = {
        "number": f"N-{store.count_notices(tx) + 1:02d}",
        "hazard": draft.hazard,
        "term": draft.term,
        "county": draft.county,
        "level": draft.level,
        "divisions": list(draft.divisions),
        "reason": draft.reason,
        "findings": list(draft.findings),
        "state": NoticeState.IN_FORCE.value,
        "first_at": draft.first_at,
        "found_at": draft.found_at,
        "proposed_at": draft.opened_at,
        "issued_at": tx.now,
        "issued_by": by.signs_as,
        "review_at": tx.now + policy.review_after,
        "round": 1,
    }
    issued = notice(tx, WHOLE, store.insert_notice(tx, values))
    store.insert_revision(tx, Revision(issued.id, tx.now, Act.ISSUE, issued.level, by.signs_as, issued.reason))
    _schedule_review(tx, issued)
    record(tx, NoticeIssued(subject=issued.group, actor=by.signs_as, **_announcement(issued)))
    return issued


def _change(
    tx: Tx, current: Notice, act: Act, level: str, by: Actor, reason: str, values: dict[str, Any]
) -> Notice:
    policy = tx.of(WarnPolicy)
    changes: dict[str, Any] = {"level": level, "review_at": tx.now + policy.review_after}
    if act is Act.RAISE:
        changes["reason"] = (
            reason  # the notice says why it has its level; why it fell or ended is in its revisions
        )
    if act is not Act.WITHDRAW:
        changes["updated_at"] = tx.now
    if not store.update_notice(tx, current.id, {**changes, **values}):
        raise NotInForce(current.number)
    store.insert_revision(tx, Revision(current.id, tx.now, act, level, by.signs_as, reason))
    changed = notice(tx, WHOLE, current.id)
    answered = store.pending(tx, changed.hazard, changed.county)
    if answered and answered.act in (Act.RAISE, Act.LOWER) and wanted(level, answered.level) is not answered.act:
        drop(tx, changed.hazard, changed.county, "通知已调整到该级")
    reviews = tasks.in_group(tx, changed.group, "review")
    tasks.complete(tx, by, [task.id for task in reviews])
    if changed.state is NoticeState.IN_FORCE:
        _schedule_review(tx, changed)
    return changed


def _schedule_review(tx: Tx, current: Notice) -> None:
    enqueue(tx, kind=REVIEW_JOB, lane=current.group, due_at=current.review_at, payload={"notice": current.id})


def _may_change(tx: Tx, by: Actor, number: int, reason: str) -> tuple[Actor, Notice]:
    by = tx.of(WarnPolicy).signer(by)
    if not reason.strip():
        raise ReasonNeeded
    current = notice(tx, by.scope, number)
    if not covers(tx, by.scope, current.county):
        raise NotFound(f"通知 {number}")
    if current.state is not NoticeState.IN_FORCE:
        raise NotInForce(current.number)
    return by, current


def _pending(tx: Tx, by: Actor, number: int) -> Proposal:
    draft = proposal(tx, by.scope, number)
    if not covers(tx, by.scope, draft.county):
        raise NotFound(f"拟稿 {number}")
    if draft.state is not ProposalState.PENDING:
        raise AlreadyDecided
    return draft


def _end(tx: Tx, draft: Proposal, state: ProposalState, by: Actor, why: str) -> None:
    ended = {"state": state.value, "decided_at": tx.now, "decided_by": by.signs_as, "remark": why}
    if not store.update_proposal(tx, draft.id, ended):
        raise AlreadyDecided
    (tasks.complete if state is ProposalState.REFUSED else tasks.cancel)(tx, by, [draft.task])
    record(
        tx,
        ProposalEnded(
            subject=f"proposal:{draft.id}",
            actor=by.signs_as,
            end=state.value,
            hazard=draft.hazard,
            county=draft.county,
            level=draft.level,
        ),
    )


def _announcement(current: Notice) -> dict[str, Any]:
    return {
        "number": current.number,
        "hazard": current.hazard,
        "county": current.county,
        "level": current.level,
        "divisions": list(current.divisions),
        "round": current.round,
    }


def _title(tx: Tx, act: Act, ground: Ground, current: Notice | None) -> str:
    place = tx.of(Roster).division(ground.county).short
    what = f"{place} {ground.term} {word_of(ground.level)}"
    return f"{act.word}叫应通知：{what}" if current is None else f"{act.word} {current.number}：{what}"
