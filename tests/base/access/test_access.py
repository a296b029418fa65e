"""登录、会话、应答令牌、查阅记录 — in a real database, with time moved where it matters."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from shouye.base.access import (
    OPERATOR,
    Actor,
    NotLocal,
    Permission,
    Role,
    Scope,
    SignInGate,
    SignInRefused,
    TooManyTries,
    add_user,
    answer_token,
    check_password,
    csrf_matches,
    csrf_token,
    issue_answer_token,
    log_read,
    names,
    new_token,
    open_demo_users,
    reads_of,
    require,
    service,
    session,
    session_actor,
    sign_in,
    sign_out,
    steady_now,
    touch,
)
from shouye.base.access.model import SteadyTime
from shouye.base.access.store import answer_token_table, session_table, user_table
from shouye.base.kernel import BEIJING, BadInput, Database, Forbidden, Mode, SimClock
from shouye.base.roster import Roster, load_city

NIGHT = datetime(2021, 7, 21, 2, 14, tzinfo=BEIJING)
WORD = "correct horse battery"
SHIFT = datetime(2026, 11, 1, tzinfo=BEIJING)
"""Where the real time of a test that moves it begins."""


@pytest.fixture
def clock() -> SimClock:
    return SimClock(NIGHT)


@pytest.fixture
def database(database_url: str, clock: SimClock) -> Iterator[Database]:
    found = Database(database_url, clock, durable=False)
    found.create(Mode.SIMULATION, "dt")
    yield found
    found.close()


@pytest.fixture(scope="module")
def roster() -> Roster:
    return Roster.from_files(load_city(Path(__file__).parents[3] / "cities" / "datong"))


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of real time that have passed, as a list of one."""
    seconds = [0.0]
    monkeypatch.setattr(service, "steady_now", lambda: SHIFT + timedelta(seconds=seconds[0]))
    return seconds


def open_account(database: Database, until: datetime | None = None) -> None:
    with database.begin() as tx:
        last = until or steady_now() + timedelta(days=30)
        add_user(
            tx, OPERATOR, login="zhou", name="周", password=WORD, role=Role.DUTY, division="dt", expires_at=last
        )


def enter(database: Database) -> str:
    with database.begin() as tx:
        return sign_in(tx, check_password(tx, SignInGate(), "zhou", WORD, "10.0.0.1"))


def test_sign_in_gives_the_actor_of_the_account(database: Database) -> None:
    open_account(database)
    token = enter(database)
    with database.read() as tx:
        actor = session_actor(tx, token)
    assert actor == Actor("user:1", "周", Role.DUTY, Scope("dt"), ())


def test_neither_password_nor_token_is_stored(database: Database) -> None:
    open_account(database)
    token = enter(database)
    with database.begin() as tx:
        answer = issue_answer_token(tx, 7, 1, NIGHT + timedelta(hours=1))
        kept = [
            str(row) for table in (user_table, session_table, answer_token_table) for row in tx.run(select(table))
        ]
    assert len(kept) == 3
    assert not any(secret in row for secret in (WORD, token, answer) for row in kept)


@pytest.mark.parametrize(("login", "password"), [("zhou", "wrong"), ("nobody", WORD), ("zhou", "")])
def test_wrong_name_and_wrong_word_are_refused_alike(database: Database, login: str, password: str) -> None:
    open_account(database)
    with database.read() as tx, pytest.raises(SignInRefused):
        check_password(tx, SignInGate(), login, password, "10.0.0.1")


def test_too_many_tries_are_not_even_checked(database: Database) -> None:
    open_account(database)
    gate = SignInGate(per_user=1)
    with database.read() as tx:
        with pytest.raises(SignInRefused):
            check_password(tx, gate, "zhou", "wrong", "10.0.0.1")
        with pytest.raises(TooManyTries):
            check_password(tx, gate, "zhou", WORD, "10.0.0.1")


def test_an_expired_account_neither_signs_in_nor_stays(database: Database, passing_time: list[float]) -> None:
    open_account(database, SHIFT + timedelta(days=1))
    passing_time[0] = 86400 - 60
    token = enter(database)
    passing_time[0] = 86400 + 60
    with database.read() as tx:
        assert session(tx, token) is None
        with pytest.raises(SignInRefused):
            check_password(tx, SignInGate(), "zhou", WORD, "10.0.0.1")


def test_a_session_left_alone_ends_and_a_watched_one_stays(database: Database, passing_time: list[float]) -> None:
    open_account(database)
    alone, watched = enter(database), enter(database)
    passing_time[0] = 3600.0
    with database.begin() as tx:
        found = session(tx, watched)
        assert found is not None
        assert found.touch_due
        touch(tx, watched)
        after = session(tx, watched)
        assert after is not None
        assert not after.touch_due
    passing_time[0] = 2 * 3600.0 + 1
    with database.read() as tx:
        assert session(tx, alone) is None
        assert session(tx, watched) is not None


def test_no_session_outlives_its_shift(database: Database, passing_time: list[float]) -> None:
    open_account(database)
    token = enter(database)
    for hour in range(1, 13):
        passing_time[0] = hour * 3600.0
        with database.begin() as tx:
            assert (session(tx, token) is not None) == (hour < 12)
            touch(tx, token)


