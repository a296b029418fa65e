"""作业 — durable work: reactions to facts and the clock's wake-ups, as rows beside the data they serve.

A lane (one subject) runs strictly in due order; lanes do not wait for each other. A job that fails is tried again
after a growing pause and its lane waits for it; after `MAX_ATTEMPTS` it is dead, its lane goes on, and the screens
show it until a person has it tried again or sets it aside with a reason. A job that ends the process leaves no
trace of its attempt; therefore what a process finds waiting when it begins is counted before it is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import inf
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    true,
    tuple_,
    update,
)

from shouye.base.kernel.clock import Turn
from shouye.base.kernel.db import Database, Document, Instant, RowId, Tx, metadata
from shouye.base.kernel.refusals import Refusal

MAX_ATTEMPTS = 5

AGAIN = "again"
"""The state of a job that was dead and waits again: its success is told."""

ENDED_THE_PROCESS = "每次运行它，进程都中断"
"""What stands with a job that died so."""

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
    Column("retry_at", Instant, comment="set while a failed job waits for its next attempt: its lane waits too"),
    Column("ended_at", Instant, comment="empty while the job waits; set when it is done, dead or set aside"),
    Column("reason", Text, comment="why it was set aside"),
)
_waits = job_table.c.ended_at.is_(None)
# The three small indexes hold only what still waits, so that a year of finished jobs costs the loop nothing.
Index("job_due", job_table.c.due_at, job_table.c.id, sqlite_where=_waits, postgresql_where=_waits)
Index(
    "job_lane", job_table.c.lane, job_table.c.due_at, job_table.c.id, sqlite_where=_waits, postgresql_where=_waits
)
_fails = job_table.c.retry_at.is_not(None)
Index("job_retry", job_table.c.retry_at, job_table.c.lane, sqlite_where=_fails, postgresql_where=_fails)
_dead = job_table.c.state == literal_column("'dead'")
Index("job_dead", job_table.c.id, sqlite_where=_dead, postgresql_where=_dead)

Handler = Callable[[Tx, dict[str, Any]], None]
_HANDLERS: dict[str, Handler] = {}


@dataclass(frozen=True)
class Job:
    """一件作业 — what to run, in which lane, when; and how it has gone so far."""

    id: int
    kind: str
    lane: str
    due_at: datetime
    payload: dict[str, Any]
    attempts: int
    state: str = "ready"
    error: str | None = None
    reason: str | None = None


class NotDead(Refusal):
    """这件作业没有停下，不必重试或搁置。"""


class ReasonMissing(Refusal):
    """搁置一件作业须写明理由。"""


Witness = Callable[[Tx, Job, str], None]
_WITNESSES: list[Witness] = []


def handles(kind: str, handler: Handler) -> None:
    """Say which function runs jobs of this kind; it must be idempotent."""
    _HANDLERS[kind] = handler


def witness(see: Witness) -> None:
    """Be told, in the same transaction, when a job dies, waits again, recovers or is set aside, and by whom."""
    _WITNESSES.append(see)


def enqueue(tx: Tx, *, kind: str, lane: str, due_at: datetime, payload: dict[str, Any]) -> int:
    """Write a job in the caller's transaction: it exists exactly when its cause exists."""
    row = {"kind": kind, "lane": lane, "due_at": due_at, "payload": payload}
    return int(tx.run(_ENQUEUE, row).inserted_primary_key[0])


_ENQUEUE = insert(job_table)


@dataclass(frozen=True)
class Lanes:
    """车道 — which lanes a process takes its jobs from: all, only these, or all but these."""

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    @property
    def condition(self) -> Any:
        if self.only:
            return job_table.c.lane.in_(self.only)
        return job_table.c.lane.not_in(self.but) if self.but else true()


ALL_LANES = Lanes()


def next_due(tx: Tx, lanes: Lanes = ALL_LANES) -> datetime | None:
    """When a job can run at the earliest: what waits behind a failed job counts from that job's next attempt."""
    instants = tx.run(_next_due(lanes)).one()
    return min((instant for instant in instants if instant is not None), default=None)


@cache
def _next_due(lanes: Lanes) -> Select[Any]:
    ours = lanes.condition
    failing = select(func.max(job_table.c.retry_at).label("at")).where(_fails, ours).group_by(job_table.c.lane)
    held = select(job_table.c.lane).where(_fails)
    free = select(func.min(job_table.c.due_at)).where(_waits, ours, job_table.c.lane.not_in(held))
    return select(free.scalar_subquery(), select(func.min(failing.subquery().c.at)).scalar_subquery())


def dead_jobs(tx: Tx) -> list[Job]:
    """Jobs that were given up: each is a red line on the screen."""
    return [_job(row) for row in tx.run(select(job_table).where(_dead).order_by(job_table.c.id))]


def retry(tx: Tx, job_id: int, actor: str = "system") -> None:
    """重试 — a dead job waits again, at its old place in its lane and with all its attempts."""
    _leave_death(tx, job_id, actor, state=AGAIN, attempts=0, ended_at=None)


def set_aside(tx: Tx, job_id: int, reason: str, actor: str = "system") -> None:
    """搁置 — a person says why a dead job shall not run; the row stays, the red line goes."""
    if not reason.strip():
        raise ReasonMissing
    _leave_death(tx, job_id, actor, state="aside", reason=reason.strip())


