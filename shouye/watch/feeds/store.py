"""接入的表和查询 — what each feed sent, what was refused and why, signals as they came, quakes, hot spots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from shouye.base.kernel import BEIJING, Document, Instant, RowId, Tx, metadata

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

feed_memory = Table(
    "feed_memory",
    metadata,
    Column("feed", String(60), primary_key=True),
    Column("place", String(400), primary_key=True),
    Column("kept", Document, nullable=False),
    comment="what a transport must still know after a restart: ETags, files already read",
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

hot_spot = Table(
    "hot_spot",
    metadata,
    Column("time", Instant, primary_key=True),
    Column("lat", Float, primary_key=True),
    Column("lon", Float, primary_key=True),
    Column("satellite", String(20), primary_key=True),
    Column("is_final", Integer, nullable=False),
    Column("feed", String(60), nullable=False),
    Column("said", Document, nullable=False),
    comment="one pixel of one pass; the final processing replaces the first",
)

quake = Table(
    "quake",
    metadata,
    Column("event", String(160), primary_key=True),
    Column("updated", Instant, primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("feed", String(60), nullable=False),
    Column("time", Instant),
    Column("said", Document, nullable=False),
    Index("quake_time", "time"),
    comment="every revision of every event, as its agency gave it",
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
    Column("settled_by", String(80), nullable=False, server_default=""),
    Column("settled_why", Text, nullable=False, server_default=""),
    Index("quarantine_feed", "feed", "id"),
)

signal = Table(
    "signal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("feed", String(60), nullable=False),
    Column("heard_at", Instant, nullable=False),
    Column("sender", String(200), nullable=False),
    Column("identifier", String(200), nullable=False),
    Column("sent", Instant, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("part", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("codec", String(40), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("sender", "identifier", "sent", "part", "digest"),
    Index("signal_sent", "sent"),
    comment="official warnings byte for byte as they came",
)

_MOST_HELD = 1000
"""隔离区上限 — rows per feed; older ones go, their counts stay. `proposed`."""
_MOST_RAW = 65_536


@dataclass(frozen=True)
class Held:
    """隔离的来数 — what was refused, with its bytes, until a person has looked."""

    id: int
    feed: str
    at: datetime
    code: str
    detail: str
    station: str
    peer: str
    raw: bytes
    size: int
    state: str
    settled_at: datetime | None
    settled_by: str
    settled_why: str

    @property
    def is_whole(self) -> bool:
        return len(self.raw) == self.size


def hold(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put them into quarantine and keep each feed within its bound."""
    cut = [
        {**row, "at": tx.now, "size": len(row["raw"]), "raw": row["raw"][:_MOST_RAW], "peer": row["peer"][:80]}
        for row in rows
    ]
    tx.run(quarantine.insert(), cut)
    for feed in sorted({row["feed"] for row in rows}):
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


def count(tx: Tx, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to the day's counts: (feed, what) -> how many."""
    if not counts:
        return
    day = tx.now.astimezone(BEIJING).date().isoformat()
    statement = tx.insert(feed_count)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["feed", "day", "what"],
        set_={"count": feed_count.c.count + new.count, "last_at": new.last_at},
    )
    rows = [
        {"feed": feed, "day": day, "what": what, "count": many, "last_at": tx.now}
        for (feed, what), many in sorted(counts.items())
    ]
    tx.run(statement, rows)


@dataclass(frozen=True)
class Count:
    feed: str
    what: str
    count: int
    last_at: datetime


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


@dataclass(frozen=True)
class Minute:
    """一分钟的来数 — messages taken and refused; how late the freshest and the latest of their readings came."""

    feed: str
    at: datetime
    taken: int
    refused: int
    lag_least_s: int | None
    lag_most_s: int | None


