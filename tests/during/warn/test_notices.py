"""叫应通知 — the machine proposes on the ground of what the gauges say; a named post decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shouye.base import tasks
from shouye.base.access import WHOLE, Actor, named
from shouye.base.kernel import Refusal, Tx
from shouye.during import warn
from shouye.during.warn import (
    Act,
    AlreadyDecided,
    NoticeState,
    NotInForce,
    NotYourSignature,
    Proposal,
    ProposalState,
    ReasonNeeded,
    WrongDirection,
)
from shouye.watch import observe
from shouye.watch.observe import Reading
from tests.during.town import DIRECTOR, HOUR, LEADER, MINUTE, NOON, Town


def draft(town: Town, hazard: str = "rainstorm", county: str = "xs-c1") -> Proposal | None:
    return next((item for item in town.pending() if (item.hazard, item.county) == (hazard, county)), None)


def needed(town: Town, hazard: str = "rainstorm") -> Proposal:
    found = draft(town, hazard)
    assert found is not None
    return found


def sign(town: Town, by: Actor = DIRECTOR, hazard: str = "rainstorm") -> warn.Notice:
    with town.act() as tx:
        return warn.approve(tx, by, needed(town, hazard).id)


def state_of(town: Town, proposal: Proposal) -> ProposalState:
    with town.look() as tx:
        return warn.proposal(tx, WHOLE, proposal.id).state


def notices(town: Town) -> list[warn.Notice]:
    with town.look() as tx:
        return warn.notices(tx, WHOLE)


def test_a_crossing_is_proposed_and_nothing_more(town: Town) -> None:
    town.rain(55)
    assert {(item.hazard, item.act, item.level, item.county) for item in town.pending()} == {
        ("rainstorm", Act.ISSUE, "ORANGE", "xs-c1"),
        ("flash_flood", Act.ISSUE, "IMMEDIATE", "xs-c1"),
    }
    proposed = needed(town)
    assert "55" in proposed.reason
    assert proposed.findings
    assert proposed.first_at == proposed.opened_at == NOON + HOUR
    owed = {task.id: task for task in town.owed("approve")}
    assert (owed[proposed.task].owner, owed[proposed.task].due_at) == (DIRECTOR.tag, NOON + HOUR + 3 * MINUTE)
    assert notices(town) == []
    assert town.calls() == [], "nobody is called for a proposal"


def test_a_signature_puts_it_in_force_and_calls(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    signed = sign(town)
    assert (signed.level, signed.state, signed.issued_by, signed.round) == (
        "ORANGE",
        NoticeState.IN_FORCE,
        DIRECTOR.tag,
        1,
    )
    assert signed.findings == proposed.findings
    assert (signed.first_at, signed.found_at) == (proposed.first_at, proposed.found_at)
    assert {unit.notice for unit in town.calls()} == {signed.id}
    with town.look() as tx:
        assert tasks.task(tx, WHOLE, proposed.task).state is tasks.TaskState.DONE


def test_only_a_named_post_signs(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    with town.act() as tx, pytest.raises(NotYourSignature, match="无权签发"):
        warn.approve(tx, named("xs-c1/county_duty"), proposed.id)
    with town.act() as tx, pytest.raises(NotYourSignature):
        warn.refuse(tx, named("xs/city_duty"), proposed.id, "看看再说")
    assert state_of(town, proposed) is ProposalState.PENDING
    assert sign(town, LEADER).issued_by == LEADER.tag


def test_it_is_decided_once(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    sign(town)
    for verb in (
        lambda tx: warn.approve(tx, LEADER, proposed.id),
        lambda tx: warn.refuse(tx, LEADER, proposed.id, "不"),
    ):
        with town.act() as tx, pytest.raises(AlreadyDecided):
            verb(tx)
    assert len([item for item in notices(town) if item.hazard == "rainstorm"]) == 1


def test_unsigned_it_becomes_late_and_stays_owed(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    town.run(10 * MINUTE)
    task = next(task for task in town.owed("approve") if task.id == proposed.task)
    assert task.overdue
    assert state_of(town, proposed) is ProposalState.PENDING


def test_a_refusal_needs_a_reason_and_is_kept(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    with town.act() as tx, pytest.raises(ReasonNeeded, match="写明理由"):
        warn.refuse(tx, DIRECTOR, proposed.id, "  ")
    with town.act() as tx:
        warn.refuse(tx, DIRECTOR, proposed.id, " 测站正在检修 ")
    with town.look() as tx:
        kept = warn.proposal(tx, WHOLE, proposed.id)
    assert (kept.state, kept.decided_by, kept.remark) == (ProposalState.REFUSED, DIRECTOR.tag, "测站正在检修")
    (fact,) = town.facts("ProposalEnded")
    assert fact.body["end"] == "refused"
    assert "测站正在检修" not in str(fact.body), "facts hold ids and values, never words"
    assert [item.hazard for item in notices(town)] == []


def test_both_hazards_of_a_county_are_signed_in_one_act(town: Town) -> None:
    town.rain(55)
    with town.act() as tx:
        signed = warn.approve_together(tx, DIRECTOR, needed(town).id)
    assert sorted(item.hazard for item in signed) == ["flash_flood", "rainstorm"]
    assert town.pending() == []
    head = town.rung(town.person("xs-v3/village_flood_head"))
    assert len(head) == 1, "rung once for both"
    assert all(item.number in head[0].body["text"] for item in signed)


def test_another_county_is_not_signed_along(town: Town) -> None:
    town.rain(55)
    town.read("S2", town.clock.now(), 55)
    with town.act() as tx:
        warn.approve_together(tx, DIRECTOR, needed(town).id)
    assert {item.county for item in town.pending()} == {"xs-c2"}


def test_a_rise_is_proposed_at_once_and_begins_a_new_round(town: Town) -> None:
    town.rain(55)
    first = sign(town)
    town.rain(60)
    rise = needed(town)
    assert (rise.act, rise.level, rise.notice) == (Act.RAISE, "RED", first.id)
    raised = sign(town)
    assert (raised.id, raised.level, raised.round) == (first.id, "RED", 2)
    assert set(first.findings) < set(raised.findings)
    with town.look() as tx:
        assert [(step.act, step.level) for step in warn.revisions(tx, WHOLE, first.id)] == [
            (Act.ISSUE, "ORANGE"),
            (Act.RAISE, "RED"),
        ]


def test_a_rise_before_the_signature_changes_the_proposal_in_place(town: Town) -> None:
    town.rain(55)
    first = needed(town)
    town.rain(60)
    later = needed(town)
    assert (later.id, later.task, later.act, later.level) == (first.id, first.task, Act.ISSUE, "RED")
    with town.look() as tx:
        assert "红" in tasks.task(tx, WHOLE, later.task).title


def test_lowering_waits_for_the_holding_time(town: Town) -> None:
    """55 mm until 13:00: over the 3-hour line until 16:00, over the 6-hour line (黄) until 19:00."""
    town.rain(55)
    signed = sign(town)
    town.rain(0, 0, 0)
    assert draft(town) is None
    town.run(NOON + 4 * HOUR + timedelta(minutes=59, seconds=59))
    assert draft(town) is None
    town.run(NOON + 5 * HOUR)
    fall = needed(town)
    assert (fall.act, fall.level, fall.notice) == (Act.LOWER, "YELLOW", signed.id)
    lowered = sign(town)
    assert (lowered.level, lowered.round, lowered.state) == ("YELLOW", 1, NoticeState.IN_FORCE)


def test_what_rises_again_within_the_holding_time_is_not_lowered(town: Town) -> None:
    town.rain(55)
    sign(town)
    town.rain(0, 0, 0)
    town.run(30 * MINUTE)
    town.read("S1", NOON + 4 * HOUR, 60, revision=1)
    town.run(2 * HOUR)
    assert draft(town) is None


def test_a_proposal_to_lower_goes_when_the_danger_is_back(town: Town) -> None:
    town.rain(55)
    sign(town)
    town.rain(0, 0, 0)
    town.run(70 * MINUTE)
    fall = needed(town)
    town.read("S1", NOON + 4 * HOUR, 60, revision=1)
    assert state_of(town, fall) is ProposalState.DROPPED
    assert draft(town) is None


def test_when_it_has_ended_a_withdrawal_is_proposed(town: Town) -> None:
    town.rain(55)
    signed = sign(town)
    town.rain(*[0] * 14)
    end = needed(town)
    assert (end.act, end.notice) == (Act.WITHDRAW, signed.id)
    gone = sign(town)
    assert (gone.state, gone.withdrawn_at) == (NoticeState.WITHDRAWN, town.clock.now())
    (fact,) = town.facts("NoticeWithdrawn")
    assert fact.body["ground"] == "ended"


def test_a_correction_withdraws_the_ground_at_once(town: Town) -> None:
    """Law 5: a ground that is gone is withdrawn, with the reason."""
    town.rain(55)
    sign(town)
    town.run(5 * MINUTE)
    town.read("S1", NOON + HOUR, 5, revision=1)
    end = needed(town)
    assert (end.act, end.opened_at) == (Act.WITHDRAW, NOON + HOUR + 5 * MINUTE)
    assert "已更正" in end.reason
    sign(town)
    (fact,) = town.facts("NoticeWithdrawn")
    assert fact.body["ground"] == "retracted"


def test_those_reached_hear_that_it_was_an_error(town: Town) -> None:
    town.rain(55)
    sign(town)
    town.run(5 * MINUTE)
    town.read("S1", NOON + HOUR, 5, revision=1)
    sign(town)
    town.run(MINUTE)
    (message,) = town.rung(town.person("xs-v3/village_flood_head"), "tell")
    assert "更正" in message.body["text"]


def test_a_correction_to_a_lower_level_is_proposed_at_once(town: Town) -> None:
    """20 mm an hour before, 35 mm now: 55 in three hours; corrected to 32, the six hours still hold 52 (黄)."""
    town.rain(20, 0, 0, 35)
    assert needed(town).level == "YELLOW"
    town.rain(20)
    assert needed(town).level == "ORANGE"
    signed = sign(town)
    town.read("S1", NOON + 5 * HOUR, 0, revision=1)
    fall = needed(town)
    assert (fall.act, fall.level, fall.notice, fall.opened_at) == (
        Act.LOWER,
        "YELLOW",
        signed.id,
        NOON + 5 * HOUR,
    )


def test_a_ground_corrected_before_the_decision_drops_the_proposal(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    town.read("S1", NOON + HOUR, 5, revision=1)
    with town.look() as tx:
        kept = warn.proposal(tx, WHOLE, proposed.id)
        assert tasks.task(tx, WHOLE, proposed.task).state is tasks.TaskState.CANCELLED
    assert (kept.state, kept.remark) == (ProposalState.DROPPED, "依据已更正")
    assert town.owed() == []
    with town.act() as tx, pytest.raises(AlreadyDecided):
        warn.approve(tx, DIRECTOR, proposed.id)


def test_a_danger_that_passes_undecided_drops_the_proposal(town: Town) -> None:
    town.rain(55)
    proposed = needed(town)
    town.rain(0, 0, 0)
    assert (needed(town).id, needed(town).level) == (proposed.id, "YELLOW"), "it follows the danger down"
    town.rain(*[0] * 9)
    with town.look() as tx:
        kept = warn.proposal(tx, WHOLE, proposed.id)
    assert (kept.state, kept.remark) == (ProposalState.DROPPED, "险情在签发前已低于该级")
    assert notices(town) == []


def test_an_exceedance_already_over_when_learnt_is_never_proposed(town: Town) -> None:
    """Law 5: recorded, not called."""
    hours = [55.0] + [0.0] * 13
    town.run(len(hours) * HOUR)
    with town.act() as tx:
        observe.store_batch(
            tx,
            [
                Reading("S1", "rain_mm", NOON + (at + 1) * HOUR, value, HOUR, 0, "S1")
                for at, value in enumerate(hours)
            ],
        )
    assert town.facts("FindingRaised")
    assert town.facts("NoticeProposed") == []
    assert town.owed() == []


def test_at_its_review_time_somebody_must_extend_or_lift(town: Town) -> None:
    """Law 3: after its review time a thing in force becomes a task; unknown clears nothing."""
    signed = town.notice()
    town.run(3 * HOUR - timedelta(seconds=1))
    assert town.owed("review") == []
    town.run(timedelta(seconds=1))
    (task,) = town.owed("review")
    assert (task.owner, task.detail, task.due_at - task.opened_at) == (
        DIRECTOR.tag,
        {"notice": signed.id},
        30 * MINUTE,
    )
    town.run(10 * HOUR)
    assert [item.state for item in notices(town)] == [NoticeState.IN_FORCE]
    with town.act() as tx:
        warn.extend(tx, DIRECTOR, signed.id, "雨还在下")
    assert town.owed("review") == []
    town.run(3 * HOUR)
    assert len(town.owed("review")) == 1


def test_a_change_puts_the_review_off(town: Town) -> None:
    signed = town.notice("ORANGE")
    town.run(2 * HOUR)
    with town.act() as tx:
        warn.extend(tx, DIRECTOR, signed.id, "雨还在下")
    town.run(2 * HOUR)
    assert town.owed("review") == []
    town.run(HOUR)
    assert len(town.owed("review")) == 1


def test_changes_by_hand_go_the_right_way_with_a_reason(town: Town) -> None:
    signed = town.notice("ORANGE")
    refused: list[tuple[type[Refusal], Callable[[Tx], object]]] = [
        (WrongDirection, lambda tx: warn.raise_level(tx, DIRECTOR, signed.id, "ORANGE", "更大")),
        (WrongDirection, lambda tx: warn.raise_level(tx, DIRECTOR, signed.id, "BLUE", "更大")),
        (WrongDirection, lambda tx: warn.lower(tx, DIRECTOR, signed.id, "ORANGE", "更小")),
        (WrongDirection, lambda tx: warn.lower(tx, DIRECTOR, signed.id, "RED", "更小")),
        (ReasonNeeded, lambda tx: warn.raise_level(tx, DIRECTOR, signed.id, "RED", " ")),
        (ReasonNeeded, lambda tx: warn.lower(tx, DIRECTOR, signed.id, "BLUE", "")),
        (ReasonNeeded, lambda tx: warn.withdraw(tx, DIRECTOR, signed.id, "\n")),
        (ReasonNeeded, lambda tx: warn.extend(tx, DIRECTOR, signed.id, "")),
        (NotYourSignature, lambda tx: warn.withdraw(tx, named("xs-c1/county_duty"), signed.id, "完了")),
        (NotYourSignature, lambda tx: warn.extend(tx, named("xs-c1/county_duty"), signed.id, "再等")),
    ]
    for refusal, verb in refused:
        with town.act() as tx, pytest.raises(refusal):
            verb(tx)
    assert notices(town) == [signed]
    with town.act() as tx:
        assert warn.raise_level(tx, DIRECTOR, signed.id, "RED", "上游告急").round == 2
    with town.act() as tx:
        assert warn.lower(tx, LEADER, signed.id, "BLUE", "雨停").level == "BLUE"
    with town.act() as tx:
        warn.withdraw(tx, LEADER, signed.id, "险情解除")
    with town.act() as tx, pytest.raises(NotInForce, match=signed.number):
        warn.extend(tx, DIRECTOR, signed.id, "再等")


def test_a_rise_by_hand_answers_the_proposal_to_rise(town: Town) -> None:
    """Else it would lie there for ever: nobody can sign a rise to where the notice stands already."""
    town.rain(55)
    signed = sign(town)
    town.rain(60)
    rise = needed(town)
    with town.act() as tx:
        warn.raise_level(tx, DIRECTOR, signed.id, "RED", "上游告急")
    assert state_of(town, rise) is ProposalState.DROPPED
    assert [task.group for task in town.owed("approve")] == ["ground:flash_flood:xs-c1"]


def test_a_fall_by_hand_answers_the_proposal_to_fall(town: Town) -> None:
    town.rain(55)
    signed = sign(town)
    town.rain(0, 0, 0)
    town.run(HOUR)
    fall = needed(town)
    with town.act() as tx:
        warn.lower(tx, DIRECTOR, signed.id, "YELLOW", "雨停")
    assert state_of(town, fall) is ProposalState.DROPPED


def test_a_withdrawal_by_hand_ends_what_is_proposed_for_it(town: Town) -> None:
    town.rain(55)
    signed = sign(town)
    town.rain(60)
    rise = needed(town)
    with town.act() as tx:
        warn.withdraw(tx, DIRECTOR, signed.id, "误报")
    assert state_of(town, rise) is ProposalState.DROPPED
