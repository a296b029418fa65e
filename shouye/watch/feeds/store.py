"""接入的表和查询 — signals as they came, quakes, hot spots, what a transport must remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DataError, IntegrityError

from shouye.base.kernel import Document, Instant, RowId, Tx, metadata

UNSTORABLE = (DataError, IntegrityError, ValueError, OverflowError, TypeError)
"""存不下的内容 — a message at fault, not the storage: the others are stored without it."""

feed_memory = Table(
    "feed_memory",
    metadata,
    Column("feed", String(60), primary_key=True),
    Column("place", String(400), primary_key=True),
    Column("kept", Document, nullable=False),
    comment="what a transport must still know after a restart: ETags, files already read",
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
    Column("digest", String(64), nullable=False, comment="of the document it came in"),
    Column("content", String(64), nullable=False, comment="of the signal alone"),
    Column("codec", String(40), nullable=False),
    UniqueConstraint("sender", "identifier", "sent", "content"),
    Index("signal_sent", "sent"),
    comment="official warnings, each once however often its envelope changes",
)

signal_document = Table(
    "signal_document",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    comment="documents of official warnings byte for byte as they came, each once however many it holds",
)


def recall(tx: Tx, feed: str, place: str) -> dict[str, Any]:
    query = select(feed_memory.c.kept).where(feed_memory.c.feed == feed, feed_memory.c.place == place)
    return dict(tx.run(query).scalar_one_or_none() or {})


def remember(tx: Tx, feed: str, place: str, kept: Mapping[str, Any]) -> None:
    statement = tx.insert(feed_memory).values(feed=feed, place=place, kept=dict(kept))
    tx.run(
        statement.on_conflict_do_update(index_elements=["feed", "place"], set_={"kept": statement.excluded.kept})
    )


def put_signal(tx: Tx, row: Mapping[str, Any], raw: bytes) -> int | None:
    """Its row when it is new, None when it is known; a document is kept when something in it is new."""
    statement = tx.insert(signal).values(**row).on_conflict_do_nothing().returning(signal.c.id)
    found: int | None = tx.run(statement).scalar_one_or_none()
    if found is not None:
        tx.run(tx.insert(signal_document).values(digest=row["digest"], raw=raw).on_conflict_do_nothing())
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
    content: str
    codec: str
    raw: bytes


_WITH_RAW = select(signal, signal_document.c.raw).join(
    signal_document, signal_document.c.digest == signal.c.digest
)


def signals(tx: Tx, since: datetime | None = None, limit: int = 1000) -> list[StoredSignal]:
    query = _WITH_RAW.order_by(signal.c.sent.desc(), signal.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(signal.c.sent >= since)
    return [StoredSignal(*row) for row in tx.run(query)]


def signals_heard(tx: Tx, limit: int) -> list[StoredSignal]:
    """Who came last first, whatever they say of themselves."""
    return [StoredSignal(*row) for row in tx.run(_WITH_RAW.order_by(signal.c.id.desc()).limit(limit))]


def signals_named(tx: Tx, identifiers: Iterable[str]) -> list[StoredSignal]:
    """The first that was heard under each of these identifiers."""
    firsts = select(func.min(signal.c.id)).where(signal.c.identifier.in_(sorted(set(identifiers))))
    return [
        StoredSignal(*row)
        for row in tx.run(_WITH_RAW.where(signal.c.id.in_(firsts.group_by(signal.c.identifier))))
    ]


def signal_of(tx: Tx, number: int) -> StoredSignal | None:
    row = tx.run(_WITH_RAW.where(signal.c.id == number)).one_or_none()
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
