"""每条路由 × 每种角色 × 外县 — generated from the application's own routes.

A route with a new kind of object fails here until somebody says which object of another county is tried on it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from shouye.base import tasks
from shouye.base.access import (
    OPERATOR,
    SYSTEM,
    WHOLE,
    Purpose,
    Role,
    User,
    add_user,
    csrf_token,
    issue_key,
    sign_in,
    steady_now,
)
from shouye.doors.web import CityContext, create_app
from shouye.doors.web.security import CSRF_HEADER, is_api
from shouye.during import byhand, call, warn
from shouye.watch import assess, downlink, stations
from shouye.watch.intake import Inquiry
from tests.doors.web.conftest import Client
from tests.doors.web.scene import copy_of
from tests.doors.web.test_routes import declared

HOME, ABROAD = "dt-c08", "dt-c07"
ROLES = (Role.VIEWER, Role.DUTY, Role.LEADER, Role.ADMIN)

NOT_ABOUT_A_PLACE = {
    "/events": "a stream of numbers",
    "/sign-in": "nobody is signed in",
    "/sign-out": "one's own session",
    "/me/sign-out-everywhere": "one's own sessions",
    "/me/factor": "one's own telephone",
    "/me/factor/confirm": "one's own telephone",
    "/me/prove": "one's own session",
    "/api/v1/me/proof": "one's own session",
    "/a/{token}": "the token is the permission",
    "/map/counties": "boundaries of counties are public geography",
}
FIELDS = {
    "reason": "外县",
    "level": "RED",
    "seen": "",
    "walker": "1:dt-c07/county_duty",
    "minutes": "9",
    "found": "true",
    "receipt": "confirmed",
    "taker": "nobody",
    "hours": "4",
    "act": "confirmed",
    "show": "all",
    "code": "0014020001",
    "command": "now",
}


@dataclass(frozen=True)
class Abroad:
    """What lies in the other county: by the word that stands before `{…}` in an address, or by the name itself."""

    city: CityContext
    objects: dict[str, int | str]

    def address(self, path: str) -> str:
        def put(found: re.Match[str]) -> str:
            before, name = found.group(1), found.group(2)
            return f"{before}/{self.objects[f'{before}/{name}' if name == 'number' else name]}"

        return re.sub(r"(\w+)/\{(\w+)\}", put, path).replace("{kind}", "csv")


@pytest.fixture
def abroad(waiting: CityContext, tmp_path: Path) -> Iterator[Abroad]:
    city = copy_of(waiting, tmp_path)
    roster = city.roster
    with city.database.begin() as tx:
        notice = next(one for one in warn.notices(tx, WHOLE) if one.county == ABROAD)
        owed = next(one for one in call.obligations(tx, WHOLE, notice.id) if one.county == ABROAD and one.primary)
        village = next(one for one in roster.descendants(ABROAD) if one.level.value == "village")
        visit = byhand.send_visitor(tx, SYSTEM, notice.id, village.id, minutes=9)
        task = tasks.NewTask(
            "takeover", notice.group, "外县", ABROAD, "x", tx.now, "call", {"obligations": [owed.id]}
        )
        (number,) = tasks.open_tasks(tx, [task])
        asked = downlink.order(tx, OPERATOR, "hydrology", "sl651", "53487", "clock", Inquiry("0014020001"))
        objects: dict[str, int | str] = {
            "notice": notice.id,
            "notices/number": notice.id,
            "proposals/number": next((one.id for one in warn.proposals(tx, WHOLE) if one.county == ABROAD), 999),
            "tasks/number": number,
            "silence/number": number,
            "findings/number": next(one.id for one in assess.findings(tx, WHOLE) if one.division == ABROAD),
            "visits/number": visit,
            "mandates/number": 1,
            "quarantine/number": 1,
            "division": ABROAD,
            "hazard": "rainstorm",
            "person": owed.primary or 0,
            "station": next(key for key, one in stations.gauges(tx, WHOLE).items() if one.county == ABROAD),
            "change": "withdraw",
            "feed": "hydrology",
            "asked/number": asked,
            "element": "rain_mm",
        }
    yield Abroad(city, objects)
    city.database.close()


def account(city: CityContext, role: Role, division: str, posts: tuple[str, ...] = ()) -> str:
    """Signed in; returns the token of the session."""
    with city.database.begin() as tx:
        until = steady_now() + timedelta(days=1)
        number = add_user(
            tx,
            OPERATOR,
            login=f"{role}-{division}",
            name="本地",
            password="a long enough word",
            role=role,
            division=division,
            posts=posts,
            expires_at=until,
        )
        return sign_in(tx, User(number, "", "", role, division, posts, until, False))


def visitors(city: CityContext) -> Iterator[tuple[str, Client, dict[str, str], str]]:
    """Every role of the home county by its cookie, and a machine by its key: (who, client, headers, csrf)."""
    given = {}
    for role in ROLES:
        posts = (f"{HOME}/county_duty", "dt/flood_office_director") if role is Role.LEADER else ()
        given[role] = account(city, role, HOME, posts)
    with city.database.begin() as tx:
        _, key = issue_key(tx, OPERATOR, purpose=Purpose.READ, division=HOME, days=1)
    for role, token in given.items():
        client = Client(create_app(city))
        client.cookies.set(city.cookie, token)
        yield role.value, client, {CSRF_HEADER: csrf_token(token)}, csrf_token(token)
    yield "key", Client(create_app(city)), {"Authorization": f"Bearer {key}"}, ""


def neighbours(city: CityContext, notice: int) -> tuple[str, str, Abroad]:
    """A township and a village of the home county, and what lies in another township of it."""
    home, other = city.roster.children(HOME)[:2]
    village = city.roster.children(other.id)[0].id
    with city.database.begin() as tx:
        owed = next(one for one in call.obligations(tx, WHOLE, notice) if one.township == other.id and one.primary)
        asked = tasks.NewTask("takeover", "x", "邻乡", village, "x", tx.now, "call", {"obligations": [owed.id]})
        objects: dict[str, int | str] = {
            "notice": notice,
            "notices/number": notice,
            "proposals/number": next((one.id for one in warn.proposals(tx, WHOLE) if one.county == HOME), 999),
            "tasks/number": tasks.open_tasks(tx, [asked])[0],
            "visits/number": byhand.send_visitor(tx, SYSTEM, notice, village, minutes=9),
            "findings/number": next(one.id for one in assess.findings(tx, WHOLE) if one.division == HOME),
            "division": village,
            "person": owed.primary or 0,
            "station": next(key for key, one in stations.gauges(tx, WHOLE).items() if one.county == HOME),
        }
    return home.id, city.roster.children(home.id)[0].id, Abroad(city, objects)


def words(answer: httpx.Response) -> str:
    """What a person could read in it, sheets too."""
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as sheets:
        return "".join(sheets.read(name).decode("utf-8", "replace") for name in sheets.namelist())


def test_no_route_shows_or_moves_what_lies_in_another_county(
    abroad: Abroad, dump: Callable[[CityContext], list[str]]
) -> None:
    city = abroad.city
    own = city.roster.division(HOME)
    others = [one for one in city.roster.children(city.roster.city.id) if one.id != HOME]
    strange = re.compile(
        "|".join(
            [
                *(one.name if one.kind == "zone" else one.short for one in others),
                *(rf"\b{one.id}\b" for one in others),
            ]
        )
    )
    routes = [route for route in declared(create_app(city)) if route[1] not in NOT_ABOUT_A_PLACE]
    assert own.short not in strange.pattern
    guests = list(visitors(city))
    before = dump(city)
    wrong = []
    for who, client, headers, csrf in guests:
        for method, path, _ in routes:
            if who == "key" and not is_api(path):
                continue
            address = abroad.address(path)
            if method == "POST" and is_api(path):
                body = {**FIELDS, "person": abroad.objects["person"], "code": ""}
                answer = client.send(address, body, headers)
            else:
                fields = {**FIELDS, "csrf": csrf, "notice": str(abroad.objects["notice"])}
                answer = client.request(method, address, fields if method == "POST" else None, headers)
            told = strange.search(words(answer).replace(address, "").replace(f"（区划 {ABROAD}）", ""))
            if answer.status_code >= 500 or told:
                wrong.append((who, method, path, answer.status_code, told and told.group()))
            if method == "POST" and answer.status_code < 400 and "{" in path:
                wrong.append((who, method, path, answer.status_code, "moved"))
    assert not wrong, "\n".join(map(str, wrong))
    assert dump(city) == before


WHOLE_COUNTY = ("/map/counties", "/situation/", "/stations", "/silence", "/feeds", "/compare", "/quarantine")
"""What is the county's as a whole: nothing of a township's own is on it."""


def test_a_township_and_a_village_see_nothing_of_their_neighbours(waiting: CityContext, tmp_path: Path) -> None:
    city = copy_of(waiting, tmp_path)
    with city.database.read() as tx:
        notice = next(one.id for one in warn.notices(tx, WHOLE) if one.county == HOME)
    township, village, beside = neighbours(city, notice)
    wrong = []
    for role, home in ((Role.DUTY, township), (Role.LEADER, village)):
        mine = {township, *(one.id for one in city.roster.descendants(home)), home}
        token, client = account(city, role, home, ("dt/flood_office_director",)), Client(create_app(city))
        client.cookies.set(city.cookie, token)
        csrf = csrf_token(token)
        for method, path, _ in declared(create_app(city)):
            named = set(re.findall(r"(\w+/)?\{(\w+)\}", path))
            known = all(f"{before}{name}" in beside.objects or name in beside.objects for before, name in named)
            if path in NOT_ABOUT_A_PLACE or path.startswith(WHOLE_COUNTY) or not known:
                continue
            address = beside.address(path)
            fields = {**FIELDS, "csrf": csrf, "notice": str(notice)}
            body = {**FIELDS, "person": beside.objects["person"], "code": ""}
            if method == "POST" and is_api(path):
                answer = client.send(address, body, {CSRF_HEADER: csrf})
            else:
                answer = client.request(method, address, fields if method == "POST" else None)
            told = words(answer).replace(address, "").replace(f"（区划 {beside.objects['division']}）", "")
            seen = set(re.findall(r"dt-[tv]\d+", told)) - mine
            its_own = {"visits/number", "tasks/number", "division", "person"} & {
                key for before, name in named for key in (f"{before}{name}", name)
            }
            moved = method == "POST" and bool(its_own) and answer.status_code < 400
            if answer.status_code >= 500 or seen or moved:
                wrong.append((home, method, path, answer.status_code, sorted(seen)[:3], moved))
    city.database.close()
    assert not wrong, "\n".join(map(str, wrong))