def test_drill_time_ends_no_session(database: Database, clock: SimClock) -> None:
    open_account(database)
    token = enter(database)
    clock.move_to(NIGHT + timedelta(days=3))
    with database.read() as tx:
        assert session(tx, token) is not None


def test_sign_out_ends_the_session(database: Database) -> None:
    open_account(database)
    token = enter(database)
    with database.begin() as tx:
        actor = session_actor(tx, token)
        assert actor is not None
        sign_out(tx, actor, token)
        assert session(tx, token) is None


@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_a_form_token_fits_its_own_session_only(one: str, other: str) -> None:
    assert csrf_matches(one, csrf_token(one))
    assert csrf_matches(other, csrf_token(one)) == (one == other)
    assert not csrf_matches(one, other) or other == csrf_token(one)


def test_tokens_have_128_bits_and_do_not_repeat() -> None:
    tokens = {new_token() for _ in range(2000)}
    assert len(tokens) == 2000
    assert {len(token) for token in tokens} == {22}  # 16 bytes in base64


def test_an_answer_token_opens_one_notice_for_one_person_until_its_time(
    database: Database, clock: SimClock
) -> None:
    until = NIGHT + timedelta(hours=2)
    with database.begin() as tx:
        token = issue_answer_token(tx, 7, 3, until)
        grant = answer_token(tx, token)
        assert grant is not None
        assert (grant.person, grant.notice, grant.until) == (7, 3, until)
        assert answer_token(tx, token[:-1]) is None
        assert answer_token(tx, "") is None
    clock.move_to(until)
    with database.read() as tx:
        assert answer_token(tx, token) is None


PERMITTED = {
    Role.VIEWER: {Permission.SEE},
    Role.DUTY: {Permission.SEE, Permission.ACT},
    Role.LEADER: {Permission.SEE, Permission.ACT, Permission.ISSUE, Permission.AUDIT},
    Role.ADMIN: {Permission.SEE, Permission.MANAGE, Permission.AUDIT},
    Role.READER: {Permission.SEE},
    Role.PUSHER: {Permission.PUSH},
    Role.PROGRAM: set(Permission),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_holds_its_permissions_and_no_other(role: Role, permission: Permission) -> None:
    actor = Actor("user:1", "周", role, Scope("dt"))
    if permission in PERMITTED[role]:
        require(actor, permission)
    else:
        with pytest.raises(Forbidden):
            require(actor, permission)


@pytest.mark.parametrize(
    ("mode", "host"),
    [(Mode.ACTUAL, "127.0.0.1"), (Mode.TEST, "127.0.0.1"), (Mode.SIMULATION, "0.0.0.0"), (Mode.SIMULATION, "")],
)
def test_demo_users_exist_only_on_loopback_and_only_in_a_drill(
    database: Database, roster: Roster, mode: Mode, host: str
) -> None:
    with database.begin() as tx, pytest.raises(NotLocal):
        open_demo_users(tx, roster, mode, host, "dt-c08")


def test_demo_passwords_are_new_at_every_start(database: Database, roster: Roster) -> None:
    with database.begin() as tx:
        first = open_demo_users(tx, roster, Mode.SIMULATION, "127.0.0.1", "dt-c08")
    with database.begin() as tx:
        second = open_demo_users(tx, roster, Mode.SIMULATION, "127.0.0.1", "dt-c08")
    assert [user.login for user in first] == [user.login for user in second]
    assert {user.division for user in second} == {"dt", "dt-c08"}
    with database.read() as tx:
        assert set(names(tx).values()) == {user.name for user in second}
    with database.read() as tx:
        for old, new in zip(first, second, strict=True):
            with pytest.raises(SignInRefused):
                check_password(tx, SignInGate(), old.login, old.password, "127.0.0.1")
            assert check_password(tx, SignInGate(), new.login, new.password, "127.0.0.1").role is new.role


@pytest.mark.parametrize(("login", "password"), [("new", "short"), ("zhou", WORD)])
def test_a_short_password_and_a_taken_name_are_refused(database: Database, login: str, password: str) -> None:
    open_account(database)
    until = steady_now() + timedelta(days=1)
    with database.begin() as tx, pytest.raises(BadInput):
        add_user(
            tx,
            OPERATOR,
            login=login,
            name="新",
            password=password,
            role=Role.DUTY,
            division="dt",
            expires_at=until,
        )


def test_who_read_what_is_kept(database: Database) -> None:
    actor = Actor("user:4", "周", Role.DUTY, Scope("dt"))
    with database.begin() as tx:
        log_read(tx, actor, "dial", "person:9")
        assert reads_of(tx, "person:9") == [(NIGHT, "user:4", "dial")]
        assert reads_of(tx, "person:10") == []


def test_setting_the_clock_moves_no_session_but_a_dead_battery_opens_no_doors() -> None:
    shown, seconds = SHIFT, 0.0
    time = SteadyTime(lambda: shown, lambda: seconds)
    for step in (timedelta(hours=1), -timedelta(hours=3), -timedelta(days=9000)):
        shown += step
        seconds += 60
        assert time.now() == SHIFT + timedelta(seconds=seconds)
    before, shown = shown, SHIFT + timedelta(days=1)
    assert before < shown == time.now(), "it was a day behind: no session lasts so long, many an account ends"
    seconds += 60
    assert time.now() == shown + timedelta(seconds=60)
