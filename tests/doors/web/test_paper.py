"""叫应名单（纸）、看板的次序 — numbers only for those who act, every look written down; the worst first."""

from __future__ import annotations

from shouye.base.access import WHOLE, reads_of
from shouye.doors.web.pages.call.board import FOLD, board
from shouye.during import call
from tests.doors.web.conftest import Console


def test_the_paper_carries_numbers_and_every_look_is_written_down(acting: Console) -> None:
    with acting.city.database.read() as tx:
        one = next(one for one in call.open_obligations(tx, WHOLE) if one.notice == 3 and one.primary)
    person = one.primary or 0
    number = acting.city.roster.contact(person)
    assert number is not None
    form = {"csrf": acting.csrf("duty"), "show": "open"}
    text = acting.client("duty").post("/calls/3/paper", form).text
    assert number in text
    assert "<b>演练</b> · 大同市 · N-03 广灵县" in text
    assert "□确认 □接通 □未接 □关机" in text
    with acting.city.database.read() as tx:
        assert [what for _, _, what in reads_of(tx, f"person:{person}")] == ["paper"]
    assert number not in acting.client("duty").get("/calls?notice=3&show=all").text


def test_nobody_prints_another_county_s_numbers(acting: Console) -> None:
    form = {"csrf": acting.csrf("lingqiu"), "show": "all"}
    assert acting.client("lingqiu").post("/calls/3/paper", form).status_code == 404
    assert (
        acting.client("duty").post("/calls/3/paper", {"csrf": acting.csrf("duty"), "show": "x"}).status_code == 422
    )


def test_the_unreached_stand_first_then_those_who_wait_longest(looking: Console) -> None:
    with looking.city.database.read() as tx:
        items = [one for one in call.obligations(tx, WHOLE, 3) if one.round == 3]
    found = board(items, (), looking.city.roster, "dt-c07", "all")
    for rows in (found.root.children, *(township.children for township in found.root.children)):
        waits = [row for row in rows if row.balance.open]
        assert list(rows[: len(waits)]) == waits
        keys = [(not row.balance.unreached, row.last_try is not None, row.last_try) for row in waits]
        assert keys == sorted(keys)
    assert found.folded
    assert sum(len(township.children) for township in found.root.children) > FOLD
    assert not board(items[:20], (), looking.city.roster, "dt-c07", "all").folded


def test_the_wall_shows_the_twelve_worst(looking: Console) -> None:
    text = looking.client("viewer").get("/wall").text
    assert text.count('<li class="none"><span><b>') + text.count("<li><span><b>") == 12
    assert "见“叫应”" in text
    assert "btn main" not in text