def newest_waiting(tx: Tx) -> int:
    """The greatest number of a job that waits; 0 when none does."""
    return tx.run(select(func.max(job_table.c.id)).where(_waits)).scalar() or 0


def run_due(
    database: Database, *, limit: int = 200, lanes: Lanes = ALL_LANES, found: int = 0, turn_s: float = inf
) -> int:
    """Run what is due, each job in its own transaction; returns how many were tried. None begins after the turn.

    Jobs numbered up to `found` waited already when this process began: one of them may have ended the last one.
    """
    with database.read() as tx:
        jobs = [_job(row) for row in tx.run(_due(lanes), {"at": tx.now, "most": limit})]
    blocked: set[str] = set()
    tried = 0
    turn = Turn(turn_s)
    for job in jobs:
        if turn.over:
            break
        if job.lane in blocked:
            continue
        tried += 1
        if not _run_one(database, job, suspect=job.id <= found):
            blocked.add(job.lane)
    return tried


@cache
def _due(lanes: Lanes) -> Select[Any]:
    at = bindparam("at", type_=Instant)
    held = select(job_table.c.lane).where(job_table.c.retry_at > at)
    return (
        select(job_table)
        .where(_waits, lanes.condition, job_table.c.due_at <= at, job_table.c.lane.not_in(held))
        .order_by(job_table.c.due_at, job_table.c.id)
        .limit(bindparam("most"))
    )


def _run_one(database: Database, job: Job, *, suspect: bool = False) -> bool:
    """Run one job and mark it done in one transaction; on failure note it in another. False: the lane waits."""
    try:
        if suspect:
            with database.begin() as tx:
                if not _count_first(tx, job):
                    return job.attempts >= MAX_ATTEMPTS
        with database.begin() as tx:
            if not _claim(tx, job):
                return False
            _HANDLERS[job.kind](tx, job.payload)
            if job.state == AGAIN:
                _tell(tx, job.id, "system")
        return True
    except Exception as error:  # noqa: BLE001 - whatever went wrong is kept with the job, not lost in a log
        with database.begin() as tx:
            _note_failure(tx, job, f"{type(error).__name__}: {error}"[:2000])
        return False


_earlier = job_table.alias("earlier")
_ahead = (
    select(_earlier.c.id)
    .where(
        _earlier.c.ended_at.is_(None),
        _earlier.c.lane == bindparam("in_lane"),
        tuple_(_earlier.c.due_at, _earlier.c.id) < tuple_(bindparam("due", type_=Instant), bindparam("this")),
    )
    .exists()
)
_ITS_TURN = (job_table.c.id == bindparam("this"), _waits, ~_ahead)
_COUNT = update(job_table).where(*_ITS_TURN).values(attempts=bindparam("tries"))
_CLAIM = _COUNT.values(state="done", retry_at=None, ended_at=bindparam("at", type_=Instant))


def _claim(tx: Tx, job: Job) -> bool:
    """Compare-and-set that keeps the lane's order even if another process works on it or an earlier job came."""
    return bool(tx.run(_CLAIM, _turn(job) | {"at": tx.now}).rowcount == 1)


def _count_first(tx: Tx, job: Job) -> bool:
    """先记后做 — the attempt counts before it begins; a job whose last one never came to an end is dead.

    It is tried at once and in its place: what merely was under way when the power went loses no time.
    """
    if job.attempts >= MAX_ATTEMPTS:
        _die(tx, job, ENDED_THE_PROCESS)
        return False
    return bool(tx.run(_COUNT, _turn(job)).rowcount == 1)


def _turn(job: Job) -> dict[str, Any]:
    return {"this": job.id, "in_lane": job.lane, "due": job.due_at, "tries": job.attempts + 1}


def _note_failure(tx: Tx, job: Job, error: str) -> None:
    attempts = job.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _die(tx, job, error)
        return
    pause = timedelta(seconds=2**attempts)
    tx.run(
        update(job_table)
        .where(job_table.c.id == job.id, _waits)
        .values(attempts=attempts, error=error, retry_at=tx.now + pause)
    )


def _die(tx: Tx, job: Job, error: str) -> None:
    end = {"state": "dead", "attempts": MAX_ATTEMPTS, "error": error, "retry_at": None, "ended_at": tx.now}
    if tx.run(update(job_table).where(job_table.c.id == job.id, _waits).values(end)).rowcount == 1:
        _tell(tx, job.id, "system")


def _leave_death(tx: Tx, job_id: int, actor: str, **values: Any) -> None:
    changed = tx.run(update(job_table).where(job_table.c.id == job_id, _dead).values(**values))
    if changed.rowcount != 1:
        raise NotDead(f"作业 {job_id}")
    _tell(tx, job_id, actor)


def _tell(tx: Tx, job_id: int, actor: str) -> None:
    job = _job(tx.run(select(job_table).where(job_table.c.id == job_id)).one())
    for see in _WITNESSES:
        see(tx, job, actor)


def _job(row: Any) -> Job:
    return Job(row.id, row.kind, row.lane, row.due_at, row.payload, row.attempts, row.state, row.error, row.reason)
