"""Who is acting and what they may see — pure decisions; nothing here touches the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from shouye.base.kernel import Forbidden, WallClock
from shouye.base.roster import Roster

TOKEN_BYTES = 16
"""令牌长度 — 128 bit, more than anybody can guess. 依据: design.md 3.15."""

SESSION_LIFE = timedelta(hours=12)
"""登录有效期 — one shift (建议值)."""

SESSION_IDLE = timedelta(hours=2)
"""闲置退出 — a watched screen refreshes itself and stays (建议值)."""

TOUCH_EVERY = timedelta(minutes=1)
"""How often a session in use is written down as seen."""


class Role(StrEnum):
    """角色 — what an actor is: a person at the console, a machine with a key, or the program itself."""

    VIEWER = "viewer"
    DUTY = "duty"
    LEADER = "leader"
    ADMIN = "admin"
    READER = "reader"
    PUSHER = "pusher"
    PROGRAM = "program"

    @property
    def word(self) -> str:
        return _ROLE_WORDS[self]


_ROLE_WORDS = {
    Role.VIEWER: "只读",
    Role.DUTY: "值班员",
    Role.LEADER: "带班领导",
    Role.ADMIN: "管理员",
    Role.READER: "读取密钥",
    Role.PUSHER: "推送密钥",
    Role.PROGRAM: "系统",
}

PEOPLE = (Role.VIEWER, Role.DUTY, Role.LEADER, Role.ADMIN)
"""人的角色 — those an account may have."""


class Permission(StrEnum):
    """权限 — what a page or a button asks for."""

    SEE = "see"
    ACT = "act"
    ISSUE = "issue"
    MANAGE = "manage"
    PUSH = "push"
    AUDIT = "audit"

    @property
    def word(self) -> str:
        return _PERMISSION_WORDS[self]


_PERMISSION_WORDS = {
    Permission.SEE: "查看",
    Permission.ACT: "处置",
    Permission.ISSUE: "签发",
    Permission.MANAGE: "管理",
    Permission.PUSH: "推送数据",
    Permission.AUDIT: "查核",
}

_GRANTED: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.SEE}),
    Role.DUTY: frozenset({Permission.SEE, Permission.ACT}),
    Role.LEADER: frozenset({Permission.SEE, Permission.ACT, Permission.ISSUE, Permission.AUDIT}),
    # Who manages accounts does not thereby sign notices.
    Role.ADMIN: frozenset({Permission.SEE, Permission.MANAGE, Permission.AUDIT}),
    Role.READER: frozenset({Permission.SEE}),
    Role.PUSHER: frozenset({Permission.PUSH}),
    Role.PROGRAM: frozenset(Permission),
}


@dataclass(frozen=True)
class Scope:
    """管辖范围 — one division and everything below it, named by our own stable id."""

    division: str

    def covers(self, roster: Roster, division: str) -> bool:
        """Whether a division lies inside; the scope's own division does."""
        return self.division == _EVERYWHERE or roster.within(division, self.division)

    def concerns(self, roster: Roster, division: str) -> bool:
        """A county's affairs concern a scope when they lie inside it, or it lies inside the county."""
        return self.covers(roster, division) or roster.within(self.division, division)


_EVERYWHERE = "*"

WHOLE = Scope(_EVERYWHERE)
"""全部 — the scope of the program itself; no account and no key has it."""


IN_PLACE = "~"
"""代 — between the post and the account that signs in its holder's place."""


@dataclass(frozen=True)
class Actor:
    """操作人 — who does it: every verb of a person takes one.

    `tag` is what a Fact writes down: an id, never a name. `feed` is the one 数据接入 that a push key may feed.
    `lent` are permissions that others have given him for a time (授权代行), `lent_posts` the posts they hold.
    """

    tag: str
    name: str
    role: Role
    scope: Scope
    posts: tuple[str, ...] = ()
    feed: str = ""
    lent: frozenset[Permission] = frozenset()
    lent_posts: frozenset[str] = frozenset()

    @property
    def signs_as(self) -> str:
        """以何名义 — the post that acts, or the account where it holds none; in another's place with 代."""
        if not self.posts:
            return self.tag
        return f"{self.posts[0]}{IN_PLACE}{self.tag}" if self.posts[0] in self.lent_posts else self.posts[0]

    @property
    def account(self) -> int:
        """账号编号 — 0 for whoever is no person at the console."""
        kind, _, number = self.tag.partition(":")
        return int(number) if kind == "user" else 0

    def may(self, permission: Permission) -> bool:
        return permission in _GRANTED[self.role] or permission in self.lent

    def acting_as(self, post: str) -> Actor:
        """The same actor, signing as this one of the posts that are his."""
        return replace(self, posts=(post, *(one for one in self.posts if one != post)))


def require(actor: Actor, permission: Permission) -> None:
    """核对权限 — raises when the actor's role does not hold it."""
    if not actor.may(permission):
        raise Forbidden(f"需要{permission.word}权限，{actor.role.word}没有")


@dataclass(frozen=True)
class User:
    """账号 — a person who signs in at the console."""

    id: int
    login: str
    name: str
    role: Role
    division: str
    posts: tuple[str, ...]
    expires_at: datetime
    demo: bool

    @property
    def actor(self) -> Actor:
        return Actor(f"user:{self.id}", self.name, self.role, Scope(self.division), self.posts)


SYSTEM = Actor("system", "系统", Role.PROGRAM, WHOLE)
"""系统 — the program itself: its jobs, its clock."""

OPERATOR = Actor("operator", "运维人员", Role.PROGRAM, WHOLE)
"""运维人员 — who types a command on the machine that holds the database; the machine's own log says who it was."""

