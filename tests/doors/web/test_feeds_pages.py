"""接入和隔离区 — what was heard, what was refused and why; a person tries again or sets aside."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, expect

from shouye.base.access import WHOLE, reads_of
from shouye.base.kernel import BEIJING
from shouye.doors.web.pages.feeds.board import FETCHES, noted, refusals, source
from shouye.watch import feeds, tally
from shouye.watch.feeds import Parcel, transports
from shouye.watch.tally import Hearing
from tests.doors.web.conftest import PHONE, Console, enter
from tests.doors.web.scene import CITY
from tests.watch.feeds.town import report

FIVE = timedelta(minutes=5)


def pushed(console: Console, *stations: str, peer: str = "127.0.0.1") -> None:
    """A reading of each of them, five minutes old."""
    block = feeds.read_feeds(CITY / "feeds.toml")["push"]
    with console.city.database.begin() as tx:
        at = (tx.now - FIVE).isoformat()
        rows = [
            {"station": one, "element": "rain_5min_mm", "time": at, "value": 1.5, "unit": "mm"} for one in stations
        ]
        feeds.take(tx, [Parcel(block, block.read(json.dumps({"readings": rows}).encode()), peer)])


def wired(console: Console, *frames: bytes) -> None:
    block = feeds.read_feeds(CITY / "feeds.toml")["hydrology"]
    with console.city.database.begin() as tx:
        feeds.take(tx, [Parcel(block, tuple(m for one in frames for m in block.read(one)), "10.9.9.9")])


def first_held(console: Console) -> tally.Held:
    with console.city.database.read() as tx:
        return tally.held(tx, WHOLE)[-1]


def test_a_source_says_whether_it_is_heard_and_why_not(acting: Console) -> None:
    pushed(acting, "53486", "53487", "strange")
    page = acting.client("duty").get("/feeds").text
    assert "个来源：1 个在收，0 个听不到，" in page
    assert "站不在表内 1" in page
    assert "样本通过，2 个数" in page
    assert 'id="owes-held">1<' in page
    one = acting.client("duty").get("/feeds/push").text
    assert "时段降水量" in one
    assert "1.5 mm" in one
    data = json.loads(acting.client("duty").get("/feeds/push/pace").text)
    assert [many for _, many in data["taken"]] == [2]
    assert [many for _, many in data["refused"]] == [1]
    assert [lag for _, lag in data["lag"]] == [300]


def test_the_list_is_exported(acting: Console) -> None:
    pushed(acting, "53486")
    book = load_workbook(io.BytesIO(acting.client("duty").request("GET", "/feeds/export.xlsx").content))
    rows = [[cell.value for cell in row] for row in book[book.sheetnames[0]].iter_rows()]
    assert ["应急局", "HTTP 推送", "push", "在收"] in [row[:4] for row in rows]
    assert "HTTP 推送" in acting.client("duty").get("/feeds/export.csv").text
    assert acting.client("duty").get("/feeds/export.exe").status_code == 422


def test_a_person_who_may_tries_again_with_the_mended_block(acting: Console, tmp_path: Path) -> None:
    pushed(acting, "new-code")
    lying = first_held(acting)
    path = f"/quarantine/{lying.id}"
    assert "现在重试仍会拒收" in acting.client("duty").get(path).text
    city = tmp_path / "city"
    city.mkdir()
    text = (CITY / "feeds.toml").read_text(encoding="utf-8")
    mended = text.replace("[feed.stations]\n", '[feed.stations]\nnew-code = "53486"\n', 1)
    (city / "feeds.toml").write_text(mended, encoding="utf-8")
    (city / "rules").mkdir()
    console = Console(replace(acting.city, folder=city), acting.tokens)
    page = console.client("duty").get(path).text
    assert "现在重试仍会拒收" not in page
    assert '<button class="btn main">重试' in page
    answer = console.client("duty").post(f"{path}/retry", {"csrf": acting.csrf("duty")})
    assert answer.headers["location"] == path
    done = console.client("duty").get(path).text
    assert "已重试" in done
    assert "测试值班员：已收" in done
    again = console.client("duty").post(f"{path}/retry", {"csrf": acting.csrf("duty")})
    assert again.status_code == 409
    (city / "feeds.toml").write_text("[[feed]]", encoding="utf-8")
    assert "feeds.toml 现在读不了" in console.client("duty").get("/feeds").text


def test_setting_aside_needs_a_reason(acting: Console) -> None:
    pushed(acting, "strange", "stranger")
    lying, client, form = first_held(acting), acting.client("duty"), {"csrf": acting.csrf("duty")}
    assert client.post(f"/quarantine/{lying.id}/drop", form).status_code == 422
    answer = client.post(f"/quarantine/{lying.id}/drop", {**form, "reason": "试发的数据"})
    assert answer.headers["location"] == "/quarantine?feed=push"
    assert "试发的数据" in client.get("/quarantine?state=dropped").text
    assert client.get("/quarantine?state=gone").status_code == 404
    assert "试发的数据" in client.get("/quarantine/export.csv?state=dropped").text


def test_bytes_are_for_who_may_act_and_fetching_them_is_written_down(acting: Console) -> None:
    forged = report(5, "80.0", station="0014029999")
    wired(acting, forged)
    path = f"/quarantine/{first_held(acting).id}"
    page = acting.client("duty").get(path).text
    assert "7E 7E 01 00 14 02 99 99 2A 2A" in re.sub("<[^>]*>", "", page)  # the password is asterisks
    assert "04 D2" not in page
    viewer = acting.client("viewer").get(path).text
    assert "7E 7E" not in viewer
    assert "只给有处置权限的人看" in viewer
    assert "0014029999" not in viewer + acting.client("viewer").get("/quarantine").text
    assert "0014029999" not in acting.client("viewer").get("/quarantine/export.csv").text
    assert "0014029999" in acting.client("duty").get("/quarantine/export.csv").text
    answer = acting.client("duty").request("POST", f"{path}/raw", {"csrf": acting.csrf("duty")})
    assert answer.content == forged
    with acting.city.database.read() as tx:
        assert len(reads_of(tx, f"held:{path.removeprefix('/quarantine/')}")) == 1


def test_what_nobody_could_read_belongs_to_no_county(acting: Console) -> None:
    pushed(acting, "strange")
    client = acting.client("lingqiu")
    assert client.get("/quarantine").status_code == 404
    assert client.get("/quarantine/export.xlsx").status_code == 404
    assert client.get(f"/quarantine/{first_held(acting).id}").status_code == 404
    assert "隔离区" not in client.get("/feeds").text
    assert client.get("/feeds/pollution").status_code == 404


def test_a_quiet_source_is_said_to_be_late() -> None:
    block = feeds.read_feeds(CITY / "feeds.toml")["push"]
    now = datetime(2026, 7, 20, 8, 10, tzinfo=BEIJING)
    counts = {"accepted": tally.Count("push", "accepted", 5, now - timedelta(minutes=11))}
    found = source(block, counts, {}, [], 0, now)
    assert (found.state, found.loud, found.last_hour, found.lag) == (Hearing.LATE, True, 0, None)


def test_refusals_are_counted_by_day_and_reason() -> None:
    found = refusals(
        {("2026-07-20", "accepted"): 7, ("2026-07-20", "refused"): 2, ("2026-07-20", "refused crc"): 2}
        | {("2026-07-21", "refused time"): 1, ("2026-07-21", "refused"): 1}
    )
    assert found.codes == ("crc", "time")
    assert found.days == (("2026-07-21", 0, (0, 1), 1), ("2026-07-20", 7, (2, 0), 2))


def test_the_pages_in_a_browser(browser: Browser, acting: Console, address: str, complaints: list[str]) -> None:
    pushed(acting, "53486", "strange")
    page = enter(browser, acting, address, "duty", complaints)
    page.goto(f"{address}/feeds/push")
    page.wait_for_selector("#chart[data-ready] canvas")
    page.goto(f"{address}/quarantine")
    page.keyboard.press("F2")
    page.wait_for_url("**/quarantine/*")
    expect(page.locator(".dump")).to_contain_text('range", "element')
    wired(acting, report(5, "80.0", station="0014029999"), report(0, "1.0")[:-1] + b"\0")
    for number, place in ((2, "遥测站地址"), (3, "校验码")):
        page.goto(f"{address}/quarantine/{number}")
        row = page.locator("#fields tbody tr", has=page.locator(".bad")).first
        expect(row).to_contain_text(place)
        row.focus()
        lit = page.locator("#bytes .lit")
        expect(lit.first).to_have_class("f wrong lit")
        page.locator("#bytes [data-f='1']").first.hover()
        expect(page.locator("#fields tr.lit")).to_contain_text("帧起始")
    page.set_viewport_size(PHONE)
    for path in ("/feeds", "/feeds/push", "/quarantine", page.url.removeprefix(address)):
        page.goto(f"{address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    assert complaints == []


@pytest.mark.parametrize("path", ["/feeds/nothing", "/quarantine/999", "/feeds/nothing/pace"])
def test_what_is_not_there_is_said(looking: Console, path: str) -> None:
    assert looking.client("duty").get(path).status_code == 404


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("unmapped batt_v", "没有对照的要素 batt_v"),
        ("unit 3 silent", "从站 3 没有应答"),
        ("fetch: too slow", "取不到：取得太慢"),
        ("link: status 404", "链接取不到：状态码 404"),
        ("foreign network", "来自许可网络之外"),
        ("something new", "something new"),
    ],
)
def test_what_is_counted_beside_messages_is_said_in_words(what: str, said: str) -> None:
    assert noted(what) == said


def test_no_transport_counts_anything_that_has_no_words() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in Path(transports.__path__[0]).glob("*.py"))
    counted = set(re.findall(r'note, feed\.name, "([^"]+)"', text))
    failed = set(re.findall(r'_Failed\("([^"]+)"', text))
    assert "server away" in counted
    assert "too slow" in failed
    assert not [what for what in sorted(counted) if noted(what) == what]
    assert not failed - set(FETCHES)


def test_a_device_is_asked_from_its_source(acting: Console) -> None:
    """By who may act, for stations of his own; what has not gone out is taken back."""
    client, form = acting.client("duty"), {"csrf": acting.csrf("duty")}
    path = "/feeds/hydrology/asked"
    assert "没有召测过" in client.get(path).text
    assert f'href="{path}"' in client.get("/feeds/hydrology").text
    asked = {**form, "code": "0014020001", "command": "period"}
    assert "要写明起始时间、截止时间、要素" in client.post(path, asked).text
    times = {"begin": "2026-07-20T00:00", "end": "2026-07-20T06:00", "elements": "stage_m，rain_mm，26"}
    assert client.post(path, {**asked, **times, "begin": "noon"}).status_code == 422
    assert client.post(path, {**asked, **times}).headers["location"] == f"{path}#order-1"
    page = client.get(path).text
    assert "等设备上线" in page
    assert "stage_m、rain_5min_mm、26" in page
    assert acting.client("viewer").post(path, {"csrf": acting.csrf("viewer"), **asked}).status_code == 403
    assert client.post(f"{path}/1/withdraw", form).status_code == 303
    assert "已撤回" in client.get(path).text
    for unasked in ("/feeds/push/asked", "/feeds/nothing/asked"):
        assert client.get(unasked).status_code == 404
    assert client.post(path, {**asked, "code": "0014029999"}).status_code == 404
