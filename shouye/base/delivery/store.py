"""呼叫记录的表与查询。"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, bindparam, delete, func, select, update

from shouye.base.delivery.model import Arrived, Attempt, AttemptState, NewAttempt, Outcome, Receipt, Reply, Tried
from shouye.base.kernel import Document, Each, Instant, RowId, Tx, among, insert_rows, metadata, new_ids

attempt_table = Table(
    "attempt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("person", Integer, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("group", String(80), nullable=False),
    Column("body", Document, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("outcome", String(10)),
    Column("receipt", String(12)),
    Column("closed_at", Instant),
    Index("attempt_state", "state", "channel"),
    Index("attempt_person", "person", "state"),
    Index("attempt_group", "group"),
)

reply_table = Table(
    "reply",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("attempt", RowId, nullable=False),
    Column("at", Instant, nullable=False, comment="in a drill it may lie ahead"),
    Column("receipt", String(12), nullable=False),
    Column("value", Integer),
    Column("tries", Integer, nullable=False),
    Index("reply_at", "at", "attempt", "id"),
    Index("reply_attempt", "attempt"),
    comment="what came back and is not taken in yet; it leaves with the transaction that takes it in",
)


_INTENDED = (
    attempt_table.c.state == AttemptState.INTENT.value,
    attempt_table.c.channel.in_(bindparam("channels", expanding=True)),
)
_HAS_INTENT = select(attempt_table.c.id).where(*_INTENDED).limit(1)
_INTENTS = select(attempt_table).where(*_INTENDED).order_by(attempt_table.c.id).limit(bindparam("most"))
_FIRST_INTENT = select(attempt_table.c.opened_at).where(*_INTENDED).order_by(attempt_table.c.id).limit(1)
_these = among(attempt_table.c.id, "ids")
_BEGIN = (
    update(attempt_table)
    .where(_these, attempt_table.c.state == AttemptState.INTENT.value)
    .values(state=AttemptState.ACTING.value)
)
_CLOSES = Each(
    lambda row: (
        update(attempt_table)
        .where(attempt_table.c.id == row.attempt, attempt_table.c.state != AttemptState.CLOSED.value)
        .values(state=AttemptState.CLOSED.value, outcome=row.outcome_, receipt=row.receipt_, closed_at=row.at)
    ),
    attempt=RowId,
    outcome_=String,
    receipt_=String,
    at=Instant,
)
_THESE = select(attempt_table).where(_these)
_persons = among(attempt_table.c.person, "persons")
_purpose = attempt_table.c.purpose == bindparam("purpose_")
_BUSY = select(attempt_table.c.person).where(
    _persons, attempt_table.c.state != AttemptState.CLOSED.value, _purpose
)
_DELIVERED = (
    select(attempt_table)
    .where(
        _persons,
        _purpose,
        attempt_table.c.group != bindparam("but"),
        attempt_table.c.outcome == Outcome.DELIVERED.value,
        attempt_table.c.opened_at >= bindparam("since", type_=Instant),
    )
    .order_by(attempt_table.c.id)
)

_about = (
    _purpose,
    attempt_table.c.group == bindparam("group_"),
    attempt_table.c.opened_at >= bindparam("since", type_=Instant),
)
_SPOKEN_TO = select(attempt_table.c.person).where(*_about, _persons).distinct()
_REACHED = (
    select(attempt_table.c.person).where(*_about, attempt_table.c.outcome == Outcome.DELIVERED.value).distinct()
)

_DUE_REPLIES = (
    select(reply_table)
    .where(reply_table.c.at <= bindparam("by", type_=Instant))
    .order_by(reply_table.c.at, reply_table.c.attempt, reply_table.c.id)
    .limit(bindparam("most"))
)
_NEXT_REPLY = select(func.min(reply_table.c.at))
_these_replies = among(reply_table.c.id, "replies")
_TRIED = update(reply_table).where(_these_replies).values(tries=reply_table.c.tries + 1)
_TAKEN = delete(reply_table).where(_these_replies)
_of_person = select(attempt_table).where(attempt_table.c.person == bindparam("person_"))
_in_group = _of_person.where(attempt_table.c.group == bindparam("group_"))
_OF_PERSON = [query.order_by(attempt_table.c.id) for query in (_of_person, _in_group)]


def insert_attempts(tx: Tx, new: Sequence[NewAttempt], state: AttemptState) -> list[int]:
    if not new:
        return []
    numbers = new_ids(tx, attempt_table, len(new))
    rows = [
        {
            "id": number,
            "channel": item.channel,
            "person": item.person,
            "purpose": item.purpose,
            "group": item.group,
            "body": dict(item.body),
            "opened_at": tx.now,
            "state": state.value,
        }
        for number, item in zip(numbers, new, strict=True)
    ]
    insert_rows(tx, attempt_table, rows)
    return numbers


def intents(tx: Tx, channels: Collection[str], limit: int) -> list[Attempt]:
    return [to_attempt(row) for row in tx.run(_INTENTS, {"channels": sorted(channels), "most": limit})]


def has_intent(tx: Tx, channels: Collection[str]) -> bool:
    return tx.run(_HAS_INTENT, {"channels": sorted(channels)}).first() is not None


def first_intent_at(tx: Tx, channels: Collection[str]) -> datetime | None:
    instant: datetime | None = tx.run(_FIRST_INTENT, {"channels": sorted(channels)}).scalar()
    return instant


def begin_acts(tx: Tx, ids: Sequence[int]) -> None:
    tx.run(_BEGIN, {"ids": ids})


def read_attempts(tx: Tx, ids: Collection[int]) -> dict[int, Attempt]:
    return {row.id: to_attempt(row) for row in tx.run(_THESE, {"ids": sorted(set(ids))})}


def close_attempts(tx: Tx, ends: Sequence[tuple[int, Outcome, Receipt | None]]) -> None:
    """The first end of an attempt is its end."""
    rows = {
        number: {"attempt": number, "outcome_": outcome.value, "receipt_": receipt and receipt.value, "at": tx.now}
        for number, outcome, receipt in reversed(ends)
    }
    _CLOSES.run(tx, list(rows.values()))


def busy_persons(tx: Tx, persons: Collection[int], purpose: str) -> set[int]:
    """Who of these has an attempt under way: a second ring would only meet an engaged line."""
    return set(tx.run(_BUSY, {"persons": sorted(set(persons)), "purpose_": purpose}).scalars())


def lost(tx: Tx, channel: str) -> list[Attempt]:
    """Under way, and nothing has come back."""
    answered = select(reply_table.c.id).where(reply_table.c.attempt == attempt_table.c.id).exists()
    query = select(attempt_table).where(
        attempt_table.c.state == AttemptState.ACTING.value, attempt_table.c.channel == channel, ~answered
    )
    return [to_attempt(row) for row in tx.run(query.order_by(attempt_table.c.id))]


def tried(tx: Tx, channel: str) -> Tried:
    columns = (attempt_table.c.person, attempt_table.c.purpose, attempt_table.c.group)
    query = select(*columns, func.count()).where(
        attempt_table.c.channel == channel, attempt_table.c.state != AttemptState.INTENT.value
    )
    return {(row[0], row[1], row[2]): row[3] for row in tx.run(query.group_by(*columns))}


def insert_replies(tx: Tx, replies: Sequence[Reply]) -> None:
    rows = [
        {"attempt": one.attempt, "at": one.at, "receipt": one.receipt.value, "value": one.value, "tries": 0}
        for one in replies
    ]
    insert_rows(tx, reply_table, rows)


def replies_due(tx: Tx, by: datetime, limit: int) -> list[Arrived]:
    """In the order of time."""
    rows = tx.run(_DUE_REPLIES, {"by": by, "most": limit})
    return [
        Arrived(row.id, Reply(row.attempt, row.at, Receipt(row.receipt), row.value), row.tries) for row in rows
    ]


def count_tries(tx: Tx, replies: Sequence[int]) -> None:
    tx.run(_TRIED, {"replies": replies})


def next_reply_at(tx: Tx) -> datetime | None:
    instant: datetime | None = tx.run(_NEXT_REPLY).scalar()
    return instant


def delete_replies(tx: Tx, ids: Sequence[int]) -> None:
    tx.run(_TAKEN, {"replies": ids})


def of_person(tx: Tx, person: int, group: str | None = None) -> list[Attempt]:
    rows = tx.run(_OF_PERSON[group is not None], {"person_": person, "group_": group})
    return [to_attempt(row) for row in rows]


def delivered(tx: Tx, persons: Collection[int], purpose: str, since: datetime, but: str) -> list[Attempt]:
    some = {"persons": sorted(set(persons)), "purpose_": purpose, "since": since, "but": but}
    return [to_attempt(row) for row in tx.run(_DELIVERED, some)]


def spoken_to(tx: Tx, persons: Collection[int], purpose: str, group: str, since: datetime) -> set[int]:
    some = {"persons": sorted(set(persons)), "purpose_": purpose, "group_": group, "since": since}
    return set(tx.run(_SPOKEN_TO, some).scalars())


def reached(tx: Tx, purpose: str, group: str, since: datetime) -> set[int]:
    return set(tx.run(_REACHED, {"purpose_": purpose, "group_": group, "since": since}).scalars())


def waiting_since(tx: Tx) -> dict[str, datetime]:
    """Per channel: since when the oldest attempt without an outcome is open."""
    columns = attempt_table.c
    query = select(columns.channel, func.min(columns.opened_at)).where(
        columns.state.in_([AttemptState.INTENT.value, AttemptState.ACTING.value])
    )
    return {row[0]: row[1] for row in tx.run(query.group_by(columns.channel))}


def channel_health(tx: Tx) -> list[dict[str, Any]]:
    """Per channel: attempts, how many are under way, unknown outcomes, the last word heard."""
    unknown = func.count().filter(attempt_table.c.outcome == Outcome.UNKNOWN.value)
    under_way = func.count().filter(attempt_table.c.state != AttemptState.CLOSED.value)
    query = (
        select(
            attempt_table.c.channel,
            func.count().label("attempts"),
            under_way.label("under_way"),
            unknown.label("unknown"),
            func.max(attempt_table.c.closed_at).label("last_heard"),
        )
        .group_by(attempt_table.c.channel)
        .order_by(attempt_table.c.channel)
    )
    return [dict(row._mapping) for row in tx.run(query)]


def to_attempt(row: Any) -> Attempt:
    return Attempt(
        id=row.id,
        channel=row.channel,
        person=row.person,
        purpose=row.purpose,
        group=row.group,
        body=row.body,
        opened_at=row.opened_at,
        state=AttemptState(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        receipt=Receipt(row.receipt) if row.receipt else None,
        closed_at=row.closed_at,
    )
