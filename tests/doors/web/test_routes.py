"""每条路由 — declared with its permission, refused to those without it, closed to a foreign division."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Mount

from shouye.base.access import WHOLE, Actor, Permission, Scope
from shouye.doors.web import CityContext, create_app
from shouye.doors.web.api import PROBLEM
from shouye.doors.web.security import CSRF_HEADER, is_api
from shouye.doors.web.visit import Need
from shouye.during import call
from tests.doors.web.conftest import PEOPLE, Console, console_of

with (Path(__file__).parents[2] / "tables" / "web_routes.csv").open(encoding="utf-8") as table:
    ROUTES = [(row["method"], row["path"], row["permission"]) for row in csv.DictReader(table)]

FILLED = {
    "{number}": "1",
    "{notice}": "2",
    "{division}": "dt-c08",
    "{hazard}": "rainstorm",
    "{person}": "1",
    "{change}": "extend",
    "{token}": "no-such-token",
    "{station}": "54400",
    "{feed}": "push",
    "{kind}": "xlsx",
}


def declared(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Every route of every router the application includes; the only other thing it serves is static files."""
    for included in app.routes:
        router = getattr(included, "original_router", None)
        if router is None:
            assert isinstance(included, Mount)
            assert included.path == "/static"
            continue
        for route in router.routes:
            assert isinstance(route, APIRoute)
            found = [need.permission.value if need.permission else "known" for need in _needs(route.dependant)]
            for method in sorted(route.methods or ()):
                yield method, route.path, found[0] if found else "public"


def _needs(dependant: Dependant) -> Iterator[Need]:
    if isinstance(dependant.call, Need):
        yield dependant.call
    for below in dependant.dependencies:
        yield from _needs(below)


ENDS = ("/me/prove", "/me/sign-out-everywhere", "/sign-out")
"""What ends the session or changes its token is tried last, each in a session of its own."""


def address(path: str) -> str:
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


def test_the_table_names_every_route_and_its_permission(night: CityContext) -> None:
    assert sorted(declared(create_app(night))) == sorted(ROUTES)


@pytest.mark.parametrize("person", PEOPLE)
def test_a_route_opens_to_its_permission_only(acting: Console, person: str) -> None:
    role, division, posts = PEOPLE[person]
    client, form = acting.client(person), {"csrf": acting.csrf(person)}
    actor, known = Actor("user:1", "", role, Scope(division), posts), {CSRF_HEADER: acting.csrf(person)}
    wrong = []
    for method, path, permission in sorted(ROUTES, key=lambda route: route[1] in ENDS):
        if path == "/events" or permission == "public":
            continue  # a stream does not end; what is public is tested below
        if path in ENDS:
            acting = console_of(acting.city)
            client, form = acting.client(person), {"csrf": acting.csrf(person)}
        answer = client.request(method, address(path), data=form if method == "POST" else None, headers=known)
        if permission == "known" or actor.may(Permission(permission)):
            # A code that is asked for and not given is refused with 403, too; that is no matter of permission.
            barred = answer.status_code == 403 and "动态口令" not in answer.text
            right = answer.status_code not in (401, 500) and not barred
        else:
            right = answer.status_code == 403 and "没有权限做这件事" in answer.text
        if not right:
            wrong.append((method, path, permission, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize(("method", "path", "permission"), ROUTES)
def test_nobody_enters_without_signing_in(looking: Console, method: str, path: str, permission: str) -> None:
    answer = looking.client().request(method, address(path))
    if path == "/sign-in" and method == "POST":
        assert answer.headers["location"] == "/sign-in?again=true"
    elif permission == "public":
        assert answer.status_code in (200, 403, 404, 422)
    elif is_api(path):
        assert answer.status_code == 401
        assert answer.headers["content-type"] == PROBLEM
    elif method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("given", ["", "0" * 32, "another"])
def test_a_form_without_its_token_changes_nothing(
    looking: Console, dump: Callable[[CityContext], list[str]], given: str
) -> None:
    before = dump(looking.city)
    client, token = looking.client("duty"), looking.csrf("leader") if given == "another" else given
    for path in [
        path for method, path, _ in ROUTES if method == "POST" and path not in ("/a/{token}", "/sign-in")
    ]:
        form = {"csrf": token, "reason": "x", "level": "RED"}
        answer = client.request("POST", address(path), form, {CSRF_HEADER: token})
        assert answer.status_code == 403, path
        assert "页面已失效" in answer.text
    assert client.post("/sign-in", data={"csrf": token}).headers["location"] == "/sign-in?again=true"
    assert dump(looking.city) == before


def test_looking_changes_nothing(looking: Console, dump: Callable[[CityContext], list[str]]) -> None:
    before = dump(looking.city)
    client = looking.client("admin")
    for method, path, permission in ROUTES:
        if method == "GET" and path not in ("/events", "/sign-in"):
            seen = client.get(address(path)).status_code
            assert seen in (200, 404, 422) or (seen == 403 and permission != "see"), path
    assert dump(looking.city) == before


FOREIGN = [
    ("GET", "/calls?notice=3", {}),
    ("GET", "/calls/3/dt-c07", {}),
    ("GET", "/calls/3/export.xlsx", {}),
    ("GET", "/calls/2/dt-c07", {}),
    ("GET", "/situation/rainstorm/dt-c07", {}),
    ("GET", "/situation/rainstorm/dt-c07/curve", {}),
    ("POST", "/calls/3/dt-c07/visit", {"walker": "1:dt/city_duty", "minutes": "9"}),
]


@pytest.mark.parametrize(("method", "path", "data"), FOREIGN)
def test_a_county_neither_sees_nor_moves_what_is_another_s(
    acting: Console, method: str, path: str, data: dict[str, str]
) -> None:
    form = {**data, "csrf": acting.csrf("lingqiu")} if method == "POST" else None
    assert acting.client("lingqiu").request(method, path, data=form).status_code == 404
    if method == "GET":
        assert acting.client("duty").get(path).status_code in (200, 404 if path == "/calls/2/dt-c07" else 200)


def test_a_county_cannot_dial_another_s_person(acting: Console) -> None:
    with acting.city.database.read() as tx:
        foreign = [one for one in call.open_obligations(tx, WHOLE) if one.county == "dt-c07" and one.primary]
    assert foreign
    for verb in ("claim", "result"):
        data = {"csrf": acting.csrf("lingqiu"), "receipt": "confirmed"}
        answer = acting.client("lingqiu").post(f"/dial/{foreign[0].primary}/{verb}", data=data)
        assert answer.status_code == 404
    data = {"csrf": acting.csrf("lingqiu"), "notice": str(foreign[0].notice)}
    assert acting.client("lingqiu").post(f"/people/{foreign[0].primary}/page", data=data).status_code == 404


def test_a_county_s_pages_name_no_other_county(looking: Console) -> None:
    client = looking.client("lingqiu")
    for path in (
        "/",
        "/tasks",
        "/calls",
        "/dial",
        "/notices",
        "/silence",
        "/stations",
        "/feeds",
        "/timeline",
        "/map/state",
    ):
        text = client.get(path).text
        assert "广灵" not in text, path
        assert "浑源" not in text, path
    assert "灵丘" in client.get("/").text
