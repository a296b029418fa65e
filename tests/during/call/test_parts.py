"""分批开叫 — a round of many is opened part by part: the same obligations, and nothing overtakes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shouye.base.access import WHOLE
from shouye.base.kernel import SimClock, run_due
from shouye.during import call, warn
from shouye.during.call import CallState, service
from shouye.during.warn.service import Ground, propose
from tests.during.town import DIRECTOR, MINUTE, Town

PART = 3


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", PART)


def sign(town: Town, level: str = "ORANGE", act: warn.Act = warn.Act.ISSUE) -> warn.Notice:
    """Signed, and nothing done about it yet."""
    with town.database.begin() as tx:
        ground = Ground("rainstorm", "暴雨", "xs-c1", level, ("xs-c1",), "3小时60毫米", (), tx.now, tx.now)
        return warn.approve(tx, DIRECTOR, propose(tx, act, ground))


def test_in_parts_as_in_one_go(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.notice()
    parts = town.calls()
    assert len(parts) > 2 * PART
    (opened,) = town.facts("CallsOpened")
    assert opened.body["obligations"] == len(parts)
    monkeypatch.setattr(service, "AT_ONCE", 1_000)
    town.notice("RED")
    again = [item for item in town.calls() if item.round == 2]
    assert {item.post for item in parts} < {item.post for item in again}
    town.run(MINUTE)
    assert {item.state for item in town.calls() if item.round == 2} >= {CallState.ANSWERED}


def test_the_first_part_is_rung_while_the_others_wait(town: Town) -> None:
    sign(town)
    run_due(town.database, limit=1)
    assert len(town.calls()) == PART
    for source in town.program.sources[1:]:
        source.run_due(town.database)
    assert all(item.tries == 1 for item in town.calls())
    town.run(MINUTE)
    assert len(town.calls()) > PART
    assert all(item.tries for item in town.calls() if item.primary is not None)


def test_a_withdrawal_in_between_ends_the_opening(town: Town) -> None:
    signed = sign(town)
    run_due(town.database, limit=1)
    with town.act() as tx:
        warn.withdraw(tx, DIRECTOR, signed.id, "险情解除")
    town.run(MINUTE)
    assert [item.state for item in town.calls()] == [CallState.WITHDRAWN] * PART
    assert town.owed() == []
    with town.look() as tx:
        assert call.balance(tx, WHOLE).holds


def test_a_raise_in_between_calls_everybody_in_the_new_round(town: Town) -> None:
    sign(town)
    run_due(town.database, limit=1)
    sign(town, "RED", warn.Act.RAISE)
    town.run(MINUTE)
    first, second = ([item for item in town.calls() if item.round == number] for number in (1, 2))
    assert [item.state for item in first] == [CallState.WITHDRAWN] * PART
    assert len(second) == len({item.post for item in second}) > len(first)
    assert {item.state for item in second if item.primary is not None} == {CallState.ANSWERED}


def test_a_process_that_ends_between_two_parts_is_followed_by_one_that_opens_the_rest(town: Town) -> None:
    sign(town)
    run_due(town.database, limit=2)
    halfway = len(town.calls())
    assert isinstance(town.database.clock, SimClock)
    town.clock.move_to(town.clock.now() + timedelta(seconds=3))
    town.start_program()
    town.run(MINUTE)
    posts = [item.post for item in town.calls()]
    assert len(posts) == len(set(posts)) > halfway >= PART
