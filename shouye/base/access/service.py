"""账号、登录、密钥、应答令牌、查阅记录 — the verbs of access.

Sessions are measured in real time even while a drill runs fast: `steady_now` never jumps within a process and can
be compared after a restart. Answer tokens live in the time of their notice, which is the clock of the `Tx`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from shouye.base.access import store
from shouye.base.access.facts import (
    KeyIssued,
    KeyRevoked,
    MandateEnded,
    MandateGiven,
    PasswordSet,
    SignedIn,
    SignedOut,
    UserAdded,
    UserClosed,
)
from shouye.base.access.model import (
    KEY_MARK,
    LENDABLE,
    LENT_AT_MOST,
    OPERATOR,
    PEOPLE,
    SESSION_IDLE,
    SESSION_LIFE,
    TOUCH_EVERY,
    WHOLE,
    Actor,
    AnswerGrant,
    DemoUser,
    Key,
    Mandate,
    OwnSession,
    Permission,
    Purpose,
    ReadLine,
    Role,
    Scope,
    Session,
    SignInGate,
    User,
    lent_to,
    new_token,
    steady_now,
)
from shouye.base.kernel import BadInput, Mode, NotFound, Refusal, Tx, iso, record
from shouye.base.roster import Roster

MIN_PASSWORD = 12

KEY_DAYS = 400
"""密钥最长有效期 — a year and the weeks in which the next one is put in place (proposed)."""

_HASHER = PasswordHasher()


class SignInRefused(Refusal):
    """用户名或密码不对，或账号已过期。"""


class TooManyTries(Refusal):
    """登录尝试过多，请稍后再试。"""


class NotLocal(Refusal):
    """演练账号只在本机、只在演练方式下开设。"""


def add_user(
    tx: Tx,
    by: Actor,
    *,
    login: str,
    name: str,
    password: str,
    role: Role,
    division: str,
    expires_at: datetime,
    posts: tuple[str, ...] = (),
    demo: bool = False,
) -> int:
    """开户 — an account always has an end."""
    if role not in PEOPLE:
        raise BadInput(f"{role.word}不是人的角色")
    if not login.strip() or store.user_by_login(tx, login) is not None:
        raise BadInput(f"账号 {login} 已存在" if login.strip() else "缺少账号")
    number = store.insert_user(
        tx,
        login=login,
        name=name,
        password_hash=_hashed(password),
        role=role,
        division=division,
        posts=posts,
        expires_at=expires_at,
        demo=demo,
    )
    told = UserAdded(subject=f"user:{number}", actor=by.tag, role=role.value, division=division, posts=list(posts))
    record(tx, told)
    return number


def close_user(tx: Tx, by: Actor, login: str) -> None:
    """销户 — the account has ended, and so have its sessions; its name stays beside what it did."""
    user = _user(tx, login)
    store.close_user(tx, user.id, steady_now())
    store.delete_sessions_of(tx, user.id)
    record(tx, UserClosed(subject=user.actor.tag, actor=by.tag))


def set_password(tx: Tx, by: Actor, login: str, password: str) -> None:
    """改设密码 — every session opened with the old one ends."""
    user = _user(tx, login)
    store.set_password(tx, user.id, _hashed(password))
    store.delete_sessions_of(tx, user.id)
    record(tx, PasswordSet(subject=user.actor.tag, actor=by.tag))


def user_named(tx: Tx, login: str) -> User:
    """一个账号 — by its login name."""
    return _user(tx, login)


def users(tx: Tx) -> list[User]:
    """账号 — all of them, the ended ones too."""
    return store.users(tx)


def issue_key(
    tx: Tx, by: Actor, *, purpose: Purpose, division: str, days: int, feed: str = "", note: str = ""
) -> tuple[Key, str]:
    """发密钥 — the second of the two is the key itself: shown once and stored only as a digest."""
    if not 0 < days <= KEY_DAYS:
        raise BadInput(f"密钥有效期为 1 至 {KEY_DAYS} 天")
    if (purpose is Purpose.PUSH) != bool(feed):
        raise BadInput("推送密钥须写明数据接入，读取密钥不写")
    now, token = steady_now(), KEY_MARK + new_token()
    values = {
        "purpose": purpose.value,
        "division": division,
        "feed": feed,
        "note": note,
        "issued_by": by.tag,
        "issued_at": now,
        "expires_at": now + timedelta(days=days),
        "revoked_at": None,
    }
    number = store.insert_key(tx, token, values)
    told = KeyIssued(subject=f"key:{number}", actor=by.tag, purpose=purpose.value, division=division, feed=feed)
    record(tx, told)
    return next(one for one in store.keys(tx) if one.id == number), token


def check_key(tx: Tx, token: str) -> Actor | None:
    """核对密钥 — None when unknown, revoked or past its time."""
    found = store.key_by_token(tx, token) if token.startswith(KEY_MARK) else None
    return found.actor if found is not None and found.holds(steady_now()) else None


def revoke_key(tx: Tx, by: Actor, number: int) -> None:
    """废密钥 — from now on it opens nothing."""
    if not store.revoke_key(tx, number, steady_now()):
        raise NotFound(f"密钥 {number}，或已作废")
    record(tx, KeyRevoked(subject=f"key:{number}", actor=by.tag))


def keys(tx: Tx) -> list[Key]:
    """密钥 — all of them, revoked and ended ones too."""
    return store.keys(tx)


def check_password(tx: Tx, gate: SignInGate, login: str, password: str, address: str) -> User:
    """核对密码 — reads only: the slow hash holds no writer, and an unknown name takes as long as a wrong word."""
    wait_s = gate.take(login, address, time.monotonic())
    if wait_s > 0:
        raise TooManyTries(f"{int(wait_s // 60) + 1} 分钟后可再试")
    found = store.user_by_login(tx, login)
    fits = _fits(found[1] if found else _decoy(), password)
    if found is None or not fits or found[0].expires_at <= steady_now():
        raise SignInRefused
    gate.clear(login)
    return found[0]


def sign_in(tx: Tx, user: User, *, proved: bool = False, instead_of: str = "") -> str:
    """登录 — opens a session and returns its token, which is stored only as a digest.

    `proved`: a second factor was shown. `instead_of` names the session this browser had: it ends.
    """
    now = steady_now()
    store.delete_sessions_before(tx, now - SESSION_LIFE)
    if instead_of:
        store.delete_session(tx, instead_of)
    token = new_token()
    store.insert_session(tx, token, user.id, now, now, now if proved else None)
    record(tx, SignedIn(subject=f"user:{user.id}", actor=user.actor.tag))
    return token


def sign_out(tx: Tx, actor: Actor, token: str) -> None:
    """退出。"""
    store.delete_session(tx, token)
    record(tx, SignedOut(subject=actor.tag, actor=actor.tag))


def sign_out_everywhere(tx: Tx, actor: Actor) -> None:
    """全部退出 — on every machine, this one too."""
    store.delete_sessions_of(tx, actor.account)
    record(tx, SignedOut(subject=actor.tag, actor=actor.tag))


def own_sessions(tx: Tx, actor: Actor, token: str) -> list[OwnSession]:
    """我的登录 — where this account is signed in now, newest first."""
    now = steady_now()
    return store.sessions_of(tx, actor.account, token, now - SESSION_LIFE, now - SESSION_IDLE)


def prove_session(tx: Tx, actor: Actor, token: str) -> str:
    """核验之后 — the session goes on under a new token, with its old end."""
    now = steady_now()
    found = session(tx, token)
    if found is None or found.actor.tag != actor.tag:
        raise SignInRefused
    store.delete_session(tx, token)
    fresh = new_token()
    store.insert_session(tx, fresh, actor.account, now, found.opened_at, now)
    return fresh


def lend(tx: Tx, by: Actor, taker: str, hours: float) -> Mandate:
    """授权代行 — what is one's own, whole, to an account whose scope holds one's own; until a time."""
    giver, other = store.user_by_id(tx, by.account), _user(tx, taker)
    now = steady_now()
    until = now + timedelta(hours=hours)
    if giver is None or not any(giver.actor.may(permission) for permission in LENDABLE):
        raise BadInput("没有可以授权他人代行的权限")
    if other.id == giver.id or other.expires_at <= now or not covers(tx, other.actor.scope, giver.division):
        raise BadInput("代行人须是另一个有效账号，管辖范围不小于本人")
    if not now < until <= min(now + LENT_AT_MOST, giver.expires_at):
        raise BadInput(f"代行期限最长 {LENT_AT_MOST.days} 天")
    number = store.insert_mandate(tx, giver.id, other.id, now, until)
    told = MandateGiven(
        subject=other.actor.tag, actor=by.tag, mandate=number, posts=list(giver.posts), until=iso(until)
    )
    record(tx, told)
    return next(one for one in store.mandates(tx, now) if one.id == number)


def end_mandate(tx: Tx, by: Actor, number: int) -> None:
    """收回代行 — by whoever gave it, has it, or manages accounts."""
    found = next((one for one in mandates(tx, by) if one.id == number), None)
    if found is None or not store.end_mandate(tx, number, steady_now()):
        raise NotFound(f"授权代行 {number}")
    record(tx, MandateEnded(subject=f"user:{found.taker}", actor=by.tag, mandate=number))


def mandates(tx: Tx, by: Actor) -> list[Mandate]:
    """代行 — those in force that one has given or taken; whoever manages accounts sees all."""
    found = store.mandates(tx, steady_now())
    return [one for one in found if by.may(Permission.MANAGE) or by.account in (one.giver, one.taker)]


def session(tx: Tx, token: str) -> Session | None:
    """登录会话 — None when it has ended or was left alone, or when the account has expired."""
    now = steady_now()
    found = store.session_user(tx, token, opened_after=now - SESSION_LIFE, seen_after=now - SESSION_IDLE)
    if found is None or found[0].expires_at <= now:
        return None
    user, kept = found
    givers = store.givers_to(tx, user.id, now)
    actor = lent_to(user, givers) if givers else user.actor
    return Session(actor, now - kept.seen_at > TOUCH_EVERY, kept.opened_at, kept.proved_at)


def session_actor(tx: Tx, token: str) -> Actor | None:
    """当前操作人。"""
    found = session(tx, token)
    return found.actor if found else None


def touch(tx: Tx, token: str) -> None:
    """The screen is being looked at: the idle time starts anew."""
    store.touch_session(tx, token, steady_now())


def covers(tx: Tx, scope: Scope, division: str) -> bool:
    """在管辖范围内 — the division lies in the scope; the program's own scope asks for no roster."""
    return scope == WHOLE or scope.covers(tx.of(Roster), division)


