"""心跳的表和查询 — one row for each voice that should speak."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, Select, String, Table, delete, func, select

from shouye.base.kernel import Instant, Tx, metadata
from shouye.base.pulse.model import Group, Pulse, Voice

pulse_table = Table(
    "pulse",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("term", String(200), nullable=False),
    Column("feed", String(60), nullable=False),
    Column("county", String(40), nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("heard_at", Instant),
    Column("well", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("silent_at", Instant),
    Index("pulse_due", "due_at"),
    comment="who should speak, how often, and when he last did",
)

look_table = Table(
    "pulse_look",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("due_at", Instant, nullable=False),
    comment="when we next ask who of this kind should speak",
)


def next_at(tx: Tx, kinds: Iterable[str]) -> datetime | None:
    """When the next voice falls silent or is to be asked for; now, when a kind was never asked for."""
    looks = {row.kind: row.due_at for row in tx.run(select(look_table))}
    wanted = sorted(kinds)
    if any(kind not in looks for kind in wanted):
        return tx.now
    first = tx.run(select(func.min(pulse_table.c.due_at)).where(pulse_table.c.kind.in_(wanted))).scalar()
    instants = [looks[kind] for kind in wanted] + ([first] if first is not None else [])
    return min(instants, default=None)


def due_kinds(tx: Tx, kinds: Iterable[str]) -> list[str]:
    looks = {row.kind: row.due_at for row in tx.run(select(look_table))}
    late = set(tx.run(select(pulse_table.c.kind).where(pulse_table.c.due_at <= tx.now).distinct()).scalars())
    return [kind for kind in sorted(kinds) if kind in late or looks.get(kind, tx.now) <= tx.now]


def looks(tx: Tx) -> list[datetime]:
    return list(tx.run(select(look_table.c.due_at)).scalars())


def looked(tx: Tx, kind: str, again: datetime) -> None:
    statement = tx.insert(look_table).values(kind=kind, due_at=again)
    tx.run(statement.on_conflict_do_update(index_elements=["kind"], set_={"due_at": statement.excluded.due_at}))


_EVERY = select(pulse_table).order_by(pulse_table.c.kind, pulse_table.c.name)
_GROUP = (pulse_table.c.kind, pulse_table.c.feed, pulse_table.c.county)
_GROUPS = select(*_GROUP, func.count().label("many")).group_by(*_GROUP)


def pulses(tx: Tx, kind: str | None = None) -> list[Pulse]:
    return _pulses(tx, _EVERY if kind is None else _EVERY.where(pulse_table.c.kind == kind))


def silent(tx: Tx) -> list[Pulse]:
    """Only those who are not heard: of thousands mostly a few."""
    return _pulses(tx, _EVERY.where(pulse_table.c.silent_at.is_not(None)))


def groups(tx: Tx) -> dict[Group, int]:
    return {(row.kind, row.feed, row.county): row.many for row in tx.run(_GROUPS)}


def _pulses(tx: Tx, query: Select[Any]) -> list[Pulse]:
    return [
        Pulse(
            Voice(
                row.kind,
                row.name,
                row.term,
                timedelta(seconds=row.interval_s),
                row.heard_at,
                row.feed,
                row.county,
                row.well,
            ),
            row.since,
            row.due_at,
            row.silent_at,
        )
        for row in tx.run(query)
    ]


def put(tx: Tx, some: Iterable[Pulse]) -> None:
    rows = [
        {
            "kind": one.voice.kind,
            "name": one.voice.name,
            "term": one.voice.term,
            "feed": one.voice.feed,
            "county": one.voice.county,
            "interval_s": int(one.voice.interval.total_seconds()),
            "heard_at": one.voice.heard_at,
            "well": one.voice.well,
            "since": one.since,
            "due_at": one.due_at,
            "silent_at": one.silent_at,
        }
        for one in some
    ]
    if rows:
        statement = tx.insert(pulse_table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in ("kind", "name")}
        tx.run(statement.on_conflict_do_update(index_elements=["kind", "name"], set_=changed), rows)


def forget(tx: Tx, kind: str, names: Iterable[str]) -> None:
    gone = sorted(names)
    if gone:
        tx.run(delete(pulse_table).where(pulse_table.c.kind == kind, pulse_table.c.name.in_(gone)))
