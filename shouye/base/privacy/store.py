"""清理到了何时 — one row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Table, select

from shouye.base.kernel import Instant, Tx, metadata

sweep_table = Table(
    "retention_sweep",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("swept_at", Instant, nullable=False),
    comment="when each kind of personal data was last looked through",
)


def swept(tx: Tx) -> dict[str, datetime]:
    return {row.kind: row.swept_at for row in tx.run(select(sweep_table))}


def put_swept(tx: Tx, kind: str) -> None:
    row = tx.insert(sweep_table).values(kind=kind, swept_at=tx.now)
    tx.run(row.on_conflict_do_update(index_elements=["kind"], set_={"swept_at": tx.now}))
