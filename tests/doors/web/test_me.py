"""我的账号 — binding a second factor on the page, a code before a signature, a signature in another's place."""

from __future__ import annotations

import re

import pyotp

from shouye.base.access import csrf_token, log_read, named
from shouye.doors.web import create_app
from shouye.doors.web.security import CSRF_HEADER
from tests.doors.web.conftest import Client, Console

WORD = "a long enough word"


def press(console: Console, client: Client, path: str, **fields: str) -> str:
    """A form sent with the token of the session as it is now; says where it leads, or the page."""
    answer = client.post(path, {"csrf": csrf_token(cookie(console, client)), **fields})
    return str(answer.headers.get("location") or answer.text)


def cookie(console: Console, client: Client) -> str:
    """The newest session cookie: the one the test set and the one the program sent may stand side by side."""
    return [one.value or "" for one in client.cookies.jar if one.name == console.city.cookie][-1]


def test_a_signature_asks_for_a_fresh_code(signing: Console) -> None:
    client = signing.client("leader")
    for word in ("", "a guess"):
        page = press(signing, client, "/me/factor", password=word)
        assert "密码不对" in page, "a screen left alone binds no stranger's telephone"
        assert "data:image/svg+xml" not in page
    assert "没有待确认的绑定" in press(signing, client, "/me/factor/confirm", code="000000")
    page = press(signing, client, "/me/factor", password=WORD)
    assert "data:image/svg+xml" in page
    secret = re.findall(r'<b class="nw">(\w+)</b>', page)[0]
    totp = pyotp.TOTP(secret)
    assert "动态口令不对，或已用过" in press(signing, client, "/me/factor/confirm", code="000000")
    page = press(signing, client, "/me/factor/confirm", code=totp.now())
    spares = re.findall(r'class="nw">(\w{5}-\w{5})<', page)
    assert len(spares) == 10
    assert "还剩 10 个" in client.get("/me").text

    draft = client.get("/api/v1/proposals").json()[0]
    sign = f"/proposals/{draft['id']}"
    assert press(signing, client, f"{sign}/approve", seen=draft["seen"]) == "/me/prove?next=/notices"
    assert press(signing, client, "/me/mandates", taker="duty", hours="1") == "/me/prove?next=/me"
    assert "/me/mandates/1/end" not in client.get("/me").text, "an unwatched screen gives no signature away"
    before = cookie(signing, client)
    json = client.send(f"/api/v1{sign}/sign", {"seen": draft["seen"]}, {CSRF_HEADER: csrf_token(before)})
    assert (json.status_code, json.json()["type"]) == (403, "urn:shouye:refusal:ProofStale")

    assert "动态口令不对" in press(signing, client, "/me/prove", code=totp.now(), next="/notices"), "used already"
    answer = client.post("/me/prove", {"csrf": csrf_token(before), "code": spares[0], "next": "/notices"})
    assert answer.headers["location"] == "/notices"
    after = answer.cookies[signing.city.cookie]
    assert after != before, "the session goes on under a new token"
    client.cookies.clear()
    client.cookies.set(signing.city.cookie, after)
    assert press(signing, client, f"{sign}/approve", seen=draft["seen"]).startswith("/calls?notice=")


def test_sign_in_asks_for_the_code_of_whoever_has_bound_one(acting: Console) -> None:
    client = acting.client("leader")
    secret = re.findall(r'<b class="nw">(\w+)</b>', press(acting, client, "/me/factor", password=WORD))[0]
    page = press(acting, client, "/me/factor/confirm", code=pyotp.TOTP(secret).now())
    spare = re.findall(r'class="nw">(\w{5}-\w{5})<', page)[0]
    new = acting.client()
    form = {"login": "leader", "password": WORD}

    def enter(code: str) -> int:
        token = re.findall(r'name="csrf" value="(\w+)"', new.get("/sign-in").text)[0]
        return new.post("/sign-in", {**form, "csrf": token, "code": code}).status_code

    assert [enter(""), enter("123456"), enter(spare)] == [401, 401, 303]
    assert new.get("/me").status_code == 200


def test_a_signature_in_another_s_place_says_so(signing: Console) -> None:
    duty, leader = signing.client("duty"), signing.client("leader")
    draft = duty.get("/api/v1/proposals").json()[0]
    sign = f"/proposals/{draft['id']}/approve"
    assert "没有权限做这件事" in press(signing, duty, sign, seen=draft["seen"])
    assert press(signing, leader, "/me/mandates", taker="duty", hours="4") == "/me"
    assert "收回" in leader.get("/me").text
    assert "交回" in duty.get("/me").text
    assert press(signing, duty, sign, seen=draft["seen"]).startswith("/calls?notice=")
    assert "测试值班员 代" in duty.get("/notices").text
    assert "（代）" in duty.get("/timeline").text
    assert press(signing, leader, "/me/mandates/1/end") == "/me"
    other = duty.get("/api/v1/notices?in_force=true").json()[0]
    assert "没有权限做这件事" in press(signing, duty, f"/notices/{other['id']}/extend", reason="雨还在下")


def test_the_read_log_opens_to_whoever_may_see_it(acting: Console) -> None:
    with acting.city.database.begin() as tx:
        log_read(tx, named("user:2"), "dial", "person:1")
    page = acting.client("admin").get("/reads").text
    assert "人工拨打，看到号码" in page
    assert acting.city.roster.persons[1].name in page
    assert acting.client("duty").get("/reads").status_code == 403


def test_over_https_the_cookie_goes_by_no_other_way(acting: Console) -> None:
    app = create_app(acting.city)
    said = [
        str(Client(app, f"{scheme}://console").get("/sign-in").headers["set-cookie"])
        for scheme in ("http", "https")
    ]
    assert ["Secure" in one for one in said] == [False, True]
    assert all("HttpOnly" in one and "SameSite=lax" in one for one in said)


def test_leaving_everywhere_leaves_everywhere(acting: Console) -> None:
    here, there = acting.client("duty"), acting.client("duty")
    assert press(acting, here, "/me/sign-out-everywhere") == "/sign-in"
    assert there.get("/").status_code == 303
