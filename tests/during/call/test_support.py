"""支援 — what a person asks after he has answered must find somebody who owes him a reply."""

from __future__ import annotations

from shouye.base import tasks
from shouye.base.access import SYSTEM, named
from shouye.base.delivery import Receipt
from shouye.during import call
from shouye.during.call import CallState, Evidence
from tests.during.town import DECLINES, MINUTE, Town

HEAD_3 = "xs-v3/village_flood_head"


def test_help_wanted_is_owed_by_the_post_above_once(town: Town) -> None:
    notice = town.notice()
    town.run(MINUTE)
    for _ in range(2):
        with town.act() as tx:
            call.answer_by_hand(tx, SYSTEM, notice.id, town.person(HEAD_3), "phone_page", Receipt.NEED_HELP)
    (task,) = town.owed("support")
    assert (task.owner, task.division) == ("xs-t2/township_duty", "xs-v3")
    assert task.title.endswith("山前乡山前村：要人、要车")
    assert town.unit(HEAD_3).evidence is Evidence.CONFIRMED, "wanting help is not being on post"
    town.run(11 * MINUTE)
    assert town.owed("support")[0].overdue
    with town.act() as tx:
        tasks.complete(tx, named("xs-t2/township_duty"), [task.id])
        call.answer_by_hand(tx, SYSTEM, notice.id, town.person(HEAD_3), "phone_page", Receipt.NEED_HELP)
    assert [again.id for again in town.owed("support")] != [task.id], "asked again after it was done: owed again"


def test_awake_but_unable_to_come_calls_for_a_stand_in(town: Town) -> None:
    notice = town.notice()
    town.run(MINUTE)
    with town.act() as tx:
        call.answer_by_hand(tx, SYSTEM, notice.id, town.person(HEAD_3), "phone_page", Receipt.STAND_IN)
    (task,) = town.owed("support")
    assert "不能到岗，派副手" in task.title
    assert town.unit(HEAD_3).state is CallState.ANSWERED


def test_the_deputy_of_one_who_declined_is_rung_again_two_minutes_later(town: Town) -> None:
    """Bringing the deputy forward brings his next ring forward too: nobody waits for the old times."""
    desk = "xs-t1/township_duty"
    town.let(desk, *DECLINES)
    deputy = town.person(desk, 1)
    town.notice()
    town.run(MINUTE)
    (first,) = town.rung(deputy)
    town.run(2 * MINUTE)
    assert [ring.opened_at for ring in town.rung(deputy)] == [first.opened_at, first.opened_at + 2 * MINUTE]
