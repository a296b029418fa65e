"""来数台账的表和查询 — counts by day, the pace of the last day, and the quarantine."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from shouye.base.kernel import BEIJING, Instant, RowId, Tx, insert_into, metadata
from shouye.watch.tally.model import Count, Held, Minute

feed_count = Table(
    "feed_count",
    metadata,
    Column("feed", String(60), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("what", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False),
    comment="per feed, day and fate: how many rows; what leaves the quarantine stays counted here",
)

feed_pace = Table(
    "feed_pace",
    metadata,
    Column("feed", String(60), primary_key=True),
    Column("slot", Integer, primary_key=True, comment="the minute of the day: a day ago it was used before"),
    Column("minute", Instant, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("lag_least_s", Integer),
    Column("lag_most_s", Integer),
    comment="the last day of each feed, minute by minute: how many messages, how late their readings",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("feed", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("code", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("station", String(80), nullable=False),
    Column("peer", String(80), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False, comment="of the whole, where `raw` is only its beginning"),
    Column("state", String(10), nullable=False, server_default="held"),
    Column("settled_at", Instant),
    Column("settled_by", String(80), nullable=False),
    Column("settled_why", Text, nullable=False),
    Index("quarantine_feed", "feed", "id"),
    Index("quarantine_state", "state", "feed", "code"),
)

_MOST_HELD = 1000
"""隔离区上限 — rows per feed; older ones go, their counts stay. `proposed`."""
_MOST_RAW = 65_536
_UNSETTLED = {"settled_by": "", "settled_why": ""}


def hold(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put them into quarantine and keep each feed within its bound; what would go at once is not even put in."""
    by_feed: dict[str, deque[Mapping[str, Any]]] = {}
    for row in rows:
        by_feed.setdefault(row["feed"], deque(maxlen=_MOST_HELD)).append(row)
    cut = [
        {**row, **_UNSETTLED, "at": tx.now, "size": len(row["raw"]), "raw": row["raw"][:_MOST_RAW]}
        | {"peer": row["peer"][:80]}
        for kept in by_feed.values()
        for row in kept
    ]
    tx.run(quarantine.insert(), cut)
    for feed in sorted(by_feed):
        oldest = (
            select(quarantine.c.id)
            .where(quarantine.c.feed == feed)
            .order_by(quarantine.c.id.desc())
            .offset(_MOST_HELD)
            .limit(1)
            .scalar_subquery()
        )
        tx.run(delete(quarantine).where(quarantine.c.feed == feed, quarantine.c.id <= oldest))


def held(
    tx: Tx, feed: str = "", state: str = "held", limit: int = 100, before: int | None = None, code: str = ""
) -> list[Held]:
    query = select(quarantine).where(quarantine.c.state == state).order_by(quarantine.c.id.desc()).limit(limit)
    if feed:
        query = query.where(quarantine.c.feed == feed)
    if code:
        query = query.where(quarantine.c.code == code)
    if before is not None:
        query = query.where(quarantine.c.id < before)
    return [Held(*row) for row in tx.run(query)]


def tally(tx: Tx, state: str) -> dict[tuple[str, str], int]:
    """(feed, code) -> how many lie there."""
    query = select(quarantine.c.feed, quarantine.c.code, func.count()).where(quarantine.c.state == state)
    query = query.group_by(quarantine.c.feed, quarantine.c.code).order_by(quarantine.c.feed, quarantine.c.code)
    return {(feed, code): int(many) for feed, code, many in tx.run(query)}


def held_one(tx: Tx, number: int) -> Held | None:
    row = tx.run(select(quarantine).where(quarantine.c.id == number)).one_or_none()
    return None if row is None else Held(*row)


def settle(tx: Tx, number: int, state: str, by: str, why: str) -> bool:
    """Compare-and-set: only what is still held changes."""
    changed = tx.run(
        update(quarantine)
        .where(quarantine.c.id == number, quarantine.c.state == "held")
        .values(state=state, settled_at=tx.now, settled_by=by, settled_why=why)
    )
    return bool(changed.rowcount == 1)


