"""绑定、核验、解除 — the verbs of the second factor. Its time is real time, also while a drill runs fast.

A code is held against what the machine's clock shows: set right after it was wrong, it opens again at once.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime

import pyotp

from shouye.base.access import Actor, Session, Throttle, User, digest, machine_now, steady_now
from shouye.base.kernel import BadInput, Mode, Tx, Vault, VaultMissing, record
from shouye.base.proof import store
from shouye.base.proof.facts import FactorBound, FactorRemoved
from shouye.base.proof.model import (
    SPARE_CODES,
    CodeNeeded,
    CodeRefused,
    Enrolment,
    FactorMissing,
    ProofStale,
    TooManyCodes,
    enrolment,
    fresh,
    step_of,
)


def has_factor(tx: Tx, by: Actor) -> bool:
    """已绑定 — bound and confirmed by a first code."""
    found = store.factor(tx, by.account)
    return found is not None and found[1] is not None


def spare_codes(tx: Tx, by: Actor) -> int:
    """还剩几个恢复码。"""
    return store.spares(tx, by.account)


def begin(tx: Tx, by: Actor, known: User, city: str) -> Enrolment:
    """开始绑定 — a new secret, which counts once a code of it has been given.

    `known` has just given his password (`access.check_password`): a screen left alone binds no stranger's phone.
    """
    if known.id != by.account:
        raise BadInput("须由本人输入本账号的密码")
    if has_factor(tx, by):
        raise BadInput("已绑定动态口令；更换须先由管理员解除")
    secret = pyotp.random_base32()
    store.put_factor(tx, by.account, _vault(tx).seal(_place(by.account), secret))
    return enrolment(secret, by.tag, city)


def confirm(tx: Tx, by: Actor, gate: Throttle, code: str) -> list[str]:
    """确认绑定 — returns the recovery codes, which are shown once and stored only as digests."""
    _take(gate, by)
    found = store.factor(tx, by.account)
    if found is None or found[1] is not None:
        raise BadInput("没有待确认的绑定")
    now = steady_now()
    if not _accepts(tx, by.account, found, code):
        raise CodeRefused
    spares = [f"{word[:5]}-{word[5:]}" for word in (secrets.token_hex(5) for _ in range(SPARE_CODES))]
    store.confirm(tx, by.account, now, [_spare(code) for code in spares])
    record(tx, FactorBound(subject=by.tag, actor=by.tag))
    return spares


def check(tx: Tx, by: Actor, gate: Throttle, code: str) -> bool:
    """核验 — a code of this moment, once, or a recovery code, once; False when nothing is bound."""
    found = store.factor(tx, by.account)
    if found is None or found[1] is None:
        return False
    if not code.strip():
        raise CodeNeeded
    _take(gate, by)
    given = code.replace(" ", "").strip()
    if not _accepts(tx, by.account, found, given) and not store.use_spare(tx, by.account, _spare(given)):
        raise CodeRefused
    return True


def require_proof(tx: Tx, session: Session, mode: Mode) -> None:
    """签发前核验 — a fresh code; only in a drill may an account without a second factor sign."""
    if has_factor(tx, session.actor):
        if not fresh(session.proved_at, steady_now()):
            raise ProofStale
    elif mode is not Mode.SIMULATION:
        raise FactorMissing


def remove(tx: Tx, by: Actor, user: User) -> None:
    """解除 — by whoever manages accounts, when a telephone is lost; the next signature needs a new one."""
    if store.remove(tx, user.id):
        record(tx, FactorRemoved(subject=user.actor.tag, actor=by.tag))


def _accepts(tx: Tx, user: int, found: tuple[str, datetime | None, int], code: str) -> bool:
    secret = _vault(tx).open(_place(user), found[0])
    step = step_of(secret, code, machine_now(), found[2])
    return step is not None and store.use_step(tx, user, step)


def _take(gate: Throttle, by: Actor) -> None:
    wait_s = gate.take(by.tag, time.monotonic())
    if wait_s > 0:
        raise TooManyCodes(f"{int(wait_s // 60) + 1} 分钟后可再试")


def _spare(code: str) -> str:
    return digest(f"spare:{code.replace('-', '').lower()}")


def _place(user: int) -> str:
    return f"factor:{user}"


def _vault(tx: Tx) -> Vault:
    found: Vault | None = tx.installed.get(Vault)
    if found is None:
        raise VaultMissing
    return found
