"""到时复核 — the clock's work for notices: look again at what is in force, and at what has fallen."""

from __future__ import annotations

from typing import Any

from shouye.base import tasks
from shouye.base.access import WHOLE
from shouye.base.kernel import Tx, handles, rank_of
from shouye.base.roster import Roster
from shouye.during.warn import store
from shouye.during.warn.model import NoticeState, WarnPolicy
from shouye.during.warn.reacts import HOLD_JOB, weigh_situation
from shouye.during.warn.service import AGAIN_JOB, REVIEW_JOB
from shouye.watch import assess


def review(tx: Tx, payload: dict[str, Any]) -> None:
    """A notice past its review time becomes a task "extend or lift" (unknown clears nothing by itself)."""
    current = store.get_notice(tx, payload["notice"])
    if current is None or current.state is not NoticeState.IN_FORCE or current.review_at > tx.now:
        return
    policy = tx.of(WarnPolicy)
    place = tx.of(Roster).division(current.county).short
    new = tasks.NewTask(
        kind="review",
        group=current.group,
        title=f"复核 {current.number}：{place} {current.term}，延长或撤回",
        division=current.county,
        owner=policy.approvers[0],
        due_at=tx.now + policy.review_within,
        ladder="review",
        detail={"notice": current.id},
    )
    tasks.open_tasks(tx, [new])


def hold(tx: Tx, payload: dict[str, Any]) -> None:
    """After the holding time: if the situation has stayed below the notice, propose to lower or withdraw."""
    hazard, county = payload["hazard"], payload["county"]
    current = store.in_force(tx, hazard, county)
    situation = assess.situation(tx, WHOLE, hazard, county)
    if current is None or rank_of(current.level) != payload["rank"]:
        return
    below_since = situation.changed_at if situation is not None else None
    if below_since is None or tx.now - below_since < tx.of(WarnPolicy).hold:
        return  # it has moved since; the newer change has its own job
    weigh_situation(tx, hazard, county, held_since=below_since)


def again(tx: Tx, payload: dict[str, Any]) -> None:
    """A refusal is not for ever: while the situation stands above what is in force, somebody owes a decision."""
    weigh_situation(tx, payload["hazard"], payload["county"])


handles(AGAIN_JOB, again)
handles(REVIEW_JOB, review)
handles(HOLD_JOB, hold)
