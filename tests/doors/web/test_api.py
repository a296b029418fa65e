"""数据接口 — cookie or key, problem documents, the same sight as the pages."""

from __future__ import annotations

from typing import Any

import pytest

from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.doors.web.api import PROBLEM
from shouye.doors.web.security import CSRF_HEADER
from shouye.during.call import OPEN
from tests.doors.web.conftest import Console


def key_of(console: Console, division: str = "dt", purpose: Purpose = Purpose.READ) -> dict[str, str]:
    feed = "rain" if purpose is Purpose.PUSH else ""
    with console.city.database.begin() as tx:
        _, token = issue_key(tx, OPERATOR, purpose=purpose, division=division, days=1, feed=feed)
    return {"Authorization": f"Bearer {token}"}


def read(console: Console, path: str, headers: dict[str, str]) -> Any:
    answer = console.client().get(f"/api/v1{path}", headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_key_reads_what_a_county_reads_and_nothing_else(acting: Console) -> None:
    city, county = key_of(acting), key_of(acting, "dt-c08")
    assert read(acting, "/me", county)["permissions"] == ["see"]
    for path, place in (("/situations", "division"), ("/notices", "county"), ("/stations", "county")):
        places = {one[place] for one in read(acting, path, county)}
        assert places == {"dt-c08"}, path
        assert len({one[place] for one in read(acting, path, city)}) > 1, path
    calls = read(acting, "/notices/2/calls", county)
    assert calls["obligations"]
    assert all(acting.city.roster.within(one["division"], "dt-c08") for one in calls["obligations"])
    assert acting.client().get("/api/v1/notices/3", county).status_code == 404
    assert read(acting, "/notices/3", city)["number"] == "N-03"


def test_a_push_key_reads_nothing_and_a_read_key_signs_nothing(acting: Console) -> None:
    answer = acting.client().get("/api/v1/notices", key_of(acting, purpose=Purpose.PUSH))
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    assert answer.json()["detail"] == "没有权限做这件事。（需要查看权限，推送密钥没有）"
    assert answer.json()["type"] == "urn:shouye:refusal:Forbidden"
    assert acting.client().request("POST", "/api/v1/notices/2/withdraw", None, key_of(acting)).status_code == 403


def test_a_wrong_key_is_not_helped_by_a_cookie(acting: Console) -> None:
    answer = acting.client("duty").get("/api/v1/me", {"Authorization": "Bearer sy_wrong"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["title"] == "密钥不对、已作废或已过期。"
    assert acting.client().get("/", key_of(acting)).status_code == 303, "a key opens no page"


def test_a_session_changes_something_only_with_its_form_token(signing: Console) -> None:
    client, path = signing.client("leader"), "/api/v1/proposals"
    draft = client.get(path).json()[0]
    token = client.get("/api/v1/me").json()["form_token"]
    address, body = f"{path}/{draft['id']}/sign", {"seen": draft["seen"]}
    assert client.send(address, body).status_code == 403
    assert client.send(address, {"seen": "else"}, {CSRF_HEADER: token}).status_code == 409
    signed = client.send(address, body, {CSRF_HEADER: token})
    assert signed.status_code == 200, signed.text
    assert {one["county"] for one in signed.json()} == {draft["county"]}
    assert draft["id"] not in [one["id"] for one in client.get(path).json()]


def test_an_answer_by_the_interface_is_in_the_same_ledger(acting: Console) -> None:
    client, headers = acting.client("duty"), {CSRF_HEADER: acting.csrf("duty")}
    before = client.get("/api/v1/notices/3/calls").json()
    one = next(one for one in before["obligations"] if one["state"] in OPEN and one["primary"])
    body = {"person": one["primary"], "receipt": "confirmed"}
    after = client.send("/api/v1/notices/3/answers", body, headers).json()
    assert after["balance"]["answered"] > before["balance"]["answered"]
    stranger = {CSRF_HEADER: acting.csrf("lingqiu")}
    assert acting.client("lingqiu").send("/api/v1/notices/3/answers", body, stranger).status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/notices/x", "/notices/0", "/facts?limit=0", "/findings/99999"])
def test_every_refusal_is_a_problem_document(looking: Console, path: str) -> None:
    answer = looking.client("duty").get(f"/api/v1{path}")
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["title"].endswith("。")


def test_the_description_names_every_route_and_every_refusal(looking: Console) -> None:
    assert looking.client().get("/api/v1/openapi.json").status_code == 401
    found = looking.client("viewer").get("/api/v1/openapi.json").json()
    assert {"/api/v1/me", "/api/v1/facts", "/api/v1/proposals/{number}/sign"} <= found["paths"].keys()
    for path in found["paths"].values():
        for said in path.values():
            assert {"401", "403", "404", "409", "422"} <= said["responses"].keys()
            assert said["security"]
