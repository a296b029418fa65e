"""人工标记的表和查询."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Index, String, Table, Text, insert, or_, select

from shouye.base.kernel import Instant, RowId, Tx, metadata
from shouye.watch.marks.model import Mark, Quality

mark = Table(
    "reading_mark",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("station", String(60), nullable=False),
    Column("element", String(40), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("quality", String(8), nullable=False),
    Column("value", Float),
    Column("why", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Index("reading_mark_of", "station", "element"),
    comment="what persons say of readings; rows are only added, the last one over an instant counts",
)

_EVERY = select(mark).order_by(mark.c.id)


def add(tx: Tx, **row: Any) -> int:
    return int(tx.run(insert(mark).values(at=tx.now, **row)).inserted_primary_key[0])


def marks(tx: Tx, since: datetime | None, station: str | None, element: str | None) -> list[Mark]:
    query = _EVERY
    if since is not None:
        query = query.where(or_(mark.c.until.is_(None), mark.c.until > since))
    if station is not None:
        query = query.where(mark.c.station == station)
    if element is not None:
        query = query.where(mark.c.element == element)
    return [Mark(**{**row._mapping, "quality": Quality(row.quality)}) for row in tx.run(query)]
