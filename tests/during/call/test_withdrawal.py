"""撤回与升降级 — open calls end, a new round begins, and exactly those who were reached are told."""

from __future__ import annotations

from datetime import timedelta

from shouye.base.access import WHOLE
from shouye.during import call, warn
from shouye.during.call import CallState
from shouye.during.warn.service import Ground, propose
from tests.during.town import DECLINES, DIRECTOR, HEARS, HOUR, IS_OFF, MINUTE, RINGS_OUT, Town

HEAD_3 = "xs-v3/village_flood_head"


def told(town: Town, word: str = "撤回") -> dict[int, int]:
    """How often each person was sent a message with this word."""
    with town.look() as tx:
        everybody = {
            person for unit in call.obligations(tx, WHOLE) for person in (unit.primary, unit.deputy) if person
        }
    counts = {person: sum(word in ring.body["text"] for ring in town.rung(person, "tell")) for person in everybody}
    return {person: count for person, count in counts.items() if count}


def lift(town: Town, signed: warn.Notice) -> None:
    with town.act() as tx:
        warn.withdraw(tx, DIRECTOR, signed.id, "险情解除")
    town.run(MINUTE)


def test_open_calls_end_and_those_reached_are_told_once(town: Town) -> None:
    """I08: 解除 received -> open calls closed, "lifted" sent once, to nobody who was not reached."""
    town.let("xs-v3", *IS_OFF)
    signed = town.notice()
    town.run(MINUTE)
    lift(town, signed)
    assert told(town) == {unit.answered_by: 1 for unit in town.calls() if unit.answered_by is not None}
    assert {unit.state for unit in town.calls()} == {CallState.ANSWERED, CallState.WITHDRAWN}
    rings = len(town.rung(town.person(HEAD_3)))
    town.run(HOUR)
    assert len(town.rung(town.person(HEAD_3))) == rings
    assert town.owed() == []
    with town.look() as tx:
        balance = call.balance(tx, WHOLE)
    assert balance.holds
    assert (balance.withdrawn, balance.open) == (2, 0)


def test_who_only_heard_is_told_though_his_deputy_was_rung_since(town: Town) -> None:
    """The deputy was rung and rang out: he has heard nothing, and hears nothing now."""
    post = "xs-t1/township_duty"
    town.let(post, *HEARS, *RINGS_OUT)
    signed = town.notice()
    town.run(MINUTE)
    town.let(post, *RINGS_OUT)
    town.run(5 * MINUTE)
    assert town.unit(post).rung == 1
    lift(town, signed)
    assert told(town).get(town.person(post)) == 1
    assert town.person(post, 1) not in told(town)


def test_who_declined_knows_of_it_and_is_told(town: Town) -> None:
    town.let("xs-t2/township_duty", *DECLINES)
    signed = town.notice()
    town.run(MINUTE)
    lift(town, signed)
    assert told(town).get(town.person("xs-t2/township_duty")) == 1


def test_who_confirms_after_the_withdrawal_is_told_too(town: Town) -> None:
    """He was on the line when it was lifted: without a word he would go out into the night."""
    signed = town.notice()
    town.run(timedelta(seconds=20))
    lift(town, signed)
    town.run(MINUTE)
    assert told(town).get(town.person(HEAD_3)) == 1
    assert town.unit(HEAD_3).state is CallState.WITHDRAWN


def test_a_rise_wakes_everybody_anew(town: Town) -> None:
    """An answer to 橙 is not an answer to 红; what the first round left open is withdrawn into the second."""
    town.let("xs-v3", *IS_OFF)
    town.notice()
    town.run(MINUTE)
    town.notice("RED")
    rounds = [(unit.round, unit.state) for unit in town.calls(division="xs-v3")]
    assert rounds == [(1, CallState.WITHDRAWN)] * 2 + [(2, CallState.WAITING)] * 2
    assert [unit.state for unit in town.calls(division="xs-v1")] == [CallState.ANSWERED] * 2 + [
        CallState.WAITING
    ] * 2
    with town.look() as tx:
        assert all(balance.holds for balance in call.balances(tx, WHOLE, "round").values())
    town.run(MINUTE)
    assert {unit.state for unit in town.calls(division="xs-v1")} == {CallState.ANSWERED}
    assert {fact.body["ground"] for fact in town.facts("CallsWithdrawn")} == {"superseded"}


def test_a_fall_is_told_and_rings_nobody(town: Town) -> None:
    signed = town.notice("RED")
    town.run(MINUTE)
    rings = len(town.rung(town.person(HEAD_3)))
    with town.act() as tx:
        warn.lower(tx, DIRECTOR, signed.id, "YELLOW", "雨势减弱")
    town.run(MINUTE)
    assert set(told(town, "降为黄").values()) == {1}
    assert town.person(HEAD_3) in told(town, "降为黄")
    assert len(town.rung(town.person(HEAD_3))) == rings


def test_a_notice_withdrawn_before_its_calls_opened_calls_nobody(town: Town) -> None:
    with town.act() as tx:
        now = tx.now
        ground = Ground("rainstorm", "暴雨", "xs-c1", "RED", ("xs-c1",), "3小时100毫米", (), now, now)
        signed = warn.approve(tx, DIRECTOR, propose(tx, warn.Act.ISSUE, ground))
        warn.withdraw(tx, DIRECTOR, signed.id, "误报")
    town.run(HOUR)
    assert town.calls() == []
    assert told(town) == {}