def concerns(tx: Tx, scope: Scope, division: str) -> bool:
    """与管辖范围有关 — the division lies in the scope or above it: a township is told of its county's danger."""
    return scope == WHOLE or scope.concerns(tx.of(Roster), division)


def issue_answer_token(tx: Tx, person: int, notice: int, until: datetime) -> str:
    """发应答令牌 — the one thing its bearer may do is answer this notice for this person. 依据: design.md 3.15."""
    store.delete_answer_tokens(tx, tx.now - timedelta(days=1))
    token = new_token()
    store.insert_answer_token(tx, token, person, notice, until)
    return token


def answer_token(tx: Tx, token: str) -> AnswerGrant | None:
    """核对应答令牌 — None when unknown or past its time."""
    return store.answer_grant(tx, token)


def names(tx: Tx) -> dict[str, str]:
    """账号姓名 — by the tag that Facts and ledgers write down."""
    return store.names(tx)


def log_read(tx: Tx, actor: Actor, what: str, subject: str) -> None:
    """查阅记录 — who looked at whose telephone number. 依据: design.md 3.14."""
    store.insert_read(tx, actor.tag, what, subject)


def reads_of(tx: Tx, subject: str) -> list[tuple[datetime, str, str]]:
    """谁查过 — instants, tags of accounts and what was read."""
    return store.reads_of(tx, subject)


