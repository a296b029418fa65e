"""作业 — durable work: reactions to facts and the clock's wake-ups, as rows beside the data they serve.

One lane (subject) runs in order. A job that fails is tried again with a growing pause; after `MAX_ATTEMPTS` it is
dead, which the screens show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, Text, insert, select, update

from shouye.base.kernel.db import Database, Document, Instant, RowId, Tx, metadata

MAX_ATTEMPTS = 5

job_table = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("lane", String(80), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("payload", Document, nullable=False),
    Column("state", String(10), nullable=False, server_default="ready"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("done_at", Instant),
    Index("job_due", "state", "due_at", "id"),
)

Handler = Callable[[Tx, dict[str, Any]], None]
_HANDLERS: dict[str, Handler] = {}


@dataclass(frozen=True)
class Job:
    """一件作业 — what to run, in which lane, when."""

    id: int
    kind: str
    lane: str
    due_at: datetime
    payload: dict[str, Any]
    attempts: int


def handles(kind: str, handler: Handler) -> None:
    """Say which function runs jobs of this kind; it must be idempotent."""
    _HANDLERS[kind] = handler


def enqueue(tx: Tx, *, kind: str, lane: str, due_at: datetime, payload: dict[str, Any]) -> int:
    """Write a job in the caller's transaction: it exists exactly when its cause exists."""
    row = insert(job_table).values(kind=kind, lane=lane, due_at=due_at, payload=payload)
    return int(tx.run(row).inserted_primary_key[0])


def next_due(tx: Tx) -> datetime | None:
    """The instant of the earliest waiting job."""
    query = select(job_table.c.due_at).where(job_table.c.state == "ready").order_by(job_table.c.due_at).limit(1)
    due: datetime | None = tx.run(query).scalar()
    return due


def dead_jobs(tx: Tx) -> list[Job]:
    """Jobs that were given up: each is a red line on the screen."""
    query = select(job_table).where(job_table.c.state == "dead").order_by(job_table.c.id)
    return [_job(row) for row in tx.run(query)]


def run_due(database: Database, *, limit: int = 200) -> int:
    """Run what is due, each job in its own transaction. Returns how many were tried."""
    with database.read() as tx:
        query = (
            select(job_table)
            .where(job_table.c.state == "ready", job_table.c.due_at <= tx.now)
            .order_by(job_table.c.due_at, job_table.c.id)
            .limit(limit)
        )
        jobs = [_job(row) for row in tx.run(query)]
    blocked: set[str] = set()
    tried = 0
    for job in jobs:
        if job.lane in blocked:
            continue
        tried += 1
        if not _run_one(database, job):
            blocked.add(job.lane)
    return tried


def _run_one(database: Database, job: Job) -> bool:
    """Run one job and mark it done in the same transaction; on failure note it in another."""
    try:
        with database.begin() as tx:
            claimed = tx.run(
                update(job_table)
                .where(job_table.c.id == job.id, job_table.c.state == "ready")
                .values(state="done", done_at=tx.now, attempts=job.attempts + 1)
            )
            if claimed.rowcount == 1:
                _HANDLERS[job.kind](tx, job.payload)
        return True
    except Exception as error:  # noqa: BLE001 - whatever went wrong is kept with the job, not lost in a log
        with database.begin() as tx:
            attempts = job.attempts + 1
            dead = attempts >= MAX_ATTEMPTS
            tx.run(
                update(job_table)
                .where(job_table.c.id == job.id, job_table.c.state == "ready")
                .values(
                    state="dead" if dead else "ready",
                    attempts=attempts,
                    error=f"{type(error).__name__}: {error}"[:2000],
                    due_at=tx.now + timedelta(seconds=2**attempts),
                )
            )
        return False


def _job(row: Any) -> Job:
    return Job(row.id, row.kind, row.lane, row.due_at, row.payload, row.attempts)
