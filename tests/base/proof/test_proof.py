"""动态口令 — a code counts once, near its time, from its own secret; without it nobody signs in earnest."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from shouye.base import proof
from shouye.base.access import (
    OPERATOR,
    Actor,
    Role,
    SignInGate,
    Throttle,
    add_user,
    check_password,
    prove_session,
    session,
    sign_in,
    user_named,
)
from shouye.base.access import service as access_service
from shouye.base.kernel import BEIJING, BadInput, Database, Mode, SimClock, Tx, metadata
from shouye.base.proof import service

NOON = datetime(2026, 11, 1, 12, tzinfo=BEIJING)
WORD = "a long enough word"
Passing = list[float]


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """Seconds of real time that have passed."""
    seconds = [0.0]
    for module in (service, access_service):
        monkeypatch.setattr(module, "steady_now", lambda: NOON + timedelta(seconds=seconds[0]))
    monkeypatch.setattr(service, "machine_now", lambda: NOON + timedelta(seconds=seconds[0]))
    return seconds


@pytest.fixture
def database(database_url: str, passing: Passing) -> Database:
    found = Database(database_url, SimClock(NOON), durable=False)
    found.create(Mode.ACTUAL, "dt")
    with found.begin() as tx:
        for login in ("zhou", "wu"):
            until = NOON + timedelta(days=30)
            add_user(
                tx,
                OPERATOR,
                login=login,
                name=login,
                password=WORD,
                role=Role.LEADER,
                division="dt",
                expires_at=until,
            )
    return found


def actor(tx: Tx, login: str = "zhou") -> Actor:
    return user_named(tx, login).actor


def bind(database: Database, passing: Passing, login: str = "zhou") -> tuple[str, list[str]]:
    with database.begin() as tx:
        secret = proof.begin(tx, actor(tx, login), user_named(tx, login), "大同").secret
    with database.begin() as tx:
        return secret, proof.confirm(tx, actor(tx, login), proof.proof_gate(), code_at(secret, passing))


def code_at(secret: str, passing: Passing, ahead_s: float = 0) -> str:
    return pyotp.TOTP(secret).at(NOON + timedelta(seconds=passing[0] + ahead_s))


def check(database: Database, code: str, gate: Throttle | None = None, login: str = "zhou") -> bool:
    with database.begin() as tx:
        return proof.check(tx, actor(tx, login), gate or proof.proof_gate(), code)


def test_a_factor_counts_once_it_is_confirmed(database: Database, passing: Passing) -> None:
    with database.begin() as tx, pytest.raises(BadInput, match="须由本人"):
        proof.begin(tx, actor(tx), user_named(tx, "wu"), "大同")
    with database.begin() as tx:
        found = proof.begin(tx, actor(tx), user_named(tx, "zhou"), "大同")
        assert found.address.startswith("otpauth://totp/")
        assert not proof.has_factor(tx, actor(tx))
    assert check(database, "") is False, "nothing is bound, nothing is asked"
    with database.begin() as tx, pytest.raises(proof.CodeRefused):
        proof.confirm(tx, actor(tx), proof.proof_gate(), "000000")
    with database.begin() as tx:
        proof.confirm(tx, actor(tx), proof.proof_gate(), code_at(found.secret, passing))
        assert proof.has_factor(tx, actor(tx))
        assert not proof.has_factor(tx, actor(tx, "wu"))
    with database.begin() as tx, pytest.raises(BadInput):
        proof.begin(tx, actor(tx), user_named(tx, "zhou"), "大同")
    with pytest.raises(proof.CodeNeeded):
        check(database, " ")


def test_a_code_is_held_against_the_clock_of_the_machine(
    database: Database, passing: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was an hour wrong when the program began, and was set right: the telephone was right all the time."""
    secret, _ = bind(database, passing)
    monkeypatch.setattr(service, "machine_now", lambda: NOON + timedelta(hours=1))
    with pytest.raises(proof.CodeRefused):
        check(database, code_at(secret, passing, 60))
    assert check(database, code_at(secret, passing, 3600))


