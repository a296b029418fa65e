"""动态口令 — which step of time a code belongs to, and the refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp

from shouye.base.access import Throttle
from shouye.base.kernel import Forbidden, Refusal

PROOF_LASTS = timedelta(minutes=10)
"""核验有效期 — how long a signature may follow upon a code (建议值)."""

STEP_S = 30
DRIFT = 1
"""Steps by which a telephone's clock may be wrong, either way. 依据: RFC 6238, 5.2."""

SPARE_CODES = 10
ISSUER = "守夜"


class CodeNeeded(Refusal):
    """请输入动态口令。"""


class CodeRefused(Refusal):
    """动态口令不对，或已用过。"""


class TooManyCodes(Refusal):
    """动态口令尝试过多，请稍后再试。"""


class ProofStale(Forbidden):
    """签发前须再核验一次动态口令。"""


class FactorMissing(Forbidden):
    """签发须先绑定动态口令。"""


@dataclass(frozen=True)
class Enrolment:
    """待确认的绑定 — the secret and the address that a telephone reads from the picture."""

    secret: str
    address: str


def proof_gate() -> Throttle:
    """核验限速 — five codes in a quarter of an hour: a million codes take centuries (建议值)."""
    return Throttle(5, 900.0)


def enrolment(secret: str, login: str, city: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=f"{ISSUER} {city}"))


def step_of(secret: str, code: str, now: datetime, last: int) -> int | None:
    """The step whose code this is, later than the last one used; None when it is none."""
    present, generator = int(now.timestamp()) // STEP_S, pyotp.HOTP(secret)
    steps = range(max(present - DRIFT, last + 1), present + DRIFT + 1)
    return next((step for step in steps if generator.verify(code, step)), None)


def fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a signature may rest on it."""
    return proved_at is not None and now - proved_at < PROOF_LASTS
