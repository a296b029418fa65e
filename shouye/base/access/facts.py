"""登录、账号、密钥 — what access announces, by ids alone."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class SignedIn(Fact):
    """登录。"""


@dataclass(frozen=True, kw_only=True)
class SignedOut(Fact):
    """退出。"""


@dataclass(frozen=True, kw_only=True)
class UserAdded(Fact):
    """开户。"""

    role: str
    division: str
    posts: list[str]


@dataclass(frozen=True, kw_only=True)
class UserClosed(Fact):
    """销户。"""


@dataclass(frozen=True, kw_only=True)
class PasswordSet(Fact):
    """改设密码。"""


@dataclass(frozen=True, kw_only=True)
class KeyIssued(Fact):
    """发密钥 — for which purpose, in which division, for which feed; the key itself is written nowhere."""

    purpose: str
    division: str
    feed: str


@dataclass(frozen=True, kw_only=True)
class KeyRevoked(Fact):
    """废密钥。"""


@dataclass(frozen=True, kw_only=True)
class MandateGiven(Fact):
    """授权代行 — the actor lends the subject his posts until a time."""

    mandate: int
    posts: list[str]
    until: str


@dataclass(frozen=True, kw_only=True)
class MandateEnded(Fact):
    """收回代行。"""

    mandate: int