def test_a_code_counts_once_and_only_near_its_time(database: Database, passing: Passing) -> None:
    secret, _ = bind(database, passing)
    with pytest.raises(proof.CodeRefused):
        check(database, code_at(secret, passing))
    passing[0] = 60
    code = code_at(secret, passing)
    assert check(database, f"{code[:3]} {code[3:]}")
    for again in (code, code_at(secret, passing, -30)):
        with pytest.raises(proof.CodeRefused):
            check(database, again)
    assert check(database, code_at(secret, passing, 30)), "a telephone half a minute fast"
    passing[0] = 600
    for far in (-90, 90):
        with pytest.raises(proof.CodeRefused):
            check(database, code_at(secret, passing, far))


def test_another_s_code_is_not_mine(database: Database, passing: Passing) -> None:
    mine, _ = bind(database, passing)
    theirs, _ = bind(database, passing, "wu")
    passing[0] = 60
    with pytest.raises(proof.CodeRefused):
        check(database, code_at(theirs, passing))
    assert check(database, code_at(theirs, passing), login="wu")
    assert check(database, code_at(mine, passing))


def test_a_recovery_code_works_once(database: Database, passing: Passing) -> None:
    _, spares = bind(database, passing)
    assert len(set(spares)) == 10
    assert check(database, spares[3].upper())
    with pytest.raises(proof.CodeRefused):
        check(database, spares[3])
    with database.read() as tx:
        assert proof.spare_codes(tx, actor(tx)) == 9


def test_guessing_is_throttled(database: Database, passing: Passing) -> None:
    secret, _ = bind(database, passing)
    passing[0], gate = 60, proof.proof_gate()
    for _ in range(5):
        with pytest.raises(proof.CodeRefused):
            check(database, "000000", gate)
    with pytest.raises(proof.TooManyCodes):
        check(database, code_at(secret, passing), gate)


def test_neither_secret_nor_recovery_code_lies_open(database: Database, passing: Passing) -> None:
    secret, spares = bind(database, passing)
    with database.read() as tx:
        rows = "\n".join(str(tuple(row)) for table in metadata.tables.values() for row in tx.run(select(table)))
    assert secret not in rows
    assert not any(code in rows or code.replace("-", "") in rows for code in spares)


def test_in_earnest_nobody_signs_without_a_fresh_code(database: Database, passing: Passing) -> None:
    with database.begin() as tx:
        token = sign_in(tx, check_password(tx, SignInGate(), "zhou", WORD, "::1"))
        found = session(tx, token)
        assert found is not None
        proof.require_proof(tx, found, Mode.SIMULATION)
        for mode in (Mode.ACTUAL, Mode.TEST):
            with pytest.raises(proof.FactorMissing):
                proof.require_proof(tx, found, mode)
    secret, _ = bind(database, passing)
    passing[0] = 60
    with database.begin() as tx:
        for mode in Mode:
            with pytest.raises(proof.ProofStale):
                proof.require_proof(tx, found, mode)
        proof.check(tx, found.actor, proof.proof_gate(), code_at(secret, passing))
        fresh = prove_session(tx, found.actor, token)
        assert session(tx, token) is None, "the session goes on under another token"
        proved = session(tx, fresh)
        assert proved is not None
        assert proved.opened_at == found.opened_at
        proof.require_proof(tx, proved, Mode.ACTUAL)
    passing[0] = 60 + proof.PROOF_LASTS.total_seconds()
    with database.read() as tx:
        late = session(tx, fresh)
        assert late is not None
        with pytest.raises(proof.ProofStale):
            proof.require_proof(tx, late, Mode.ACTUAL)


def test_a_lost_telephone_is_unbound_by_whoever_manages(database: Database, passing: Passing) -> None:
    bind(database, passing)
    with database.begin() as tx:
        proof.remove(tx, OPERATOR, user_named(tx, "zhou"))
        assert not proof.has_factor(tx, actor(tx))
        assert proof.spare_codes(tx, actor(tx)) == 0
