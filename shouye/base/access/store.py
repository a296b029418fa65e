"""账号、登录、令牌、查阅记录的表与查询。"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from shouye.base.access.model import AnswerGrant, Key, Mandate, OwnSession, Purpose, ReadLine, Role, User, digest
from shouye.base.kernel import Document, Instant, RowId, Tx, metadata

user_table = Table(
    "user_account",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("login", String(60), nullable=False, unique=True),
    Column("name", String(60), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", String(10), nullable=False),
    Column("division", String(40), nullable=False),
    Column("posts", Document, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("demo", Boolean, nullable=False),
)

session_table = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", RowId, ForeignKey("user_account.id"), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("proved_at", Instant, comment="when the second factor was last shown"),
    comment="instants here are steady real time, not drill time",
)

answer_token_table = Table(
    "answer_token",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person", Integer, nullable=False),
    Column("notice", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

read_log_table = Table(
    "read_log",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", String(80), nullable=False, comment="the tag of an account or a key"),
    Column("what", String(60), nullable=False),
    Column("subject", String(80), nullable=False),
    Index("read_log_subject", "subject", "at"),
)

key_table = Table(
    "access_key",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("purpose", String(10), nullable=False),
    Column("division", String(40), nullable=False),
    Column("feed", String(60), nullable=False),
    Column("note", String(80), nullable=False),
    Column("issued_by", String(80), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    comment="keys of machines; instants here are steady real time, not drill time",
)

mandate_table = Table(
    "mandate",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("giver", RowId, ForeignKey("user_account.id"), nullable=False),
    Column("taker", RowId, ForeignKey("user_account.id"), nullable=False, index=True),
    Column("given_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("ended_at", Instant),
    comment="who acts in whose place; instants here are steady real time, not drill time",
)


def insert_user(
    tx: Tx,
    *,
    login: str,
    name: str,
    password_hash: str,
    role: Role,
    division: str,
    posts: tuple[str, ...],
    expires_at: datetime,
    demo: bool,
) -> int:
    row = insert(user_table).values(
        login=login,
        name=name,
        password_hash=password_hash,
        role=role.value,
        division=division,
        posts=list(posts),
        expires_at=expires_at,
        demo=demo,
    )
    return int(tx.run(row).inserted_primary_key[0])


def renew_user(
    tx: Tx, user_id: int, password_hash: str, division: str, posts: tuple[str, ...], expires_at: datetime
) -> None:
    change = {"password_hash": password_hash, "division": division, "posts": list(posts), "expires_at": expires_at}
    tx.run(update(user_table).where(user_table.c.id == user_id).values(change))


def close_user(tx: Tx, user_id: int, at: datetime) -> None:
    tx.run(update(user_table).where(user_table.c.id == user_id).values(expires_at=at))


def set_password(tx: Tx, user_id: int, password_hash: str) -> None:
    tx.run(update(user_table).where(user_table.c.id == user_id).values(password_hash=password_hash))


def users(tx: Tx) -> list[User]:
    return [_user(row) for row in tx.run(select(user_table).order_by(user_table.c.id))]


def names(tx: Tx) -> dict[str, str]:
    query = select(user_table.c.id, user_table.c.name).order_by(user_table.c.id)
    return {f"user:{row.id}": row.name for row in tx.run(query)}


def user_by_login(tx: Tx, login: str) -> tuple[User, str] | None:
    """The account and its password hash."""
    row = tx.run(select(user_table).where(user_table.c.login == login)).one_or_none()
    return None if row is None else (_user(row), row.password_hash)


def user_by_id(tx: Tx, number: int) -> User | None:
    row = tx.run(select(user_table).where(user_table.c.id == number)).one_or_none()
    return None if row is None else _user(row)


def insert_session(
    tx: Tx, token: str, user_id: int, now: datetime, opened_at: datetime, proved_at: datetime | None
) -> None:
    row = {"user_id": user_id, "opened_at": opened_at, "seen_at": now, "proved_at": proved_at}
    tx.run(insert(session_table).values(token_hash=digest(token), **row))


def sessions_of(
    tx: Tx, user_id: int, token: str, opened_after: datetime, seen_after: datetime
) -> list[OwnSession]:
    query = select(session_table).where(
        session_table.c.user_id == user_id,
        session_table.c.opened_at > opened_after,
        session_table.c.seen_at > seen_after,
    )
    rows = tx.run(query.order_by(session_table.c.opened_at.desc(), session_table.c.token_hash))
    return [OwnSession(row.opened_at, row.seen_at, row.token_hash == digest(token)) for row in rows]


def insert_mandate(tx: Tx, giver: int, taker: int, given_at: datetime, until: datetime) -> int:
    row = insert(mandate_table).values(giver=giver, taker=taker, given_at=given_at, until=until)
    return int(tx.run(row).inserted_primary_key[0])


def end_mandate(tx: Tx, number: int, now: datetime) -> bool:
    """Compare-and-set: a mandate ends once, and not after its time."""
    standing = (mandate_table.c.id == number) & mandate_table.c.ended_at.is_(None) & (mandate_table.c.until > now)
    return bool(tx.run(update(mandate_table).where(standing).values(ended_at=now)).rowcount)


def mandates(tx: Tx, now: datetime) -> list[Mandate]:
    """Those that hold now."""
    holds = mandate_table.c.ended_at.is_(None) & (mandate_table.c.until > now)
    rows = tx.run(select(mandate_table).where(holds).order_by(mandate_table.c.id))
    return [Mandate(**row._mapping) for row in rows]


def givers_to(tx: Tx, taker: int, now: datetime) -> list[User]:
    """Whose place this account takes now; an ended account lends nothing."""
    holds = mandate_table.c.ended_at.is_(None) & (mandate_table.c.until > now) & (mandate_table.c.taker == taker)
    query = (
        select(user_table)
        .join(mandate_table, mandate_table.c.giver == user_table.c.id)
        .where(holds, user_table.c.expires_at > now)
        .order_by(mandate_table.c.id)
    )
    return [_user(row) for row in tx.run(query)]


def session_user(tx: Tx, token: str, *, opened_after: datetime, seen_after: datetime) -> tuple[User, Any] | None:
    """The account of a session that is neither too old nor left alone, and the session's instants."""
    query = (
        select(user_table, session_table.c.seen_at, session_table.c.opened_at, session_table.c.proved_at)
        .join(session_table, session_table.c.user_id == user_table.c.id)
        .where(
            session_table.c.token_hash == digest(token),
            session_table.c.opened_at > opened_after,
            session_table.c.seen_at > seen_after,
        )
    )
    row = tx.run(query).one_or_none()
    return None if row is None else (_user(row), row)


