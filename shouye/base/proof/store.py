"""动态口令、恢复码的表与查询。"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, Text, delete, func, insert, select, update

from shouye.base.kernel import Instant, RowId, Tx, metadata

factor_table = Table(
    "second_factor",
    metadata,
    Column("user_id", RowId, ForeignKey("user_account.id"), primary_key=True, autoincrement=False),
    Column("sealed", Text, nullable=False, comment="encrypted; the key lies outside the database"),
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger, nullable=False, comment="codes of this step and earlier ones count no more"),
)

spare_table = Table(
    "recovery_code",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("user_id", RowId, ForeignKey("user_account.id"), nullable=False, index=True),
)


def factor(tx: Tx, user: int) -> tuple[str, datetime | None, int] | None:
    row = tx.run(select(factor_table).where(factor_table.c.user_id == user)).one_or_none()
    return None if row is None else (row.sealed, row.confirmed_at, row.last_step)


def put_factor(tx: Tx, user: int, sealed: str) -> None:
    remove(tx, user)
    tx.run(insert(factor_table).values(user_id=user, sealed=sealed, last_step=0))


def use_step(tx: Tx, user: int, step: int) -> bool:
    """Compare-and-set: of two requests with one code one is heard."""
    later = (factor_table.c.user_id == user) & (factor_table.c.last_step < step)
    return bool(tx.run(update(factor_table).where(later).values(last_step=step)).rowcount)


def confirm(tx: Tx, user: int, at: datetime, spares: Sequence[str]) -> None:
    tx.run(update(factor_table).where(factor_table.c.user_id == user).values(confirmed_at=at))
    tx.run(insert(spare_table), [{"code_hash": code, "user_id": user} for code in spares])


def use_spare(tx: Tx, user: int, code_hash: str) -> bool:
    mine = (spare_table.c.user_id == user) & (spare_table.c.code_hash == code_hash)
    return bool(tx.run(delete(spare_table).where(mine)).rowcount)


def spares(tx: Tx, user: int) -> int:
    query = select(func.count()).select_from(spare_table).where(spare_table.c.user_id == user)
    return int(tx.run(query).scalar_one())


def remove(tx: Tx, user: int) -> bool:
    tx.run(delete(spare_table).where(spare_table.c.user_id == user))
    return bool(tx.run(delete(factor_table).where(factor_table.c.user_id == user)).rowcount)
