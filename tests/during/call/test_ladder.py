"""叫应阶梯 — tries, deadlines, the deputy, the post above, and the list that a person must take over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base.access import SYSTEM, WHOLE, named
from shouye.base.delivery import Receipt
from shouye.base.kernel import BEIJING
from shouye.during import call
from shouye.during.call import CallState, NothingToTakeOver
from tests.during.town import DIRECTOR, HEARS, HOUR, IS_OFF, MINUTE, NOON, RINGS_OUT, Town

CONFIRMED = Receipt.CONFIRMED
NIGHT = NOON.replace(hour=2)
HEAD_1, WARNER_1 = "xs-v1/village_flood_head", "xs-v1/village_warner"
HEAD_2, WARNER_2 = "xs-v2/village_flood_head", "xs-v2/village_warner"
MILITIA_1 = "xs-t1/township_militia_head"
HEAD_3, WARNER_3 = "xs-v3/village_flood_head", "xs-v3/village_warner"


def seconds_of_tries(town: Town, post: str, place: int) -> list[int]:
    begun = town.unit(post).opened_at
    return [int((item.opened_at - begun).total_seconds()) for item in town.rung(town.person(post, place))]


def test_the_first_is_rung_three_times_then_his_deputy_twice(town: Town) -> None:
    town.let("xs-t1/township_duty", *RINGS_OUT)
    town.notice()
    town.run(HOUR)
    assert seconds_of_tries(town, "xs-t1/township_duty", 0) == [0, 120, 240]
    assert seconds_of_tries(town, "xs-t1/township_duty", 1) == [300, 420]
    assert town.unit("xs-t1/township_duty").tries == 5


def test_who_answers_is_not_rung_again(town: Town) -> None:
    town.let("xs-t1/township_duty", *RINGS_OUT, *HEARS, CONFIRMED)
    town.notice()
    town.run(HOUR)
    unit = town.unit("xs-t1/township_duty")
    assert seconds_of_tries(town, unit.post, 0) == [0, 120, 240]
    assert seconds_of_tries(town, unit.post, 1) == []
    assert (unit.state, unit.answered_by, unit.late) == (CallState.ANSWERED, unit.primary, False)
    assert unit.answered_at == unit.opened_at + timedelta(seconds=240 + 30)


def test_a_post_with_one_holder_is_rung_to_the_end(town: Town) -> None:
    town.let("xs-t2/township_duty", *RINGS_OUT)
    town.notice()
    town.run(HOUR)
    assert seconds_of_tries(town, "xs-t2/township_duty", 0) == [0, 120, 240, 300, 420]


def test_called_at_two_unanswered_at_five_past_is_told_above(tmp_path: Path) -> None:
    """I04: call 02:00, no answer 02:05 -> escalation."""
    town = Town(tmp_path, NIGHT)
    town.let("xs-t1/township_duty", *RINGS_OUT)
    town.notice("YELLOW")
    town.run(NIGHT + timedelta(minutes=4, seconds=59))
    assert [unit.late for unit in town.calls(division="xs-t1")] == [False]
    assert town.owed("door") == []
    town.run(NIGHT + timedelta(minutes=5))
    assert [(unit.late, unit.escalated) for unit in town.calls(division="xs-t1")] == [(True, True)]
    (door,) = town.owed("door")
    assert (door.owner, door.opened_at) == ("xs-c1/county_duty", NIGHT + 5 * MINUTE)
    (late,) = town.facts("CallsLate")
    assert late.at.astimezone(BEIJING).strftime("%H:%M:%S") == "02:05:00"


def test_by_day_a_township_has_ten_minutes_and_a_village_five(town: Town) -> None:
    for post in ("xs-t1/township_duty", "xs-v1"):
        town.let(post, *RINGS_OUT)
    signed = town.notice()
    town.run(HOUR)
    assert [fact.at - signed.issued_at for fact in town.facts("CallsLate")] == [5 * MINUTE, 10 * MINUTE]


def test_an_answer_after_the_time_is_late_but_counts(town: Town) -> None:
    town.let("xs-v3", *RINGS_OUT, *RINGS_OUT, *RINGS_OUT, CONFIRMED)
    town.notice()
    town.run(HOUR)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.late) == (CallState.ANSWERED, True)


def test_the_post_above_is_told_once_however_long_the_list(town: Town) -> None:
    for place in ("xs-v1", "xs-v2", "xs-v3", "xs-t1/township_duty", "xs-t2/township_duty"):
        town.let(place, *IS_OFF)
    town.notice()
    town.run(20 * MINUTE)
    doors = {task.owner: task for task in town.owed("door")}
    assert sorted(doors) == ["xs-c1/county_duty", "xs-t1/township_duty", "xs-t2/township_duty"]
    assert sorted(doors["xs-t1/township_duty"].detail["obligations"]) == sorted(
        unit.id for unit in town.calls() if unit.division in ("xs-v1", "xs-v2")
    )
    assert len(town.rung(town.person("xs-t1/township_duty"), "tell")) == 1
    assert doors["xs-t1/township_duty"].title == "派人叫醒 4 件：上村、下村"


def test_the_list_behind_the_message_grows(town: Town) -> None:
    """By day the village is late at five minutes, the township's militia head at ten; one desk is above both."""
    town.let("xs-v1", *IS_OFF)
    town.let(MILITIA_1, *IS_OFF)
    town.notice()
    town.run(6 * MINUTE)
    (before,) = town.owed("door")[:1]
    assert (before.owner, len(before.detail["obligations"])) == ("xs-t1/township_duty", 2)
    town.run(5 * MINUTE)
    after = town.owed("door")[0]
    assert after.id == before.id
    assert sorted(after.detail["obligations"]) == sorted([*before.detail["obligations"], town.unit(MILITIA_1).id])
    assert len(town.rung(town.person("xs-t1/township_duty"), "tell")) == 1


