"""真浏览器里的控制台 — what only a browser can tell: it fits, it lives, it keeps still, it prints no error."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from shouye.base.access import issue_answer_token
from shouye.doors.web import create_app
from shouye.doors.web.assets.build import build
from shouye.during import call, warn
from tests.doors.web.conftest import CHROMIUM, Console

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
DESK = ViewportSize(width=1366, height=768)
PHONE = ViewportSize(width=360, height=640)
SMALL_PHONE = ViewportSize(width=320, height=568)
WALL = ViewportSize(width=1920, height=1080)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    build()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def address(acting: Console) -> Iterator[str]:
    """The console of this test's own night."""
    with served(acting) as found:
        yield found


@contextmanager
def served(acting: Console) -> Iterator[str]:
    """Served on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(acting.city), log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        acting.city.tick.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: errors, and whatever the page policy had to forbid."""
    return []


def sign_in(browser: Browser, acting: Console, address: str, person: str, complaints: list[str]) -> Page:
    context = browser.new_context(viewport=DESK)
    context.add_cookies([{"name": acting.city.cookie, "value": acting.tokens[person], "url": address}])
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def test_a_person_signs_in_with_the_keyboard(browser: Browser, acting: Console, address: str) -> None:
    page = browser.new_context(viewport=DESK).new_page()
    page.goto(f"{address}/calls")
    expect(page).to_have_url(f"{address}/sign-in?next=/calls")
    page.keyboard.type("duty")
    page.keyboard.press("Tab")
    page.keyboard.type("a long enough word")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/calls")
    expect(page).to_have_title("演练 · 叫应 · N-03 广灵县 · 大同市 · 守夜")


