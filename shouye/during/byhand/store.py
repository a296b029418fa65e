"""上门和拨号分工的表与查询。"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, String, Table, bindparam, delete, insert, select, update

from shouye.base.kernel import Instant, RowId, Tx, metadata
from shouye.during.byhand.model import Visit

visit_table = Table(
    "visit",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("notice", Integer, nullable=False, index=True),
    Column("division", String(20), nullable=False),
    Column("visitor", Integer),
    Column("visitor_post", String(80), nullable=False),
    Column("sent_by", String(80), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("eta_at", Instant, nullable=False),
    Column("arrived_at", Instant),
    Column("result", String(12), nullable=False),
)

claim_table = Table(
    "dial_claim",
    metadata,
    Column("person", Integer, primary_key=True),
    Column("officer", String(60), nullable=False),
    Column("until", Instant, nullable=False),
    comment="who of the officers at the dial list is ringing this person now",
)


_visits = select(visit_table).order_by(visit_table.c.id)
_visits_of = _visits.where(visit_table.c.notice == bindparam("notice_"))
_VISITS = {
    (of_notice, only_open): query.where(visit_table.c.result == "") if only_open else query
    for of_notice, query in ((False, _visits), (True, _visits_of))
    for only_open in (False, True)
}


def insert_visit(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.run(insert(visit_table).values(**values)).inserted_primary_key[0])


def get_visit(tx: Tx, visit: int) -> Visit | None:
    row = tx.run(select(visit_table).where(visit_table.c.id == visit)).one_or_none()
    return Visit(**row._mapping) if row else None


def end_visit(tx: Tx, visit: int, result: str) -> bool:
    live = (visit_table.c.id == visit) & (visit_table.c.result == "")
    return bool(tx.run(update(visit_table).where(live).values(result=result, arrived_at=tx.now)).rowcount)


def visits(tx: Tx, notice: int | None = None, *, only_open: bool = False) -> list[Visit]:
    query = _VISITS[notice is not None, only_open]
    return [Visit(**row._mapping) for row in tx.run(query, {"notice_": notice})]


def claims(tx: Tx) -> dict[int, tuple[str, datetime]]:
    query = select(claim_table).where(claim_table.c.until > tx.now).order_by(claim_table.c.person)
    return {row.person: (row.officer, row.until) for row in tx.run(query)}


def put_claim(tx: Tx, person: int, officer: str, until: datetime) -> None:
    delete_claim(tx, person)
    tx.run(insert(claim_table).values(person=person, officer=officer, until=until))


def delete_claim(tx: Tx, person: int) -> None:
    tx.run(delete(claim_table).where(claim_table.c.person == person))
