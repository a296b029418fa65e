"""召测的表和查询."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Select, String, Table, Text, insert, select, update

from shouye.base.kernel import Instant, RowId, Tx, metadata
from shouye.watch.downlink.model import UNDER_WAY, Order, OrderState

downlink = Table(
    "downlink",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("feed", String(60), nullable=False),
    Column("station", String(80), nullable=False),
    Column("place", String(60), nullable=False),
    Column("county", String(40), nullable=False),
    Column("command", String(40), nullable=False),
    Column("begin", Instant),
    Column("end", Instant),
    Column("elements", Text, nullable=False),
    Column("ordered_at", Instant, nullable=False),
    Column("ordered_by", String(60), nullable=False),
    Column("state", String(12), nullable=False),
    Column("times", Integer, nullable=False),
    Column("settled_at", Instant),
    Column("told", Text, nullable=False),
    Index("downlink_of", "feed", "state"),
    comment="what persons ask of devices, and what these answer",
)

_EVERY = select(downlink).order_by(downlink.c.id)


def add(tx: Tx, **row: Any) -> int:
    new = insert(downlink).values(ordered_at=tx.now, state=OrderState.WAITING.value, times=0, told="", **row)
    return int(tx.run(new).inserted_primary_key[0])


def under_way(tx: Tx, feed: str, since: datetime) -> list[Order]:
    states = [state.value for state in UNDER_WAY]
    return _orders(
        tx,
        _EVERY.where(downlink.c.feed == feed, downlink.c.state.in_(states), downlink.c.ordered_at >= since),
    )


def by_number(tx: Tx, numbers: Collection[int]) -> dict[int, Order]:
    return {one.id: one for one in _orders(tx, _EVERY.where(downlink.c.id.in_(sorted(numbers))))}


def newest(tx: Tx, feed: str | None, limit: int) -> list[Order]:
    query = select(downlink).order_by(downlink.c.id.desc()).limit(limit)
    return _orders(tx, query if feed is None else query.where(downlink.c.feed == feed))


def move(tx: Tx, number: int, **changed: Any) -> None:
    tx.run(update(downlink).where(downlink.c.id == number).values(**changed))


def _orders(tx: Tx, query: Select[Any]) -> list[Order]:
    return [
        Order(**{**row._mapping, "elements": tuple(row.elements.split()), "state": OrderState(row.state)})
        for row in tx.run(query)
    ]


def words(elements: Sequence[str]) -> str:
    """Elements as they are kept."""
    return " ".join(elements)