def keep_pace(tx: Tx, rows: Sequence[Minute]) -> None:
    """Add to the minute; a slot that still holds yesterday's minute begins anew."""
    statement = tx.insert(feed_pace)
    new, old = statement.excluded, feed_pace.c
    same = old.minute == new.minute
    least = and_(same, or_(new.lag_least_s.is_(None), old.lag_least_s <= new.lag_least_s))
    most = and_(same, or_(new.lag_most_s.is_(None), old.lag_most_s >= new.lag_most_s))
    statement = statement.on_conflict_do_update(
        index_elements=["feed", "slot"],
        set_={
            "minute": new.minute,
            "taken": case((same, old.taken + new.taken), else_=new.taken),
            "refused": case((same, old.refused + new.refused), else_=new.refused),
            "lag_least_s": case((least, old.lag_least_s), else_=new.lag_least_s),
            "lag_most_s": case((most, old.lag_most_s), else_=new.lag_most_s),
        },
    )
    tx.run(
        statement,
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


def minutes(tx: Tx, since: datetime, feed: str = "") -> list[Minute]:
    """What came since then, oldest first; nothing is kept beyond a day."""
    one = feed_pace.c
    query = select(one.feed, one.minute, one.taken, one.refused, one.lag_least_s, one.lag_most_s)
    query = query.where(one.minute >= since).order_by(one.minute, one.feed)
    if feed:
        query = query.where(one.feed == feed)
    return [Minute(*row) for row in tx.run(query)]


def recall(tx: Tx, feed: str, place: str) -> dict[str, Any]:
    query = select(feed_memory.c.kept).where(feed_memory.c.feed == feed, feed_memory.c.place == place)
    return dict(tx.run(query).scalar_one_or_none() or {})


def remember(tx: Tx, feed: str, place: str, kept: Mapping[str, Any]) -> None:
    statement = tx.insert(feed_memory).values(feed=feed, place=place, kept=dict(kept))
    tx.run(
        statement.on_conflict_do_update(index_elements=["feed", "place"], set_={"kept": statement.excluded.kept})
    )


def put_signal(tx: Tx, row: Mapping[str, Any]) -> int | None:
    """Its row when it is new, None when these bytes are known."""
    statement = tx.insert(signal).values(**row).on_conflict_do_nothing().returning(signal.c.id)
    found: int | None = tx.run(statement).scalar_one_or_none()
    return found


@dataclass(frozen=True)
class StoredSignal:
    """存下的官方预警 — its bytes as they came, and what names it; read it with its codec."""

    id: int
    feed: str
    heard_at: datetime
    sender: str
    identifier: str
    sent: datetime
    kind: str
    status: str
    part: int
    digest: str
    codec: str
    raw: bytes


def signals(tx: Tx, since: datetime | None = None, limit: int = 1000) -> list[StoredSignal]:
    query = select(signal).order_by(signal.c.sent.desc(), signal.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(signal.c.sent >= since)
    return [StoredSignal(*row) for row in tx.run(query)]


def signal_of(tx: Tx, number: int) -> StoredSignal | None:
    row = tx.run(select(signal).where(signal.c.id == number)).one_or_none()
    return None if row is None else StoredSignal(*row)


def known_quakes(tx: Tx, events: Iterable[str]) -> set[tuple[str, datetime, str]]:
    """(event, updated, digest) of every revision that stands of these events."""
    query = select(quake.c.event, quake.c.updated, quake.c.digest).where(quake.c.event.in_(sorted(set(events))))
    return {tuple(row) for row in tx.run(query)}


def put_quakes(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    tx.run(tx.insert(quake).on_conflict_do_nothing(), list(rows))


def quakes(tx: Tx, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Every revision of events in [since, until], oldest revision first."""
    query = (
        select(quake.c.said)
        .where(quake.c.time >= since, quake.c.time <= until)
        .order_by(quake.c.event, quake.c.updated, quake.c.digest)
    )
    return list(tx.run(query).scalars())


def known_spots(tx: Tx, instants: Iterable[datetime]) -> dict[tuple[datetime, float, float, str], bool]:
    """Which hot spots of these passes stand, and whether in their final version."""
    columns = (hot_spot.c.time, hot_spot.c.lat, hot_spot.c.lon, hot_spot.c.satellite, hot_spot.c.is_final)
    found = tx.run(select(*columns).where(hot_spot.c.time.in_(sorted(set(instants)))))
    return {(time, lat, lon, satellite): bool(final) for time, lat, lon, satellite, final in found}


def put_hot_spots(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = tx.insert(hot_spot)
    new, old = statement.excluded, hot_spot.c
    better = or_(new.is_final > old.is_final, (new.is_final == old.is_final) & (new.said > old.said))
    statement = statement.on_conflict_do_update(
        index_elements=["time", "lat", "lon", "satellite"],
        set_={"is_final": new.is_final, "said": new.said, "feed": new.feed},
        where=better,
    )
    tx.run(statement, list(rows))


def hot_spots(tx: Tx, since: datetime, until: datetime) -> list[dict[str, Any]]:
    query = (
        select(hot_spot.c.said)
        .where(hot_spot.c.time >= since, hot_spot.c.time <= until)
        .order_by(hot_spot.c.time, hot_spot.c.lat, hot_spot.c.lon, hot_spot.c.satellite)
    )
    return list(tx.run(query).scalars())
