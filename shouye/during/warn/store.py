"""通知、拟稿、变动的表与查询。"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from shouye.base.kernel import Document, Instant, RowId, Tx, metadata
from shouye.during.warn.model import Act, Notice, NoticeState, Proposal, ProposalState, Revision

notice_table = Table(
    "notice",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("hazard", String(40), nullable=False),
    Column("term", String(40), nullable=False),
    Column("county", String(20), nullable=False),
    Column("level", String(20), nullable=False),
    Column("divisions", Document, nullable=False),
    Column("reason", Text, nullable=False),
    Column("findings", Document, nullable=False),
    Column("state", String(20), nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("issued_by", String(80), nullable=False),
    Column("updated_at", Instant),
    Column("withdrawn_at", Instant),
    Column("review_at", Instant, nullable=False),
    Column("round", Integer, nullable=False),
    Index("notice_ground", "hazard", "county", "state"),
)

revision_table = Table(
    "notice_revision",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("notice", ForeignKey("notice.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("act", String(12), nullable=False),
    Column("level", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
)

proposal_table = Table(
    "proposal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("notice", ForeignKey("notice.id")),
    Column("hazard", String(40), nullable=False),
    Column("term", String(40), nullable=False),
    Column("county", String(20), nullable=False),
    Column("act", String(12), nullable=False),
    Column("level", String(20), nullable=False),
    Column("divisions", Document, nullable=False),
    Column("reason", Text, nullable=False),
    Column("findings", Document, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("task", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", String(80)),
    Column("remark", Text, nullable=False),
    Index("proposal_ground", "hazard", "county", "state"),
)


_A_NOTICE = select(notice_table).where(notice_table.c.id == bindparam("notice"))


def insert_proposal(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.run(insert(proposal_table).values(**values)).inserted_primary_key[0])


def update_proposal(tx: Tx, proposal: int, values: dict[str, Any]) -> bool:
    """Compare-and-set: only a pending proposal changes."""
    pending = (proposal_table.c.id == proposal) & (proposal_table.c.state == ProposalState.PENDING.value)
    return bool(tx.run(update(proposal_table).where(pending).values(**values)).rowcount)


def insert_notice(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.run(insert(notice_table).values(**values)).inserted_primary_key[0])


def update_notice(tx: Tx, notice: int, values: dict[str, Any]) -> bool:
    """Compare-and-set: only a notice in force changes."""
    live = (notice_table.c.id == notice) & (notice_table.c.state == NoticeState.IN_FORCE.value)
    return bool(tx.run(update(notice_table).where(live).values(**values)).rowcount)


def insert_revision(tx: Tx, revision: Revision) -> None:
    tx.run(
        insert(revision_table).values(
            notice=revision.notice,
            at=revision.at,
            act=revision.act.value,
            level=revision.level,
            by=revision.by,
            reason=revision.reason,
        )
    )


def count_notices(tx: Tx) -> int:
    return int(tx.run(select(func.count()).select_from(notice_table)).scalar_one())


def get_notice(tx: Tx, notice: int) -> Notice | None:
    row = tx.run(_A_NOTICE, {"notice": notice}).one_or_none()
    return _notice(row) if row else None


def get_proposal(tx: Tx, proposal: int) -> Proposal | None:
    row = tx.run(select(proposal_table).where(proposal_table.c.id == proposal)).one_or_none()
    return _proposal(row) if row else None


def proposal_of_task(tx: Tx, task: int) -> Proposal | None:
    row = tx.run(select(proposal_table).where(proposal_table.c.task == task)).one_or_none()
    return _proposal(row) if row else None


def in_force(tx: Tx, hazard: str, county: str) -> Notice | None:
    query = select(notice_table).where(
        notice_table.c.hazard == hazard,
        notice_table.c.county == county,
        notice_table.c.state == NoticeState.IN_FORCE.value,
    )
    row = tx.run(query.order_by(notice_table.c.id.desc()).limit(1)).first()
    return _notice(row) if row else None


def pending(tx: Tx, hazard: str, county: str) -> Proposal | None:
    query = select(proposal_table).where(
        proposal_table.c.hazard == hazard,
        proposal_table.c.county == county,
        proposal_table.c.state == ProposalState.PENDING.value,
    )
    row = tx.run(query.order_by(proposal_table.c.id.desc()).limit(1)).first()
    return _proposal(row) if row else None


def notices(tx: Tx, *, only_in_force: bool = False) -> list[Notice]:
    query = select(notice_table).order_by(notice_table.c.id)
    if only_in_force:
        query = query.where(notice_table.c.state == NoticeState.IN_FORCE.value)
    return [_notice(row) for row in tx.run(query)]


def proposals(tx: Tx, *, only_pending: bool = False) -> list[Proposal]:
    query = select(proposal_table).order_by(proposal_table.c.id)
    if only_pending:
        query = query.where(proposal_table.c.state == ProposalState.PENDING.value)
    return [_proposal(row) for row in tx.run(query)]


def revisions(tx: Tx, notice: int) -> list[Revision]:
    query = select(revision_table).where(revision_table.c.notice == notice).order_by(revision_table.c.id)
    return [Revision(row.notice, row.at, Act(row.act), row.level, row.by, row.reason) for row in tx.run(query)]


def _notice(row: Any) -> Notice:
    values = dict(row._mapping)
    values["divisions"] = tuple(values["divisions"])
    values["findings"] = tuple(values["findings"])
    values["state"] = NoticeState(values["state"])
    return Notice(**values)


def _proposal(row: Any) -> Proposal:
    values = dict(row._mapping)
    values["divisions"] = tuple(values["divisions"])
    values["findings"] = tuple(values["findings"])
    values["act"] = Act(values["act"])
    values["state"] = ProposalState(values["state"])
    return Proposal(**values)
