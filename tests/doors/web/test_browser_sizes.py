"""画面大小、按键、纸 — what fits a screen, a telephone and a sheet; keys that act once; tabs left open."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from shouye.base.access import WHOLE, issue_answer_token
from shouye.during import call, warn
from tests.doors.web.conftest import DESK, PHONE, SMALL_PHONE, WALL, Console, enter, served

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
    page = enter(browser, acting, address, "duty", complaints)
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
    page = enter(browser, acting, address, "viewer", complaints)
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
    page = enter(browser, acting, address, "duty", complaints)
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
    page.wait_for_url("**unfold=*", wait_until="load")  # before its sheet is read nothing is folded
    assert 0 < page.locator("#tree tr.t3:visible").count() < villages.count()
    page.get_by_text("展开各村").click()
    page.wait_for_load_state("load")
    expect(page.locator("#tree tr.t3:visible")).to_have_count(villages.count())
    assert complaints == []


def test_a_leader_signs_with_two_keys(browser: Browser, signing: Console, complaints: list[str]) -> None:
    with served(signing) as address:
        page = enter(browser, signing, address, "leader", complaints)
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
            assert warn.proposal(tx, WHOLE, draft).state is warn.ProposalState.APPROVED
    assert complaints == []


def test_after_sign_out_the_back_button_shows_nothing(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = enter(browser, acting, address, "duty", complaints)
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
        expect(tab).to_have_title("演练 · 值班台 · 大同市 · 守夜", timeout=20_000)


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
def test_the_answer_page_on_a_small_telephone_without_script(
    browser: Browser, acting: Console, address: str, size: ViewportSize
) -> None:
    with acting.city.database.begin() as tx:
        one = next(
            one for one in call.open_obligations(tx, WHOLE) if one.notice == 3 and one.level.value == "village"
        )
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
    page = enter(browser, acting, address, "duty", complaints)
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