def test_a_new_round_tells_the_post_above_anew(town: Town) -> None:
    """The list of the first round ended with it: what falls late in the second is owed and told again."""
    town.let("xs-v1", *IS_OFF)
    first = town.notice()
    town.run(6 * MINUTE)
    before = town.owed("door")[0]
    assert town.notice("RED").id == first.id
    assert town.owed("door") == []
    town.run(6 * MINUTE)
    (after,) = [task for task in town.owed("door") if task.owner == "xs-t1/township_duty"]
    assert after.id != before.id
    assert set(after.detail["obligations"]) == {
        unit.id for unit in town.calls(division="xs-v1") if unit.round == 2
    }
    assert len(town.rung(town.person("xs-t1/township_duty"), "tell")) == 2


def test_a_post_with_nobody_above_is_late_but_told_to_nobody(town: Town) -> None:
    town.let("xs/city_duty", *IS_OFF)
    town.notice()
    town.run(HOUR)
    unit = town.unit("xs/city_duty")
    assert (unit.late, unit.escalated) == (True, False)
    assert unit.state is CallState.UNREACHED


def test_who_is_never_reached_stands_on_a_list_per_township(town: Town) -> None:
    town.let("xs-v1", *IS_OFF)
    town.let("xs-v2", *HEARS)
    town.let("xs-v3", *RINGS_OUT)
    town.notice()
    town.run(HOUR)
    lists = {task.division: task for task in town.owed("takeover")}
    assert sorted(lists) == ["xs-t1", "xs-t2"]
    assert {task.owner for task in lists.values()} == {"xs-c1/county_duty"}
    assert len(lists["xs-t1"].detail["obligations"]) == 4
    assert lists["xs-t1"].title == "接手 4 件叫不到的叫应：东县河口镇，2 个村"
    assert {unit.state for unit in town.calls(division="xs-v2")} == {CallState.UNREACHED}, "heard is not answered"
    with town.act() as tx:
        assert call.take_over(tx, named("xs-c1/county_duty"), lists["xs-t1"].detail["obligations"]) == 4
    assert [task.division for task in town.owed("takeover")] == ["xs-t2"]
    assert {unit.handed_to for unit in town.calls(division="xs-v1")} == {"xs-c1/county_duty"}
    with town.act() as tx, pytest.raises(NothingToTakeOver):
        call.take_over(tx, DIRECTOR, lists["xs-t1"].detail["obligations"])


def test_a_call_that_is_taken_over_is_rung_no_more(town: Town) -> None:
    town.let("xs-v3", *RINGS_OUT)
    town.notice()
    town.run(MINUTE)
    with town.act() as tx:
        call.take_over(tx, DIRECTOR, [unit.id for unit in town.calls(division="xs-v3")])
    town.run(HOUR)
    assert seconds_of_tries(town, HEAD_3, 0) == [0]
    assert town.unit(HEAD_3).state is CallState.HANDED_OVER


def test_what_was_taken_over_can_still_be_answered(town: Town) -> None:
    town.let("xs-v3", *RINGS_OUT)
    signed = town.notice()
    town.run(HOUR)
    person = town.person(HEAD_3)
    with town.act() as tx:
        call.take_over(tx, DIRECTOR, [unit.id for unit in town.calls(division="xs-v3")])
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, signed.id, person, "manual", CONFIRMED)
    unit = town.unit(HEAD_3)
    assert (unit.state, unit.answered_by) == (CallState.ANSWERED, person)
    with town.look() as tx:
        balance = call.balance(tx, WHOLE)
    assert balance.holds
    assert (balance.handed_over, balance.open) == (1, 0), "the post without a holder stays with the director"


def test_when_all_on_a_list_have_answered_it_is_done(town: Town) -> None:
    town.let("xs-v3", *RINGS_OUT)
    signed = town.notice()
    town.run(6 * MINUTE)
    assert [task.owner for task in town.owed("door")] == ["xs-t2/township_duty"]
    with town.act() as tx:
        call.take_over(tx, DIRECTOR, [town.unit(WARNER_3).id])
        call.answer_by_hand(tx, SYSTEM, signed.id, town.person(HEAD_3), "manual", CONFIRMED)
    assert len(town.owed("door")) == 1, "the post without a holder is with the director, nobody has answered"
