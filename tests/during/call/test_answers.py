"""应答 — what settles an obligation, what does not, and whom an answer speaks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base.access import SYSTEM, WHOLE, named
from shouye.base.delivery import Receipt
from shouye.during import byhand, call
from shouye.during.byhand import VisitClosed
from shouye.during.call import CallState, Evidence, NotOnThisList
from tests.during.town import ANSWER_S, DECLINES, HEARS, HOUR, IS_OFF, MINUTE, RINGS_OUT, Town

HEAD_1, WARNER_1 = "xs-v1/village_flood_head", "xs-v1/village_warner"
HEAD_2, WARNER_2 = "xs-v2/village_flood_head", "xs-v2/village_warner"
HEAD_3 = "xs-v3/village_flood_head"


def test_heard_is_not_answered(town: Town) -> None:
    """I06: who picks up but does not confirm is awake, not answering; he is rung on."""
    town.let(HEAD_3, *HEARS)
    town.notice()
    town.run(ANSWER_S * timedelta(seconds=1))
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.evidence, unit.answered_at) == (CallState.HEARD, Evidence.HEARD, None)
    with town.look() as tx:
        assert call.balance(tx, WHOLE).waiting == 2, "heard counts as waiting, beside the post without a holder"
    town.run(3 * MINUTE)
    assert len(town.rung(town.person(HEAD_3))) == 2
    town.let(HEAD_3, Receipt.CONFIRMED)
    town.run(2 * MINUTE)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.evidence) == (CallState.ANSWERED, Evidence.CONFIRMED)


def test_one_ring_and_one_answer_for_all_posts_of_a_person(town: Town) -> None:
    town.notice()
    town.run(MINUTE)
    person = town.person(HEAD_1)
    assert person == town.person(WARNER_1)
    assert len(town.rung(person)) == 1
    assert {(unit.state, unit.answered_by) for unit in town.calls(division="xs-v1")} == {
        (CallState.ANSWERED, person)
    }


def test_one_answer_settles_what_was_said_of_another_notice_too(town: Town) -> None:
    """He rang out when the first notice called; the second ring names both, and one answer is enough."""
    town.let(HEAD_3, *RINGS_OUT)
    one = town.notice()
    town.run(timedelta(seconds=50))
    town.let(HEAD_3, Receipt.CONFIRMED)
    two = town.notice(hazard="flash_flood")
    town.run(ANSWER_S * timedelta(seconds=1))
    (_, second) = town.rung(town.person(HEAD_3))
    assert one.number in second.body["text"]
    assert two.number in second.body["text"]
    assert {unit.state for unit in town.calls() if unit.post == HEAD_3} == {CallState.ANSWERED}


def test_an_answer_does_not_settle_what_came_later(town: Town) -> None:
    """He was on the line for the first notice when the second was signed: he is rung again at once for that."""
    town.notice()
    town.run(timedelta(seconds=20))
    later = town.notice(hazard="flash_flood")
    town.run(timedelta(seconds=ANSWER_S - 20))
    states = [unit.state for unit in town.calls() if unit.post == HEAD_3]
    assert states == [CallState.ANSWERED, CallState.WAITING]
    assert later.number in town.rung(town.person(HEAD_3))[-1].body["text"]
    town.run(timedelta(seconds=ANSWER_S))
    assert town.unit(HEAD_3).state is CallState.ANSWERED


def test_a_deputy_who_was_on_the_line_is_rung_as_deputy_afterwards(town: Town) -> None:
    """In v2 one refuses both notices at once while his deputy's telephone still rings for the first of them."""
    chief, deputy = town.person(HEAD_2), town.person(HEAD_2, 1)
    town.answers[HEAD_2] = replace(town.usual, ring_s=(2, 2), listen_s=(3, 3), script=DECLINES)
    town.let(WARNER_2, *RINGS_OUT)
    town.notice()
    town.run(timedelta(seconds=2))
    later = town.notice(hazard="flash_flood")
    town.run(timedelta(seconds=58))
    unit = next(unit for unit in town.calls(later.id) if unit.post == HEAD_2)
    assert (unit.deputy, unit.rung) == (deputy, 1)
    assert len(town.rung(chief)) == 2, "he has refused each notice once and is not asked again"
    assert len(town.rung(deputy)) == 2


def test_the_crossed_deputy_answers_only_for_himself(town: Town) -> None:
    """In v2 two persons are each other's deputy: the one who answers does not answer for the other."""
    town.let(HEAD_2, *IS_OFF)
    town.notice()
    town.run(MINUTE)
    assert town.unit(WARNER_2).state is CallState.ANSWERED
    assert town.unit(HEAD_2).state is CallState.WAITING
    town.let(HEAD_2, Receipt.OFF, Receipt.OFF, Receipt.OFF, Receipt.CONFIRMED)
    town.run(5 * MINUTE)
    assert town.person(HEAD_2, 1) == town.person(WARNER_2)
    assert len(town.rung(town.person(HEAD_2, 1))) == 2


def test_who_cannot_come_is_followed_by_his_deputy_at_once(town: Town) -> None:
    town.let("xs-t1/township_duty", *DECLINES)
    town.notice()
    town.run(timedelta(seconds=ANSWER_S))
    unit = town.unit("xs-t1/township_duty")
    assert (unit.rung, unit.tries, unit.last_receipt) == (1, 2, "declined")
    (ring,) = town.rung(town.person("xs-t1/township_duty", 1))
    assert ring.opened_at - unit.opened_at == timedelta(seconds=ANSWER_S)
    town.run(3 * MINUTE)
    assert len(town.rung(town.person("xs-t1/township_duty"))) == 1, "who said no is not rung again"


