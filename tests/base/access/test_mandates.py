"""授权代行、登录 — what is lent ends by itself, is no more than the giver has, and shows in the signature."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shouye.base.access import (
    OPERATOR,
    Actor,
    Permission,
    Role,
    Session,
    add_user,
    close_user,
    end_mandate,
    lend,
    mandates,
    own_sessions,
    service,
    session,
    sign_in,
    sign_out_everywhere,
    user_named,
)
from shouye.base.kernel import BEIJING, BadInput, Database, Mode, NotFound, SimClock, Tx, facts_since
from shouye.base.roster import Roster, load_city
from shouye.main import CITIES

NOON = datetime(2026, 11, 1, 12, tzinfo=BEIJING)
PEOPLE = {
    "chief": (Role.LEADER, "dt", ("dt/flood_office_director",)),
    "duty": (Role.DUTY, "dt", ("dt/city_duty",)),
    "watch": (Role.VIEWER, "dt", ()),
    "admin": (Role.ADMIN, "dt", ()),
    "county": (Role.DUTY, "dt-c08", ("dt-c08/county_duty",)),
}


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds = [0.0]
    monkeypatch.setattr(service, "steady_now", lambda: NOON + timedelta(seconds=seconds[0]))
    return seconds


@pytest.fixture(scope="module")
def roster() -> Roster:
    return Roster.from_files(load_city(CITIES / "datong"))


@pytest.fixture
def database(database_url: str, passing: list[float], roster: Roster) -> Database:
    found = Database(database_url, SimClock(NOON), durable=False)
    found.create(Mode.ACTUAL, "dt")
    found.install(roster)
    with found.begin() as tx:
        for login, (role, division, posts) in PEOPLE.items():
            add_user(
                tx,
                OPERATOR,
                login=login,
                name=login,
                password="a long enough word",
                role=role,
                division=division,
                posts=posts,
                expires_at=NOON + timedelta(days=30),
            )
    return found


def actor(tx: Tx, login: str) -> Actor:
    return user_named(tx, login).actor


def signed_in(tx: Tx, login: str) -> Session:
    found = session(tx, sign_in(tx, user_named(tx, login)))
    assert found is not None
    return found


def test_what_is_lent_is_posts_and_permissions_until_a_time(database: Database, passing: list[float]) -> None:
    with database.begin() as tx:
        assert not signed_in(tx, "duty").actor.may(Permission.ISSUE)
        lend(tx, actor(tx, "chief"), "duty", 4)
        taker = signed_in(tx, "duty").actor
        assert taker.may(Permission.ISSUE)
        assert not taker.may(Permission.MANAGE)
        assert taker.posts == ("dt/city_duty", "dt/flood_office_director")
        assert taker.signs_as == "dt/city_duty"
        assert taker.acting_as("dt/flood_office_director").signs_as == "dt/flood_office_director~user:2"
        (fact,) = facts_since(tx, kinds=["MandateGiven"])
        assert (fact.subject, fact.actor, fact.body["posts"]) == ("user:2", "user:1", ["dt/flood_office_director"])
    passing[0] = 4 * 3600
    with database.begin() as tx:
        assert signed_in(tx, "duty").actor == actor(tx, "duty")
        assert mandates(tx, actor(tx, "chief")) == []


def test_a_mandate_can_be_taken_back_and_ends_with_its_giver(database: Database) -> None:
    with database.begin() as tx:
        one = lend(tx, actor(tx, "chief"), "duty", 4)
        with pytest.raises(NotFound):
            end_mandate(tx, actor(tx, "county"), one.id)
        end_mandate(tx, actor(tx, "chief"), one.id)
        assert not signed_in(tx, "duty").actor.may(Permission.ISSUE)
        with pytest.raises(NotFound):
            end_mandate(tx, actor(tx, "chief"), one.id)
        lend(tx, actor(tx, "chief"), "duty", 4)
        assert len(mandates(tx, actor(tx, "admin"))) == 1
        close_user(tx, OPERATOR, "chief")
        assert not signed_in(tx, "duty").actor.may(Permission.ISSUE)


@pytest.mark.parametrize(
    ("giver", "taker", "hours"),
    [
        ("watch", "duty", 4),
        ("admin", "duty", 4),
        ("chief", "chief", 4),
        ("chief", "county", 4),
        ("chief", "duty", 24 * 8),
        ("chief", "duty", 0),
    ],
)
def test_a_mandate_that_makes_no_sense_is_refused(
    database: Database, giver: str, taker: str, hours: float
) -> None:
    with database.begin() as tx, pytest.raises(BadInput):
        lend(tx, actor(tx, giver), taker, hours)


def test_what_is_lent_is_not_lent_on(database: Database) -> None:
    with database.begin() as tx:
        lend(tx, actor(tx, "chief"), "duty", 4)
        lend(tx, signed_in(tx, "duty").actor, "watch", 4)
        third = signed_in(tx, "watch").actor
        assert third.may(Permission.ACT)
        assert not third.may(Permission.ISSUE)
        assert third.posts == ("dt/city_duty",)


def test_one_sees_and_ends_all_one_s_sessions(database: Database, passing: list[float]) -> None:
    with database.begin() as tx:
        first = sign_in(tx, user_named(tx, "duty"))
        passing[0] = 60
        second = sign_in(tx, user_named(tx, "duty"))
        other = sign_in(tx, user_named(tx, "chief"))
        assert [one.here for one in own_sessions(tx, actor(tx, "duty"), first)] == [False, True]
        sign_out_everywhere(tx, actor(tx, "duty"))
        assert session(tx, first) is None
        assert session(tx, second) is None
        assert session(tx, other) is not None
        assert own_sessions(tx, actor(tx, "duty"), first) == []


def test_a_new_sign_in_ends_the_browser_s_old_session(database: Database) -> None:
    with database.begin() as tx:
        old = sign_in(tx, user_named(tx, "duty"))
        fresh = sign_in(tx, user_named(tx, "duty"), instead_of=old)
        assert fresh != old
        assert session(tx, old) is None
