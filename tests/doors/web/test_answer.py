"""应答页 — what a person says after he has answered reaches somebody who owes him a reply."""

from __future__ import annotations

import re
from datetime import timedelta

from shouye.base import tasks
from shouye.base.access import WHOLE, issue_answer_token, reads
from shouye.during import call
from tests.doors.web.conftest import Console


def test_awake_but_unable_to_come(acting: Console) -> None:
    with acting.city.database.begin() as tx:
        one = next(one for one in call.open_obligations(tx, WHOLE) if one.level.value == "village")
        token = issue_answer_token(tx, one.primary or 0, one.notice, tx.now + timedelta(hours=1))
    phone = acting.client()
    phone.post(f"/a/{token}", {"act": "confirmed"})
    assert "叫副手去" in phone.get(f"/a/{token}").text
    assert 'value="stand_in"' in phone.get(f"/a/{token}?do=cannot").text
    for _ in range(2):
        phone.post(f"/a/{token}", {"act": "stand_in"})
    assert "在叫副手" in phone.get(f"/a/{token}").text
    with acting.city.database.read() as tx:
        owed = [task for task in tasks.owed(tx, WHOLE, ["support"]) if task.division == one.division]
        assert [task.owner for task in owed] == [acting.city.roster.posts[one.post].superior]
        assert call.obligations_by_id(tx, WHOLE, [one.id])[0].state is call.CallState.ANSWERED


def test_whose_number_the_page_offers_is_written_down(acting: Console) -> None:
    with acting.city.database.read() as tx:
        one = next(one for one in call.open_obligations(tx, WHOLE) if one.level.value == "village")
    data = {"csrf": acting.csrf("duty"), "notice": str(one.notice)}
    opened = acting.client("duty").post(f"/people/{one.primary}/page", data)
    page, phone = opened.headers["location"], acting.client()
    phone.post(page, {"act": "confirmed"})
    (number,) = re.findall(r'href="tel:(\d+)"', phone.get(page).text)
    with acting.city.database.read() as tx:
        (desk,) = [line.subject for line in reads(tx, WHOLE) if line.what == "desk_number"]
    assert acting.city.roster.contact(int(desk.partition(":")[2])) == number