def known_fates(tx: Tx, feed: str) -> int:
    """How many different fates this feed's rows had today."""
    day = tx.now.astimezone(BEIJING).date().isoformat()
    query = select(func.count()).where(feed_count.c.feed == feed, feed_count.c.day == day)
    return int(tx.run(query).scalar_one())


def count(tx: Tx, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to the day's counts: (feed, what) -> how many."""
    if not counts:
        return
    day = tx.now.astimezone(BEIJING).date().isoformat()
    rows = [
        {"feed": feed, "day": day, "what": what, "count": many, "last_at": tx.now}
        for (feed, what), many in sorted(counts.items())
    ]
    tx.run(_add_to_count(tx.on_postgresql), rows)


@cache
def _add_to_count(on_postgresql: bool) -> Any:
    statement = insert_into(feed_count, on_postgresql=on_postgresql)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["feed", "day", "what"],
        set_={"count": feed_count.c.count + new.count, "last_at": new.last_at},
    )


def counts(tx: Tx, since: date | None = None) -> list[Count]:
    """How many of what each feed has sent, and when last; `since` a day."""
    one = feed_count.c
    query = select(one.feed, one.what, func.sum(one.count), func.max(one.last_at))
    if since is not None:
        query = query.where(feed_count.c.day >= since.isoformat())
    query = query.group_by(feed_count.c.feed, feed_count.c.what).order_by(feed_count.c.feed, feed_count.c.what)
    return [Count(feed, what, int(many), last) for feed, what, many, last in tx.run(query)]


def counts_by_day(tx: Tx, feed: str, since: date) -> dict[tuple[str, str], int]:
    """(day, what) -> how many of this feed."""
    query = select(feed_count.c.day, feed_count.c.what, feed_count.c.count)
    query = query.where(feed_count.c.feed == feed, feed_count.c.day >= since.isoformat())
    return {(day, what): int(many) for day, what, many in tx.run(query)}


def keep_pace(tx: Tx, rows: Sequence[Minute]) -> None:
    """Add to the minute; a slot that still holds yesterday's minute begins anew."""
    tx.run(
        _add_to_minute(tx.on_postgresql),
        [
            {
                "feed": one.feed,
                "slot": int(one.at.timestamp()) // 60 % 1440,
                "minute": one.at,
                "taken": one.taken,
                "refused": one.refused,
                "lag_least_s": one.lag_least_s,
                "lag_most_s": one.lag_most_s,
            }
            for one in rows
        ],
    )


@cache
def _add_to_minute(on_postgresql: bool) -> Any:
    statement = insert_into(feed_pace, on_postgresql=on_postgresql)
    new, old = statement.excluded, feed_pace.c
    same = old.minute == new.minute
    least = and_(same, or_(new.lag_least_s.is_(None), old.lag_least_s <= new.lag_least_s))
    most = and_(same, or_(new.lag_most_s.is_(None), old.lag_most_s >= new.lag_most_s))
    return statement.on_conflict_do_update(
        index_elements=["feed", "slot"],
        set_={
            "minute": new.minute,
            "taken": case((same, old.taken + new.taken), else_=new.taken),
            "refused": case((same, old.refused + new.refused), else_=new.refused),
            "lag_least_s": case((least, old.lag_least_s), else_=new.lag_least_s),
            "lag_most_s": case((most, old.lag_most_s), else_=new.lag_most_s),
        },
    )


def minutes(tx: Tx, since: datetime, feed: str = "") -> list[Minute]:
    """What came since then, oldest first; nothing is kept beyond a day."""
    one = feed_pace.c
    query = select(one.feed, one.minute, one.taken, one.refused, one.lag_least_s, one.lag_most_s)
    query = query.where(one.minute >= since).order_by(one.minute, one.feed)
    if feed:
        query = query.where(one.feed == feed)
    return [Minute(*row) for row in tx.run(query)]
