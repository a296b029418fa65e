"""听不到的一页 — one row a cause, what it means, whose it is, and what somebody was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shouye.base import pulse, tasks
from shouye.base.access import WHOLE
from shouye.base.kernel import facts_since
from shouye.base.pulse import Line, PulseClock, Voice, Voices
from shouye.doors.web.pages.observe.silent import rows
from shouye.doors.web.unheard import Unheard
from tests.doors.web.conftest import Console

AT = datetime(2026, 7, 20, tzinfo=UTC)
LINE = Line("station", "push", "dt-c08", ("53594",), 1, AT, AT - timedelta(hours=1), ("灵丘",))


def listening(console: Console) -> None:
    """A feed that has kept silent for an hour; the duty office owes the question."""
    city = console.city
    long_ago = city.clock.now() - timedelta(hours=1)
    quiet = [Voice("feed", "push", "HTTP 推送", timedelta(minutes=5), long_ago)]
    city.database.install(Voices({"feed": lambda _: quiet}))
    PulseClock().run_due(city.database)


def test_what_is_not_heard_is_said_with_its_meaning(looking: Console) -> None:
    roster = looking.city.roster
    blind = Unheard("超时未到", ("暴雨",), False, ("dt-c08",), ("53594",), AT)
    widest = replace(LINE, feed="big", county="", members=tuple("abcdefgh"), of=8, terms=tuple("abcdefgh"))
    job = Line("job", "", "", ("export",), 1, AT, None, ("导出",))
    one = Line("series", "push", "dt-c08", ("53594/stage_m",), 7, AT, None, ("53594 水位",))
    (sensor,) = rows([one], {}, {}, [blind], roster)
    assert (sensor.what, sensor.names, sensor.rest) == (
        "1/7 项要素",
        (("53594?element=stage_m", "灵丘 水位"),),
        "",
    )
    found = rows([widest, job, LINE], {}, {}, [blind], roster)
    assert [row.what for row in found] == ["测站", "后台作业 导出", "全部 8 站"]
    assert found[0].means == "灵丘县：暴雨不能判定，未知不是平安"
    assert found[0].names == (("53594", "灵丘"),)
    assert (found[2].others, found[2].means) == (2, "同县还有站在报")


def test_the_question_is_owed_and_the_answer_stands_beside_it(acting: Console) -> None:
    listening(acting)
    client, form = acting.client("duty"), {"csrf": acting.csrf("duty")}
    page = client.get("/silence").text
    assert "数据来源 HTTP 推送" in page
    assert "这个来源的站都没有新数" in page
    with acting.city.database.read() as tx:
        ((key, task),) = pulse.owed_for(tx, WHOLE).items()
    assert key == "feed|||push"
    assert "去问" in client.get("/tasks").text
    path = f"/silence/{task.id}/asked"
    assert client.post(path, {**form, "note": " "}).status_code == 422
    assert client.post(path, {**form, "note": "光缆断，正在抢修，预计 05:00"}).status_code == 303
    told = client.get("/silence").text
    assert "光缆断，正在抢修" in told
    assert "测试值班员" in told
    assert "光缆断，正在抢修" in client.get("/silence/export.csv").text
    with acting.city.database.read() as tx:
        assert pulse.owed_for(tx, WHOLE)[key].state is tasks.TaskState.ACKNOWLEDGED
        (fact,) = [one for one in facts_since(tx) if one.kind == "SilenceAsked"]
        assert "光缆" not in str(fact.body)
    assert acting.client("viewer").post(path, {"csrf": acting.csrf("viewer"), "note": "x"}).status_code == 403
    assert client.post("/silence/1/asked", {**form, "note": "x"}).status_code == 404


def test_silences_come_after_what_wakes_people(signing: Console) -> None:
    listening(signing)
    page = signing.client("duty").get("/tasks").text
    assert page.index("下一个动作</th>") < page.rindex("去签发") < page.rindex("去问")