def touch_session(tx: Tx, token: str, now: datetime) -> None:
    tx.run(update(session_table).where(session_table.c.token_hash == digest(token)).values(seen_at=now))


def delete_session(tx: Tx, token: str) -> None:
    tx.run(delete(session_table).where(session_table.c.token_hash == digest(token)))


def delete_sessions_of(tx: Tx, user_id: int) -> None:
    tx.run(delete(session_table).where(session_table.c.user_id == user_id))


def delete_sessions_before(tx: Tx, opened: datetime) -> None:
    tx.run(delete(session_table).where(session_table.c.opened_at <= opened))


def insert_answer_token(tx: Tx, token: str, person: int, notice: int, until: datetime) -> None:
    tx.run(insert(answer_token_table).values(token_hash=digest(token), person=person, notice=notice, until=until))


def answer_grant(tx: Tx, token: str) -> AnswerGrant | None:
    query = select(answer_token_table).where(
        answer_token_table.c.token_hash == digest(token), answer_token_table.c.until > tx.now
    )
    row = tx.run(query).one_or_none()
    return None if row is None else AnswerGrant(row.person, row.notice, row.until)


def delete_answer_tokens(tx: Tx, until: datetime) -> None:
    tx.run(delete(answer_token_table).where(answer_token_table.c.until <= until))


def insert_read(tx: Tx, who: str, what: str, subject: str) -> None:
    tx.run(insert(read_log_table).values(at=tx.now, who=who, what=what, subject=subject))


def reads_of(tx: Tx, subject: str) -> list[tuple[datetime, str, str]]:
    query = select(read_log_table).where(read_log_table.c.subject == subject).order_by(read_log_table.c.id)
    return [(row.at, row.who, row.what) for row in tx.run(query)]


def reads(tx: Tx, limit: int) -> list[ReadLine]:
    rows = tx.run(select(read_log_table).order_by(read_log_table.c.id.desc()).limit(limit))
    return [ReadLine(row.at, row.who, row.what, row.subject) for row in rows]


def erase(tx: Tx, kind: str, before: datetime, truly: bool) -> int:
    """Rows of one of the tables that hold personal data for a time, older than `before`: gone, or counted."""
    column = {
        "answer_token": answer_token_table.c.until,
        "session": session_table.c.opened_at,
        "read_log": read_log_table.c.at,
    }[kind]
    if truly:
        return int(tx.run(delete(column.table).where(column < before)).rowcount)
    return int(tx.run(select(func.count()).select_from(column.table).where(column < before)).scalar_one())


def insert_key(tx: Tx, token: str, values: dict[str, Any]) -> int:
    return int(tx.run(insert(key_table).values(token_hash=digest(token), **values)).inserted_primary_key[0])


def key_by_token(tx: Tx, token: str) -> Key | None:
    row = tx.run(select(key_table).where(key_table.c.token_hash == digest(token))).one_or_none()
    return None if row is None else _key(row)


def keys(tx: Tx) -> list[Key]:
    return [_key(row) for row in tx.run(select(key_table).order_by(key_table.c.id))]


def revoke_key(tx: Tx, number: int, now: datetime) -> bool:
    """Compare-and-set: a key is revoked once."""
    standing = (key_table.c.id == number) & key_table.c.revoked_at.is_(None)
    return bool(tx.run(update(key_table).where(standing).values(revoked_at=now)).rowcount)


def _key(row: Any) -> Key:
    values = {name: value for name, value in row._mapping.items() if name != "token_hash"}
    return Key(**{**values, "purpose": Purpose(row.purpose)})


def _user(row: Any) -> User:
    return User(
        id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        division=row.division,
        posts=tuple(row.posts),
        expires_at=row.expires_at,
        demo=row.demo,
    )