def test_an_officer_dials_and_the_person_confirms(town: Town) -> None:
    town.let(HEAD_3, *RINGS_OUT)
    signed = town.notice()
    town.run(MINUTE)
    person = town.person(HEAD_3)
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, signed.id, person, "manual", Receipt.NO_ANSWER)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.tries, unit.last_receipt) == (CallState.WAITING, 2, "no_answer")
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, signed.id, person, "manual", Receipt.CONFIRMED)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.answered_by, unit.evidence, unit.tries) == (
        CallState.ANSWERED,
        person,
        Evidence.CONFIRMED,
        3,
    )


def test_an_officer_who_dials_the_deputy_is_heard(town: Town) -> None:
    """Before the ladder has come to him: nobody may confirm on the telephone and still be counted as silent."""
    town.let("xs-t1/township_duty", *RINGS_OUT)
    signed = town.notice()
    town.run(MINUTE)
    deputy = town.person("xs-t1/township_duty", 1)
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, signed.id, deputy, "manual", Receipt.CONFIRMED)
    unit = town.unit("xs-t1/township_duty")
    assert (unit.state, unit.answered_by) == (CallState.ANSWERED, deputy)


def test_without_a_telephone_the_list_turns_to_the_deputy(tmp_path: Path) -> None:
    """Where nothing rings by itself the ladder still says whom the officers should dial now."""
    town = Town(tmp_path, telephone=False)
    town.notice()
    unit = town.unit("xs-t1/township_duty")
    assert call.people_of([unit]) == [unit.primary]
    town.run(6 * MINUTE)
    unit = town.unit("xs-t1/township_duty")
    assert call.people_of([unit]) == [unit.deputy]
    assert unit.tries == 0, "nobody has dialled"


def test_somebody_who_is_not_on_the_list_cannot_answer(town: Town) -> None:
    signed = town.notice()
    with town.act() as tx, pytest.raises(NotOnThisList, match="没有要应答"):
        call.answer_by_hand(tx, SYSTEM, signed.id, town.person("xs-c2/county_duty"), "manual", Receipt.CONFIRMED)


def test_a_report_by_hand_does_not_leave_the_line_engaged(town: Town) -> None:
    """到岗 pressed on the page closes its own record: the person can be rung for the next notice."""
    signed = town.notice()
    town.run(MINUTE)
    person = town.person(HEAD_3)
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, signed.id, person, "phone_page", Receipt.ON_POST)
    assert town.unit(HEAD_3).evidence is Evidence.ON_POST
    assert town.rung(person)[-1].closed_at is not None
    town.notice("RED")
    town.run(MINUTE)
    assert town.unit(HEAD_3).state is CallState.ANSWERED


def test_who_is_woken_at_the_door_is_verified_by_another(town: Town) -> None:
    town.let(HEAD_3, *IS_OFF)
    signed = town.notice()
    town.run(HOUR)
    visitor = town.person("xs-t2/township_duty")
    with town.act() as tx:
        one = byhand.send_visitor(
            tx, named("xs-t2/township_duty"), signed.id, "xs-v3", minutes=10, visitor=visitor
        )
        two = byhand.send_visitor(
            tx, named("xs-t2/township_duty"), signed.id, "xs-v3", minutes=10, visitor=visitor
        )
    with town.act() as tx:
        byhand.end_visit(tx, SYSTEM, one, found=False)
    assert town.unit(HEAD_3).state is CallState.UNREACHED
    with town.act() as tx:
        byhand.end_visit(tx, SYSTEM, two, found=True)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.evidence, unit.answered_by) == (
        CallState.ANSWERED,
        Evidence.VERIFIED,
        town.person(HEAD_3),
    )
    with town.act() as tx, pytest.raises(VisitClosed):
        byhand.end_visit(tx, SYSTEM, two, found=False)
    with town.look() as tx:
        assert [visit.result for visit in byhand.visits(tx, WHOLE, signed.id)] == ["not_found", "found"]


def test_villages_owe_their_figures_and_bring_them(town: Town) -> None:
    """立即转移: on post and people moved are asked for, by village and by a time."""
    signed = town.notice("IMMEDIATE", hazard="flash_flood")
    owed = {task.division: task for task in town.owed("return")}
    assert sorted(owed) == ["xs-v1", "xs-v2", "xs-v3"]
    assert {task.due_at - signed.issued_at for task in owed.values()} == {30 * MINUTE}
    town.run(HOUR)
    assert town.owed("return") == []
    with town.look() as tx:
        reports = call.reports(tx, WHOLE, signed.id)
    assert {report.kind for report in reports} == {"on_post", "moved"}
    assert all(report.value is not None for report in reports if report.kind == "moved")
    assert town.unit(HEAD_3).evidence is Evidence.ON_POST


def test_figures_that_do_not_come_stay_owed(town: Town) -> None:
    town.let("xs-v3", *IS_OFF)
    town.notice("IMMEDIATE", hazard="flash_flood")
    town.run(HOUR)
    (still,) = town.owed("return")
    assert (still.division, still.overdue) == ("xs-v3", True)