def test_the_desk_fits_without_scrolling(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.goto(address)
    expect(page.locator("#happening tbody tr")).to_have_count(7)
    size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [DESK["width"], DESK["height"]]
    for card in ("#happening", "#owed", "#map", "#silent"):
        expect(page.locator(card)).to_be_in_viewport()
    assert complaints == []


def test_the_map_says_every_level_in_words(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.goto(address)
    page.wait_for_selector("#map[data-ready]")
    assert page.locator("#map path.county").count() == 10
    words = page.locator("#map .place").all_inner_texts()
    assert any(text.split() == ["灵丘县", "红", "暴雨", "立即转移"] for text in words)
    assert any("天镇县" in text and "1 站听不到" in text for text in words)
    assert page.locator("#map path.county.r").count() == 1
    assert page.locator("#map path.county.x").count() == 1
    expect(page.get_by_text("边界示意，来源未注明")).to_be_visible()
    assert complaints == []


def test_the_screen_follows_what_happens(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/calls?notice=3")
    page.wait_for_timeout(400)
    before = _open(acting)
    with acting.city.database.begin() as tx:
        call.take_over(tx, [one.id for one in call.open_obligations(tx) if one.notice == 3], "dt/city_duty")
    acting.city.tick()
    assert _open(acting) < before
    expect(page.locator("#sum .v").nth(2)).to_have_text(str(before - _open(acting)), timeout=6000)
    assert complaints == []


def _open(acting: Console) -> int:
    with acting.city.database.read() as tx:
        return call.balance(tx).open


def test_a_list_keeps_still_under_the_pointer(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/calls?notice=3")
    page.wait_for_timeout(400)
    rows = page.locator("#tree tbody tr")
    count = rows.count()
    rows.nth(0).hover()
    with acting.city.database.begin() as tx:
        call.take_over(tx, [one.id for one in call.open_obligations(tx) if one.notice == 3], "dt/city_duty")
    acting.city.tick()
    expect(page.locator("#tree.held")).to_have_count(1, timeout=6000)
    assert rows.count() == count
    page.mouse.move(5, 5)
    expect(page.locator("#tree.held")).to_have_count(0, timeout=6000)
    expect(rows).not_to_have_count(count)
    assert complaints == []


def test_a_leader_withdraws_with_a_reason(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "leader", complaints)
    page.goto(f"{address}/notices")
    article = page.locator("#in-force article", has_text="N-06")
    article.locator("summary").click()
    form = article.locator("form", has=page.get_by_role("button", name="撤回"))
    form.get_by_role("button", name="撤回").click()
    assert form.locator("input:invalid").count() == 1  # no reason, nothing sent
    form.get_by_placeholder("理由").fill("误报，已核实")
    form.get_by_role("button", name="撤回").click()
    expect(page.locator("#ended article")).to_contain_text("误报，已核实")
    with acting.city.database.read() as tx:
        notice = next(one for one in warn.notices(tx) if one.number == "N-06")
    assert notice.state is warn.NoticeState.WITHDRAWN
    assert complaints == []


def test_two_officers_share_the_dial_list(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    first = sign_in(browser, acting, address, "duty", complaints)
    second = sign_in(browser, acting, address, "leader", complaints)
    first.goto(f"{address}/dial")
    assert "0000000" not in first.content()
    first.keyboard.press("F2")
    person = first.locator("#next form").first.get_attribute("action")
    assert person is not None
    number = acting.city.roster.contact(int(person.split("/")[2]))
    assert number is not None
    expect(first.locator(".phone")).to_have_text(number)
    name = first.locator("#next strong").inner_text().split()[0].removesuffix("虚构")
    second.goto(f"{address}/dial")
    row = second.locator("#list tbody tr", has_text=name).first
    expect(row).to_contain_text("测试值班员 在拨")
    assert row.locator("button").count() == 0
    before = _open(acting)
    first.keyboard.press("F2")
    expect(first.locator("#next .btn.main")).to_contain_text("我来拨")
    assert _open(acting) == before - 1
    assert complaints == []


def test_a_villager_answers_on_his_telephone(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    officer = sign_in(browser, acting, address, "duty", complaints)
    officer.goto(f"{address}/people")
    with officer.context.expect_page() as opened:
        officer.locator("#people tbody tr", has_text="预警转移员").first.locator("button").first.click()
    link = opened.value.url
    page = browser.new_context(viewport=PHONE).new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    before = _open(acting)
    answer = page.goto(link)
    assert answer is not None
    assert len(answer.body()) < 10_000
    assert page.evaluate("document.documentElement.className") == "night"
    assert [url for url in requests if not url.endswith("/favicon.ico")] == [link]
    assert _open(acting) == before  # to look is not to answer
    assert page.evaluate("document.documentElement.scrollHeight") <= PHONE["height"]
    button = page.get_by_role("button", name="我醒了")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 80
    button.click()
    expect(page.get_by_text("收到了")).to_be_visible()
    assert _open(acting) < before
    page.get_by_text("转移人数").click()
    page.get_by_label("一共转移了多少人？").fill("31")
    page.get_by_role("button", name="报上去").click()
    expect(page.get_by_text("转移 31 人")).to_be_visible()
    page.get_by_role("button", name="已到岗").click()
    expect(page.get_by_role("button", name="已到岗")).to_have_count(0)
    with acting.city.database.read() as tx:
        said = [(one.kind, one.value) for one in call.reports(tx)][-2:]
    assert said == [("moved", 31), ("on_post", None)]
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/calls", "/notices", "/tasks"])
def test_a_page_is_usable_on_a_telephone(
    browser: Browser, acting: Console, address: str, complaints: list[str], path: str
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def test_the_curve_is_drawn_with_its_thresholds(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/situation/rainstorm/dt-c08")
    page.wait_for_selector("#chart[data-ready] canvas")
    expect(page.locator("#chart-note")).to_contain_text("灵丘站")
    data = page.evaluate("fetch('/situation/rainstorm/dt-c08/curve').then(r => r.json())")
    assert {(one["word"], one["value"]) for one in data["limits"]} == {("橙", 50), ("红", 100)}
    assert data["sums"][-1][1] == pytest.approx(287.9)
    assert complaints == []


REPEAT = """([list, count]) => {
    const into = document.querySelector(list);
    while (into.children.length < count) into.append(into.children[0].cloneNode(true));
}"""


@pytest.mark.parametrize(
    ("path", "size", "lists"),
    [
        ("/", DESK, {"#happening tbody": 8, "#owed tbody": 6}),
        ("/wall", WALL, {"#happening tbody": 8, "#doors ul": 12}),
    ],
)
def test_a_full_screen_does_not_scroll(
    browser: Browser,
    acting: Console,
    address: str,
    complaints: list[str],
    path: str,
    size: ViewportSize,
    lists: dict[str, int],
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.set_viewport_size(size)
    page.goto(f"{address}{path}")
    page.wait_for_selector("#map[data-ready]")
    for rows, count in lists.items():
        page.evaluate(REPEAT, [rows, count])
        expect(page.locator(f"{rows} > *")).to_have_count(count)
    found = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert found == [size["width"], size["height"]]
    assert complaints == []


@pytest.mark.parametrize("size", [DESK, WALL])
def test_no_label_of_the_map_hides_a_station_or_another(
    browser: Browser, acting: Console, address: str, complaints: list[str], size: ViewportSize
) -> None:
    page = sign_in(browser, acting, address, "viewer", complaints)
    page.set_viewport_size(size)
    page.goto(f"{address}/wall" if size is WALL else address)
    page.wait_for_selector("#map[data-ready]")
    hidden = page.evaluate(
        """() => {
        const box = (e) => e.getBoundingClientRect();
        const labels = [...document.querySelectorAll("#map .place")];
        const marks = [...document.querySelectorAll("#map .hit, #map path.st, #map path.off")];
        const across = (a, b) => a.left < b.right - 1 && b.left < a.right - 1;
        const along = (a, b) => a.top < b.bottom - 1 && b.top < a.bottom - 1;
        const meet = (a, b) => across(box(a), box(b)) && along(box(a), box(b));
        const found = [];
        labels.forEach((one, i) => {
            for (const other of [...marks, ...labels.slice(i + 1)])
                if (meet(one, other)) found.push([one.innerText, other.getAttribute("class")]);
        });
        return [labels.length, marks.length, found];
    }"""
    )
    assert hidden[0] == 10
    assert hidden[1] == 12
    assert hidden[2] == []
    assert complaints == []


def test_many_villages_are_folded_and_found(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.goto(f"{address}/calls?notice=3&show=all")
    villages = page.locator("#tree tr.t3")
    assert villages.count() > 100
    assert page.locator("#tree tr.t3:visible").count() == 0
    name = villages.nth(40).locator("a").first.inner_text() or villages.nth(40).locator("a").first.text_content()
    page.get_by_label("查找").fill(str(name))
    expect(villages.nth(40)).to_be_visible()
    acting.city.tick()
    page.wait_for_timeout(1500)
    expect(page.get_by_label("查找")).to_have_value(str(name))  # a live picture does not take it away
    expect(villages.nth(40)).to_be_visible()
    page.get_by_label("查找").fill("")
    page.get_by_label("展开").first.click()
    assert 0 < page.locator("#tree tr.t3:visible").count() < villages.count()
    page.get_by_text("展开各村").click()
    assert page.locator("#tree tr.t3:visible").count() == villages.count()
    assert complaints == []


def test_a_leader_signs_with_two_keys(browser: Browser, signing: Console, complaints: list[str]) -> None:
    with served(signing) as address:
        page = sign_in(browser, signing, address, "leader", complaints)
        page.goto(address)
        page.keyboard.press("F2")
        page.wait_for_url("**/notices?draft=*")
        draft = int(page.url.partition("draft=")[2].partition("#")[0])
        main = page.locator(".btn.main")
        expect(main).to_be_in_viewport()
        assert main.locator("xpath=ancestor::div[1]").locator(f"#draft-{draft}").count() == 1
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('#pending').contains(document.activeElement)")
        page.get_by_label("不予签发的理由").first.fill("再等一等")
        page.keyboard.press("F2")  # a refusal is being written: nothing is signed
        page.wait_for_timeout(300)
        assert "/notices" in page.url
        page.get_by_label("不予签发的理由").first.fill("")
        page.keyboard.press("F2")
        page.wait_for_url("**/calls?notice=*")
        with signing.city.database.read() as tx:
            assert warn.proposal(tx, draft).state is warn.ProposalState.APPROVED
    assert complaints == []


def test_after_sign_out_the_back_button_shows_nothing(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.goto(f"{address}/calls")
    page.goto(f"{address}/tasks")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    expect(page.get_by_label("密码")).to_be_visible()
    assert "叫应未结" not in page.content()
    assert complaints == []


def test_two_tabs_and_a_stale_cookie_still_sign_in(browser: Browser, acting: Console, address: str) -> None:
    context = browser.new_context(viewport=DESK)
    context.add_cookies([{"name": acting.city.cookie, "value": "of-before-the-restart", "url": address}])
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        tab.goto(address)
        expect(tab.get_by_label("账号")).to_be_focused()
    for tab in tabs:
        tab.get_by_label("账号").fill("duty")
        tab.get_by_label("密码").fill("a long enough word")
        tab.keyboard.press("Enter")
        expect(tab).to_have_title("演练 · 值班台 · 大同市 · 守夜")


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
def test_the_answer_page_on_a_small_telephone_without_script(
    browser: Browser, acting: Console, address: str, size: ViewportSize
) -> None:
    with acting.city.database.begin() as tx:
        one = next(one for one in call.open_obligations(tx) if one.notice == 3 and one.level.value == "village")
        token = issue_answer_token(tx, one.primary or 0, 3, tx.now + timedelta(hours=1))
    context = browser.new_context(viewport=size, java_script_enabled=False)
    page = context.new_page()
    looks = browser.new_context(viewport=size).new_page()  # measures the same page
    for path, press in (("", "我醒了"), ("?do=cannot", ""), ("", "")):
        looks.goto(f"{address}/a/{token}{path}")
        assert looks.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert looks.evaluate("document.documentElement.scrollHeight") <= size["height"]
        smallest = looks.evaluate(
            "Math.min(...[...document.querySelectorAll('main *')]"
            ".map((e) => parseFloat(getComputedStyle(e).fontSize)))"
        )
        assert smallest >= 17
        assert min(box["height"] for each in looks.locator(".btn").all() if (box := each.bounding_box())) >= 80
        if press:
            page.goto(f"{address}/a/{token}")
            page.get_by_role("button", name=press).click()
            expect(page.get_by_text("收到了")).to_be_visible()


def test_the_list_on_paper(browser: Browser, acting: Console, address: str, complaints: list[str]) -> None:
    page = sign_in(browser, acting, address, "duty", complaints)
    page.goto(f"{address}/calls?notice=3")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="打印名单（含号码）").click()
    paper = opened.value
    expect(paper.locator("h1")).to_contain_text("广灵县 叫应名单 N-03")
    pdf = paper.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= 2
    paper.emulate_media(media="print")
    assert paper.evaluate("getComputedStyle(document.querySelector('.screen')).display") == "none"
    assert paper.evaluate("document.documentElement.scrollWidth") <= DESK["width"]
    assert complaints == []
