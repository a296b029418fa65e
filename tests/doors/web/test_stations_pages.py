"""监测 — the list of all series, one station with its thresholds and flags, comparison, a person's mark."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, expect

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, BadInput
from shouye.base.roster import Station
from shouye.base.rules import load_tables
from shouye.doors.web.pages.observe import stations
from shouye.doors.web.pages.observe.board import State, asked_by, rows
from shouye.doors.web.pages.observe.plot import SPANS, Look, limits_of, look, single, thinned
from shouye.doors.web.readings import running
from shouye.doors.web.words import when
from shouye.watch import assess, observe
from shouye.watch.archive import Bucket, Flagged
from shouye.watch.observe import Flag, Measures, Quality, Reading
from shouye.watch.stations import Coverage, Gauge
from tests.doors.web.conftest import PHONE, Console, enter

AT = datetime(2026, 7, 20, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def line(*values: float | None, step: timedelta = FIVE) -> list[Reading]:
    """Readings one step apart; the first ends at AT + step."""
    return [Reading("a", "stage_m", AT + (number + 1) * step, value, step) for number, value in enumerate(values)]


def test_the_line_stops_where_nothing_is_known_and_a_bad_reading_is_marked() -> None:
    bad = Reading("a", "stage_m", AT + 10 * FIVE, 99.0, FIVE, flags=(Flag("range", Quality.BAD, "超范围"),))
    found = single([*line(1.0, None, 3.0), bad], AT - FIVE, AT + 12 * FIVE)
    assert [value for _, value in found.points] == [1.0, None, 3.0, None, None]
    assert [(one["value"], one["quality"], one["why"]) for one in found.flagged] == [(99.0, "bad", "超范围")]
    minutes = [[round((ms / 1000 - AT.timestamp()) / 60) for ms in gap] for gap in found.gaps]
    assert minutes == [[-5, 5], [5, 15], [15, 60]]


def test_a_long_list_shows_what_needs_a_look_and_finds_the_rest(
    acting: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stations, "MOST", 2)
    client = acting.client("viewer")
    page = client.get("/stations").text
    assert page.count('class="open" href="/stations/') == 2
    assert "只列前 2 个，其余请筛选、查找或导出" in page
    last = list(acting.city.roster.stations.values())[-1]
    found = client.get(f"/stations?find={last.id[-4:]}").text
    assert last.name in found
    assert 'name="find"' in found
    assert "没有这样的测站" in client.get("/stations?find=nowhere").text


def test_a_bad_reading_is_in_no_sum() -> None:
    bad = replace(line(1.0, 9999.0, 2.0, 3.0)[1], flags=(Flag("range", Quality.BAD, "超范围"),))
    first, _, *rest = line(1.0, 9999.0, 2.0, 3.0)
    assert [value for _, value in running([first, bad, *rest], 1 / 6)] == [None, None, None, 5.0]


def test_a_figure_that_nobody_can_read_is_written_short() -> None:
    assert observe.standard_elements()["rain_mm"].say(1e300) == "1e+300 mm"


def test_what_is_flagged_is_still_seen_on_a_long_span() -> None:
    marked = replace(bucket(0, 4, 9, 2), flagged=(Flagged(AT, 9.0, Quality.SUSPECT, "卡滞"),))
    (seen,) = thinned([marked, bucket(1, 5)], year_to(AT + timedelta(days=2)), is_sum=False).flagged
    assert (seen["value"], seen["quality"], seen["why"]) == (9.0, "suspect", "卡滞")


def year_to(until: datetime) -> Look:
    return Look(SPANS["1y"], until, until, "")


def bucket(number: int, *values: float) -> Bucket:
    """A day of readings."""
    begin = AT + timedelta(days=number)
    some = [(begin, value) for value in values]
    low, high = (min(some, default=None), max(some, default=None))
    first, last = (some[0], some[-1]) if some else (None, None)
    return Bucket(begin, begin + timedelta(days=1), len(some), 0, sum(values), first, low, high, last)


def test_long_spans_are_bands_and_rain_is_summed() -> None:
    days, until = [bucket(0, 4, 9, 2), bucket(1), bucket(3, 5)], AT + timedelta(days=4)
    stage = thinned(days, year_to(until), is_sum=False)
    assert [value for _, value in stage.points] == [2, None, None, 5]
    assert [low_high[1:] for low_high in stage.band] == [[2, 9], [None, None], [None, None], [5, 5]]
    rain = thinned(days, year_to(until), is_sum=True)
    assert [value for _, value in rain.points] == [15, None, None, 5]
    assert rain.band == []


def test_an_hour_is_no_gap_in_a_series_that_speaks_by_the_hour() -> None:
    half = timedelta(minutes=30)
    hours = [replace(bucket(0, 4.0), begin=AT + at * half, end=AT + (at + 1) * half) for at in range(1, 49, 2)]
    week = Look(SPANS["7d"], AT + timedelta(days=1), AT + timedelta(days=1), "")
    drawn = thinned(hours, week, is_sum=False)
    assert None not in [value for _, value in drawn.points]
    assert len(drawn.gaps) == 1, "only the days before the first reading"


def test_thresholds_are_those_of_the_table_and_of_the_station() -> None:
    book, shelf = load_tables(), assess.all_hazards()
    rain = [(shelf["rainstorm"], book.table("rainstorm", "CMA16-2007"))]
    assert {(one.value) for one in limits_of(rain, "rain_mm", 3, {})} == {50, 100}
    assert limits_of(rain, "rain_mm", 5, {}) == []
    river = [(shelf["river_flood"], book.table("river_flood", "MWR-2013"))]
    own = {"warning_stage_m": 100.0, "guarantee_stage_m": 102.0}
    assert [(one.value) for one in limits_of(river, "stage_m", 0, own)] == [99.5, 100.0, 102.0]
    assert limits_of(river, "stage_m", 0, {}) == []


def test_years_back_are_reached_and_days_begin_at_eight() -> None:
    now = AT + timedelta(hours=5, minutes=7)
    newest, past = look("1y", "", now), look("1y", "2013-08-11", now)
    assert (newest.until.astimezone(BEIJING).hour, newest.until - newest.since) == (8, timedelta(days=365))
    assert (newest.past, newest.later, newest.word) == ("", "", "近 1 年")
    assert past.until == datetime(2013, 8, 12, tzinfo=UTC), "the end of the day, and on to eight o'clock"
    assert (past.past, past.earlier, past.later) == ("2013-08-12T00:00", "2012-08-12T00:00", "2014-08-12T00:00")
    assert look("6h", "2026-07-20T12:00", now).later == ""
    assert look("6h", "2030-01-01", now).until == now, "nobody knows the future"
    for wrong in ("gestern", "0001-01-01"):
        with pytest.raises(BadInput):
            look("1y", wrong, now)


def test_a_stray_reading_of_another_interval_does_not_hide_the_series() -> None:
    hours = line(1.0, 2.0, 3.0, step=timedelta(hours=1))
    minutes = line(*([0.1] * 36))
    assert [value for _, value in single([*hours, minutes[0]], AT, hours[-1].time).points] == [1.0, 2.0, 3.0]
    assert len(single([*hours, *minutes], AT, hours[-1].time).points) == 36


def finding(number: int, hazard: str, word: str, rank: int) -> assess.Finding:
    """In force on gauge `g` since AT plus as many minutes as its number."""
    since = AT + timedelta(minutes=number)
    said: dict[str, Any] = {"hazard": hazard, "rules": "proposed", "level": word, "rank": rank, "word": word}
    where: dict[str, Any] = {"station": "g", "division": "dt-c01", "areas": ("dt-c01",), "basis": ""}
    span: dict[str, Any] = {"first_at": since, "found_at": since, "until": None, "retracted_at": None}
    rest: dict[str, Any] = {"values": {}, "missing": (), "source": "", "mark": "", "already_over": False}
    return assess.Finding(id=number, text=f"{word}。", **said, **where, **span, **rest)


def test_a_graver_hazard_is_not_hidden_by_another_of_equal_rank() -> None:
    station = Station("g", "测站", 113, 40, None, "dt-c01", "rain")
    roster: Any = SimpleNamespace(stations={"g": station}, division=lambda _: SimpleNamespace(short="某县"))
    elements: Any = {"rain_mm": SimpleNamespace(term="雨量", say=str)}
    some = [
        finding(1, "rainstorm", "蓝色", 1),
        finding(2, "flash_flood", "准备转移", 1),
        finding(3, "rainstorm", "黄色", 2),
        finding(4, "flash_flood", "立即转移", 2),
    ]
    last = Reading("g", "rain_mm", AT + FIVE, 9.0, FIVE)
    gauges = {"g": Gauge("g", "dt-c01", Coverage(("dt-c01",), ""))}
    (row,) = rows(gauges, [last], some, {}, elements, roster, AT + FIVE, Measures())
    assert [one.word for one in row.findings] == ["黄色", "立即转移"]
    assert row.state is State.OVER
    assert row.why == f"{when(some[2].first_at, AT)} 黄色。；{when(some[3].first_at, AT)} 立即转移。"


def test_every_series_has_one_word(looking: Console) -> None:
    page = looking.client("duty").get("/stations").text
    assert "12 站 12 个序列" in page
    assert "达到标准" in page
    assert page.index("达到标准</b>") < page.index('<td class="nw" data-v="12">正常')
    only = looking.client("duty").get("/stations?state=missing&element=rain_mm").text
    assert "1 站 1 个序列，共 12" in only
    assert "天镇" in only
    mine = looking.client("lingqiu").get("/stations").text
    assert "天镇" not in mine
    assert "灵丘" in mine


def test_a_hazard_shows_its_own_gauges_and_its_own_state(looking: Console) -> None:
    client = looking.client("duty")
    assert 'value="river_flood"' not in client.get("/stations").text, "nobody judges it here"
    pages = [client.get(f"/stations?hazard={one}").text for one in ("rainstorm", "flash_flood")]
    rain, flood = (page.partition('id="rows"')[2] for page in pages)
    assert "12 站 12 个序列" in rain
    assert "立即转移" in flood
    assert "立即转移" not in rain, "what another hazard has found is not this one's state"
    assert "没有这样的测站" in client.get("/stations?hazard=mine_gas").text, "all gauges here send rain alone"
    assert "0 站" in client.get("/stations/map?hazard=mine_gas").text
    assert client.get("/stations/map/state?hazard=mine_gas").json()["stations"] == []
    assert client.get("/stations?hazard=locusts").status_code == 404
    facts = assess.StationFacts(measures=("stage_m",), in_force={"stage_m": "stage_2_m"})
    hazards = assess.all_hazards()
    assert asked_by(hazards["river_flood"], facts) == {"stage_2_m"}
    assert asked_by(hazards["rainstorm"], facts) == frozenset()
    assert asked_by(hazards["rainstorm"], None) == {"rain_mm"}


def test_the_list_and_the_readings_are_exported(looking: Console) -> None:
    client = looking.client("duty")
    book = load_workbook(io.BytesIO(client.get("/stations/export.xlsx?state=missing").content))
    rows = [[cell.value for cell in row] for row in book[book.sheetnames[0]].iter_rows()]
    assert sum(row[0] == "缺测" for row in rows) == 1
    text = client.get("/stations/53594/export.csv?element=rain_mm&span=6h").text
    assert text.startswith("\ufeff时间（北京时间）,来数,参与研判的值,单位")
    assert text.count("\r\n") == 7


def test_a_curve_has_its_sums_and_limits(looking: Console) -> None:
    client = looking.client("duty")
    data = json.loads(client.get("/stations/53594/curve?element=rain_mm&hours=3").text)
    assert (data["unit"], data["bars"], data["hours"]) == ("mm", True, 3)
    assert {one["value"] for one in data["limits"] if "暴雨" in one["word"]} == {50, 100}
    assert data["sums"][-1][1] == pytest.approx(287.9)
    assert json.loads(client.get("/stations/53594/curve?element=rain_mm&span=7d&hours=3").text)["sums"] == []
    for wrong in (
        "/stations/nobody",
        "/stations/53594?element=no",
        "/stations/53594/curve?element=rain_mm&span=9y",
    ):
        assert client.get(wrong).status_code == 404
    assert looking.client("lingqiu").get("/stations/53590").status_code == 404  # 广灵


def test_series_of_one_unit_share_an_axis(looking: Console) -> None:
    client = looking.client("duty")
    both = "s=53594~rain_mm&s=53590~rain_mm"
    data = json.loads(client.get(f"/compare/curve?{both}").text)
    assert [one["name"] for one in data["series"]] == ["灵丘 时段降水量", "广灵 时段降水量"]
    years = json.loads(client.get("/compare/curve?s=53594~rain_mm&years=true").text)
    assert [one["name"] for one in years["series"]] == ["2021 年"]
    assert client.get(f"/compare?{both}").status_code == 200
    assert client.get("/compare?s=nobody~rain_mm").status_code == 404
    assert client.get("/compare").status_code == 404


def test_a_person_s_word_stands_beside_the_reading(acting: Console) -> None:
    client, form = acting.client("duty"), {"csrf": acting.csrf("duty"), "element": "rain_mm"}
    with acting.city.database.read() as tx:
        last = observe.curve(tx, WHOLE, "53594", "rain_mm", tx.now - timedelta(hours=1), tx.now)[-1]
    said = {
        **form,
        "since": (last.time - last.step).isoformat(),
        "until": last.time.isoformat(),
        "reason": "仪器故障",
    }
    assert client.post("/stations/53594/marks", {**said, "verdict": "corrected"}).status_code == 422
    assert client.post("/stations/53594/marks", {**said, "verdict": "bad", "reason": " "}).status_code == 422
    assert client.post("/stations/53594/marks", {**said, "verdict": "bad"}).status_code == 303
    page = client.get("/stations/53594").text
    assert "仪器故障" in page
    assert "无效" in page
    assert "测试值班员" in page
    client.post("/stations/53594/marks", {**said, "verdict": "suspect", "reason": "附近洒水"})
    assert "<b>可疑</b>" in client.get("/stations/53594").text
    assert "可疑 1" in client.get("/stations").text
    client.post("/stations/53594/marks", {**said, "verdict": "corrected", "value": "1.2"})
    assert "订正为 1.2 mm" in client.get("/stations/53594").text
    stranger = {**said, "csrf": acting.csrf("lingqiu"), "verdict": "bad"}
    assert acting.client("lingqiu").post("/stations/53590/marks", stranger).status_code == 404


def test_the_pages_in_a_browser(browser: Browser, acting: Console, address: str, complaints: list[str]) -> None:
    page = enter(browser, acting, address, "duty", complaints)
    page.goto(f"{address}/stations")
    rows = page.locator("#rows tbody tr")
    expect(rows).to_have_count(12)
    page.get_by_label("查找").fill("灵丘")
    expect(page.locator("#rows tbody tr:visible")).to_have_count(1)
    page.get_by_label("查找").fill("")
    page.get_by_role("button", name="最新值").click()
    page.get_by_role("button", name="最新值").click()
    values = [float(one) for one in page.locator("#rows td[data-v]:nth-child(7)").evaluate_all(VALUES) if one]
    assert values == sorted(values, reverse=True)
    page.get_by_label("归口部门").select_option("应急局")
    page.get_by_role("button", name="筛选").click()
    expect(rows).to_have_count(8)
    expect(rows.filter(has_text="应急局")).to_have_count(8)
    page.get_by_role("button", name="达到标准").click()
    over = int(page.get_by_role("button", name="达到标准").inner_text().split()[-1])
    assert 0 < over < 8
    expect(rows).to_have_count(over)
    expect(rows.filter(has_text="达到标准")).to_have_count(over)
    expect(page.get_by_label("归口部门")).to_have_value("应急局")
    page.get_by_label("灾种").select_option("flash_flood")
    page.get_by_role("button", name="筛选").click()
    expect(rows.filter(has_text="山洪")).to_have_count(rows.count())
    page.goto(f"{address}/stations")
    rows.nth(0).locator("input").check()
    rows.nth(1).locator("input").check()
    page.get_by_role("button", name="对照所选").click()
    page.wait_for_selector("#chart[data-ready] canvas")
    page.goto(f"{address}/stations/map")
    page.wait_for_selector("#map[data-ready]")
    assert page.locator("#map .hit, #map path.st, #map path.off, #map path.doubt").count() == 12
    page.goto(f"{address}/stations/53594")
    page.wait_for_selector("#chart[data-ready] canvas")
    page.get_by_role("link", name="标记").nth(3).click()
    page.wait_for_url("**#mark")
    page.locator("#reason").fill("核对过")
    page.get_by_role("button", name="记下").click()
    expect(page.locator("main")).to_contain_text("核对过")
    page.set_viewport_size(PHONE)
    for path in ("/stations", "/stations/map", "/stations/53594", "/compare?s=53594~rain_mm"):
        page.goto(f"{address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    assert complaints == []


VALUES = "cells => cells.map(cell => cell.dataset.v)"