CALLED = Actor("answer", "本人应答", Role.PROGRAM, WHOLE)
"""被叫的人 — who answers by the token that was sent to him; which person it is, the grant says."""


def named(tag: str) -> Actor:
    """只知其名 — the post that decides in a drill, or whoever a Fact says has done it."""
    return Actor(tag, tag, Role.PROGRAM, WHOLE, (tag,))


class Purpose(StrEnum):
    """密钥用途 — read the interface, or push one feed's data."""

    READ = "read"
    PUSH = "push"

    @property
    def word(self) -> str:
        return {"read": "读取", "push": "推送"}[self.value]


@dataclass(frozen=True)
class Key:
    """接口密钥 — lets a machine in for one purpose, inside one division, until a time. 依据: design.md 3.15."""

    id: int
    purpose: Purpose
    division: str
    feed: str
    note: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @property
    def actor(self) -> Actor:
        role = Role.READER if self.purpose is Purpose.READ else Role.PUSHER
        return Actor(f"key:{self.id}", self.note, role, Scope(self.division), feed=self.feed)

    def holds(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class Session:
    """登录会话 — who is signed in, and whether it is time to note that the screen is still watched."""

    actor: Actor
    touch_due: bool
    opened_at: datetime
    proved_at: datetime | None = None


@dataclass(frozen=True)
class ReadLine:
    """查阅记录的一行 — who looked at what of whom, and when."""

    at: datetime
    who: str
    what: str
    subject: str


@dataclass(frozen=True)
class OwnSession:
    """我的登录 — one of a person's sessions, and whether it is the one that asks."""

    opened_at: datetime
    seen_at: datetime
    here: bool


LENT_AT_MOST = timedelta(days=7)
"""授权代行最长期限 (建议值)."""

LENDABLE = (Permission.ACT, Permission.ISSUE)
"""可代行的权限 — managing accounts is nobody's to give away."""


@dataclass(frozen=True)
class Mandate:
    """授权代行 — one account acts with another's posts and permissions until a time."""

    id: int
    giver: int
    taker: int
    given_at: datetime
    until: datetime
    ended_at: datetime | None


def lent_to(user: User, givers: Iterable[User]) -> Actor:
    """代行的操作人 — his own authority and what these lend him; what is lent cannot be lent on."""
    mine = user.actor
    lent = {permission for giver in givers for permission in LENDABLE if giver.actor.may(permission)}
    posts = [post for giver in givers for post in giver.posts if post not in mine.posts]
    return replace(
        mine,
        posts=tuple(dict.fromkeys((*mine.posts, *posts))),
        lent=frozenset(permission for permission in lent if not mine.may(permission)),
        lent_posts=frozenset(posts),
    )


@dataclass(frozen=True)
class DemoUser:
    """演练账号 — made at start on the machine itself; its password is printed once and kept nowhere."""

    login: str
    password: str
    name: str
    role: Role
    division: str


@dataclass(frozen=True)
class AnswerGrant:
    """应答许可 — what an answer token lets its bearer do: answer one notice for one person, until a time."""

    person: int
    notice: int
    until: datetime


def machine_now() -> datetime:
    """机器的时钟 — what it shows at this moment: a telephone's code is held against that and nothing else."""
    return WallClock().now()


class SteadyTime:
    """稳定时间 — real time carried by seconds that nobody can set: setting the machine's clock moves no session.

    One that was behind by more than any session lasts (its battery was dead, now it is right) is followed: else
    accounts and keys whose time is up would open doors until the next start.
    """

    def __init__(
        self, machine: Callable[[], datetime] = machine_now, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._machine, self._steady = machine, steady
        self._zero = (machine(), steady())

    def now(self) -> datetime:
        wall, zero = self._zero
        seconds, shown = self._steady(), self._machine()
        carried = wall + timedelta(seconds=seconds - zero)
        if shown - carried <= SESSION_LIFE:
            return carried
        self._zero = (shown, seconds)
        return shown


_TIME = SteadyTime()


def steady_now() -> datetime:
    return _TIME.now()


KEY_MARK = "sy_"
"""Every key begins so: a scanner of leaked secrets knows it at once."""


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What is stored: reading the table gives nobody a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(session_token: str) -> str:
    """表单令牌 — bound to the session by derivation, so it needs no column and ends with its session."""
    return hashlib.sha256(f"csrf:{session_token}".encode()).hexdigest()[:32]


def csrf_matches(session_token: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(session_token).encode(), given.encode())


class Throttle:
    """限速 — at most `limit` tries of one key in `window_s` seconds of the monotonic clock."""

    MAX_KEYS = 10_000

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, now_s: float) -> float:
        """Count one try; 0 when it may go ahead, else the seconds to wait. A refused try is not counted."""
        with self._lock:
            tries = self._tries.setdefault(key, deque())
            self._tries.move_to_end(key)
            while tries and tries[0] <= now_s - self._window_s:
                tries.popleft()
            if len(tries) >= self._limit:
                return tries[0] + self._window_s - now_s
            tries.append(now_s)
            while len(self._tries) > self.MAX_KEYS:  # many invented names must not fill the memory
                self._tries.popitem(last=False)
            return 0.0

    def clear(self, key: str) -> None:
        with self._lock:
            self._tries.pop(key, None)


class SignInGate:
    """登录限速 — per account and per address; the right password clears the account's count."""

    def __init__(self, *, per_user: int = 10, per_address: int = 30, window_s: float = 900.0) -> None:
        self._users = Throttle(per_user, window_s)
        self._addresses = Throttle(per_address, window_s)

    def take(self, login: str, address: str, now_s: float) -> float:
        """Seconds to wait before this try may be made; 0 lets it through and counts it."""
        return self._addresses.take(address, now_s) or self._users.take(login, now_s)

    def clear(self, login: str) -> None:
        self._users.clear(login)
