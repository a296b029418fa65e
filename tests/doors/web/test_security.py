"""登录与页面安全 — headers, cookies, refusals in Chinese, nothing inline."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shouye.base.access import csrf_token
from shouye.base.kernel import Mode
from shouye.doors.web.context import COOKIES
from shouye.doors.web.security import MAX_BODY, content_policy, safe_path
from tests.doors.web.conftest import Client, Console

PAGES = (
    "/",
    "/wall",
    "/tasks",
    "/calls",
    "/calls/3/dt-c07",
    "/dial",
    "/notices",
    "/silence",
    "/timeline",
    "/people",
)


def open_form(client: Client) -> str:
    return str(re.findall(r'name="csrf" value="(\w+)"', client.get("/sign-in").text)[0])


def test_signing_in_and_out(acting: Console) -> None:
    client = acting.client()
    form = {"csrf": open_form(client), "login": "duty", "password": "a long enough word", "next": "/calls"}
    answer = client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("shouye_sim=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/").status_code == 200
    token = client.cookies["shouye_sim"]
    assert client.post("/sign-out", data={"csrf": csrf_token(token)}).status_code == 303
    client.cookies.set("shouye_sim", token, domain="console.local")
    assert client.get("/").status_code == 303


def test_a_wrong_password_is_refused_in_words_and_then_throttled(looking: Console) -> None:
    client = looking.client()
    said = []
    for _ in range(11):
        form = {"csrf": open_form(client), "login": "duty", "password": "wrong"}
        answer = client.post("/sign-in", data=form)
        said.append(answer.status_code)
    assert said == [401] * 10 + [429]
    assert "登录尝试过多，请稍后再试" in answer.text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/calls?notice=1", "/calls?notice=1"),
        ("https://example.org/", "/"),
        ("//example.org", "/"),
        ("/\\example.org", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_sign_in_one_stays_here(target: str, expected: str) -> None:
    assert safe_path(target) == expected


def test_modes_do_not_share_a_cookie() -> None:
    assert len({COOKIES[mode] for mode in Mode}) == len(Mode)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_its_mode_and_carries_nothing_inline(looking: Console, path: str) -> None:
    answer = looking.client("duty").get(path)
    assert answer.status_code == 200
    assert "<title>演练 · " in answer.text
    assert '<div class="mode" role="status"><b>演练</b>' in answer.text
    assert not re.search(r"<script>|<script [^>]*>[^<]|\son\w+=|\sstyle=|javascript:", answer.text)
    assert len(re.findall(r'class="btn main"', answer.text)) <= 1
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_tiles_come_only_from_the_address_that_the_city_sets() -> None:
    assert "img-src 'self' data:;" in content_policy("")
    assert "img-src 'self' data: https://tiles.invalid;" in content_policy("https://tiles.invalid/{z}/{x}/{y}.png")


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/nowhere", 404, "没有这个页面。"),
        ("DELETE", "/", 403, "页面已失效，请返回刷新后再提交。"),
        ("GET", "/calls?notice=99", 404, "没有找到所指的对象。（通知 99）"),
        ("GET", "/calls?notice=x", 422, "填写的内容有误，未作任何改动。"),
        ("GET", "/calls?show=x", 422, "输入有误，未作任何改动。（筛选条件）"),
    ],
)
def test_a_refusal_is_a_chinese_sentence(
    looking: Console, method: str, path: str, status: int, sentence: str
) -> None:
    answer = looking.client("duty").request(method, path)
    if method == "DELETE":
        assert answer.status_code == 405
        return
    assert answer.status_code == status
    assert sentence in answer.text


def test_a_body_too_large_is_not_read(looking: Console) -> None:
    answer = looking.client().post("/sign-in", data={"login": "x" * (MAX_BODY + 1)})
    assert answer.status_code == 413
    assert "提交的内容过大" in answer.text


def test_a_stale_screen_is_sent_to_sign_in(looking: Console) -> None:
    answer = looking.client().get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in"


def test_a_sign_in_form_of_before_the_restart_is_shown_anew(looking: Console) -> None:
    client = looking.client()
    answer = client.post("/sign-in", {"csrf": "0" * 32, "login": "duty", "password": "a long enough word"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?again=true")
    assert "登录页已过期，请再输入一次。" in client.get("/sign-in?again=true").text


def test_who_is_signed_in_already_goes_on(looking: Console) -> None:
    answer = looking.client("duty").get("/sign-in?next=/calls")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")


def test_signing_out_leaves_nothing_behind(acting: Console) -> None:
    answer = acting.client("duty").post("/sign-out", {"csrf": acting.csrf("duty")})
    assert answer.headers["clear-site-data"] == '"cache"'


def test_a_database_that_is_away_is_said_so(
    acting: Console, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server restarts, its disk is full: 503 and a sentence, not a fault of the program."""

    def away() -> None:
        raise OperationalError("SELECT", None, Exception("unable to open database file"))

    client = acting.client("duty")
    monkeypatch.setattr(acting.city.database.engine, "connect", away)
    for path in ("/tasks", "/api/v1/tasks"):
        answer = client.get(path)
        assert (answer.status_code, "数据库暂时读不到" in answer.text) == (503, True)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("spoil", ["RENAME TO gone", "RENAME COLUMN seen_at TO gone"])
def test_a_database_of_another_version_is_said_so(
    acting: Console, caplog: pytest.LogCaptureFixture, spoil: str
) -> None:
    """A table that is not there does not come by waiting."""
    client = acting.client("duty")
    with acting.city.database.begin() as tx:
        tx.run(text(f"ALTER TABLE session {spoil}"))
    for path in ("/tasks", "/api/v1/tasks"):
        answer = client.get(path)
        assert (answer.status_code, "shouye db upgrade" in answer.text) == (503, True)
    assert "Traceback" not in caplog.text