def reads(tx: Tx, scope: Scope, limit: int = 10_000) -> list[ReadLine]:
    """查阅记录 — newest first; of accounts within the scope, and of people who hold a post there."""
    roster, divisions = tx.of(Roster), {user.actor.tag: user.division for user in store.users(tx)}

    def mine(line: ReadLine) -> bool:
        kind, _, number = line.subject.partition(":")
        posts = roster.posts_held(int(number)) if kind == "person" and number.isdecimal() else ()
        places = [*(post.division for post in posts), divisions.get(line.who, roster.city.id)]
        return any(covers(tx, scope, place) for place in places)

    return [line for line in store.reads(tx, limit) if mine(line)]


def erase_old(tx: Tx, kind: str, before: datetime, truly: bool) -> int:
    """到期销毁 — answer_token, session or read_log older than `before`: gone, or only counted."""
    return store.erase(tx, kind, before, truly)


def open_demo_users(tx: Tx, roster: Roster, mode: Mode, host: str, county: str) -> list[DemoUser]:
    """开设演练账号 — only in Simulation and only when the console listens on the machine itself.

    Passwords are drawn anew at every start and returned to be printed once. The duty officers hold the duty desk
    of their division (its first post), the leader the other posts of the city.
    """
    if mode is not Mode.SIMULATION or host not in ("127.0.0.1", "::1", "localhost"):
        raise NotLocal
    desk, *others = (post.id for post in roster.posts_of(roster.city.id))
    place = roster.division(county)
    county_desk = roster.posts_of(county)[0].id
    offered = (
        ("zhiban", "演练值班员", Role.DUTY, roster.city.id, (desk,)),
        ("daiban", "演练带班领导", Role.LEADER, roster.city.id, tuple(others)),
        ("chakan", "演练观察员", Role.VIEWER, roster.city.id, ()),
        ("xian", f"演练{place.short}值班员", Role.DUTY, place.id, (county_desk,)),
    )
    until = steady_now() + timedelta(days=1)
    users = []
    for login, name, role, division, posts in offered:
        demo = DemoUser(login, new_token()[:MIN_PASSWORD], name, role, division)
        found = store.user_by_login(tx, login)
        if found is None:
            add_user(
                tx,
                OPERATOR,
                login=login,
                name=name,
                password=demo.password,
                role=role,
                division=division,
                expires_at=until,
                posts=posts,
                demo=True,
            )
        elif found[0].demo:
            store.renew_user(tx, found[0].id, _HASHER.hash(demo.password), division, posts, until)
            store.delete_sessions_of(tx, found[0].id)
        else:
            raise BadInput(f"账号 {login} 已被正式账号占用")
        users.append(demo)
    return users


def _user(tx: Tx, login: str) -> User:
    found = store.user_by_login(tx, login)
    if found is None:
        raise NotFound(f"账号 {login}")
    return found[0]


def _hashed(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise BadInput(f"密码至少 {MIN_PASSWORD} 个字符")
    return _HASHER.hash(password)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    """A hash nobody's password fits, made once."""
    return _HASHER.hash(new_token())
