"""签发 — whom it wakes is said before, what was shown is what is signed, and the calls come next."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from shouye.base.access import WHOLE, Scope
from shouye.base.kernel import JobSource, SimClock, play
from shouye.base.roster import DivisionLevel
from shouye.doors.web import CityContext
from shouye.doors.web.pages.warn.pending import together
from shouye.doors.web.sight import Sight
from shouye.during import call, warn
from tests.doors.web.conftest import Console
from tests.doors.web.scene import WAITING


def seen(console: Console, county: str) -> tuple[int, str]:
    """The first draft of a county and what its form says was shown."""
    text = console.client("leader").get("/notices").text
    forms = re.findall(r'/proposals/(\d+)/approve">.*?name="seen" value="([^"]*)"', text, re.S)
    with console.city.database.read() as tx:
        first = next(draft.id for draft in warn.proposals(tx, WHOLE, only_pending=True) if draft.county == county)
    return next((int(number), shown) for number, shown in forms if int(number) == first)


def test_one_press_signs_what_waits_for_one_county(signing: Console) -> None:
    text = signing.client("leader").get("/notices").text
    assert "一并签发 2 件（浑源县）" in text
    assert text.count('class="btn main"') == 1
    assert text.count("不予签发</button>") == 3
    number, shown = seen(signing, "dt-c09")
    form = {"csrf": signing.csrf("leader"), "seen": shown}
    answer = signing.client("leader").post(f"/proposals/{number}/approve", form)
    with signing.city.database.read() as tx:
        signed = [one for one in warn.notices(tx, WHOLE, only_in_force=True) if one.county == "dt-c09"]
        left = [draft.county for draft in warn.proposals(tx, WHOLE, only_pending=True)]
    assert [one.hazard for one in signed] == ["flash_flood", "rainstorm"]
    assert left == ["dt-c08"]
    assert answer.status_code == 303
    assert answer.headers["location"] in {f"/calls?notice={one.id}" for one in signed}
    assert signing.client("leader").get(answer.headers["location"]).status_code == 200


def test_it_wakes_exactly_those_it_said(signing: Console) -> None:
    with signing.city.database.read() as tx:
        shown = next(
            one for one in together(Sight(tx, signing.city.roster, Scope("dt"))) if one.county == "dt-c08"
        )
    assert shown.total[DivisionLevel.VILLAGE] > 300
    number, said = seen(signing, "dt-c08")
    signing.client("leader").post(f"/proposals/{number}/approve", {"csrf": signing.csrf("leader"), "seen": said})
    database = signing.city.database
    assert isinstance(database.clock, SimClock)
    play((JobSource(),), database, database.clock, WAITING)
    with database.read() as tx:
        notice = warn.notice_for(tx, WHOLE, "rainstorm", "dt-c08")
        assert notice is not None
        opened = [one.level for one in call.obligations(tx, WHOLE, notice.id) if one.round == notice.round]
    assert {level: opened.count(level) for level in DivisionLevel} == dict(shown.wakes[0])
    text = signing.client("duty").get(f"/calls?notice={notice.id}").text
    assert "第 4 轮" in text


def test_the_highest_level_leads_unless_he_comes_to_sign_another(signing: Console) -> None:
    red, _ = seen(signing, "dt-c08")
    other, _ = seen(signing, "dt-c09")
    page = signing.client("leader").get("/notices").text
    assert page.index(f'id="draft-{red}"') < page.index(f'id="draft-{other}"')
    assert re.search(r'class="btn main">签发<kbd>', page)
    page = signing.client("leader").get(f"/notices?draft={other}").text
    assert page.index(f'id="draft-{other}"') < page.index(f'id="draft-{red}"')
    assert re.search(r'class="btn main">一并签发 2 件（浑源县）<kbd>', page)
    assert f"/notices?draft={other}#draft-{other}" in signing.client("leader").get("/tasks").text


@pytest.mark.parametrize("given", ["", "11:raise:ORANGE 465", "nothing"])
def test_a_draft_that_changed_meanwhile_is_not_signed(
    signing: Console, dump: Callable[[CityContext], list[str]], given: str
) -> None:
    number, _ = seen(signing, "dt-c08")
    before = dump(signing.city)
    form = {"csrf": signing.csrf("leader"), "seen": given}
    answer = signing.client("leader").post(f"/proposals/{number}/approve", form)
    assert answer.status_code == 409
    assert "拟稿已有变化" in answer.text
    assert dump(signing.city) == before


def test_a_second_press_signs_nothing_more(signing: Console) -> None:
    number, shown = seen(signing, "dt-c09")
    form = {"csrf": signing.csrf("leader"), "seen": shown}
    assert signing.client("leader").post(f"/proposals/{number}/approve", form).status_code == 303
    answer = signing.client("leader").post(f"/proposals/{number}/approve", form)
    assert answer.status_code == 409
    assert "已有人决定" in answer.text
