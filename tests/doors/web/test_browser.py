"""真浏览器里的控制台 — what only a browser can tell: it lives, it keeps still, it prints no error."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from shouye.base.access import WHOLE, named
from shouye.during import call, warn
from tests.doors.web.conftest import DESK, PHONE, Console, enter


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
    page = enter(browser, acting, address, "duty", complaints)
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
    page = enter(browser, acting, address, "duty", complaints)
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
    page = enter(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/calls?notice=3")
    page.wait_for_timeout(400)
    before = _open(acting)
    with acting.city.database.begin() as tx:
        call.take_over(
            tx, named("dt/city_duty"), [one.id for one in call.open_obligations(tx, WHOLE) if one.notice == 3]
        )
    acting.city.tick()
    assert _open(acting) < before
    expect(page.locator("#sum .v").nth(2)).to_have_text(str(before - _open(acting)), timeout=6000)
    assert complaints == []


def _open(acting: Console) -> int:
    with acting.city.database.read() as tx:
        return call.balance(tx, WHOLE).open


def test_a_list_keeps_still_under_the_pointer(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = enter(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/calls?notice=3")
    page.wait_for_timeout(400)
    rows = page.locator("#tree tbody tr")
    count = rows.count()
    rows.nth(0).hover()
    with acting.city.database.begin() as tx:
        call.take_over(
            tx, named("dt/city_duty"), [one.id for one in call.open_obligations(tx, WHOLE) if one.notice == 3]
        )
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
    page = enter(browser, acting, address, "leader", complaints)
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
        notice = next(one for one in warn.notices(tx, WHOLE) if one.number == "N-06")
    assert notice.state is warn.NoticeState.WITHDRAWN
    assert complaints == []


def test_two_officers_share_the_dial_list(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    first = enter(browser, acting, address, "duty", complaints)
    second = enter(browser, acting, address, "leader", complaints)
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
    officer = enter(browser, acting, address, "duty", complaints)
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
        said = [(one.kind, one.value) for one in call.reports(tx, WHOLE)][-2:]
    assert said == [("moved", 31), ("on_post", None)]
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/calls", "/notices", "/tasks"])
def test_a_page_is_usable_on_a_telephone(
    browser: Browser, acting: Console, address: str, complaints: list[str], path: str
) -> None:
    page = enter(browser, acting, address, "duty", complaints)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def test_the_curve_is_drawn_with_its_thresholds(
    browser: Browser, acting: Console, address: str, complaints: list[str]
) -> None:
    page = enter(browser, acting, address, "viewer", complaints)
    page.goto(f"{address}/situation/rainstorm/dt-c08")
    page.wait_for_selector("#chart[data-ready] canvas")
    expect(page.locator("#chart-note")).to_contain_text("灵丘站")
    data = page.evaluate("fetch('/situation/rainstorm/dt-c08/curve').then(r => r.json())")
    assert {(one["word"], one["value"]) for one in data["limits"]} == {("橙", 50), ("红", 100)}
    assert data["sums"][-1][1] == pytest.approx(287.9)
    assert complaints == []
