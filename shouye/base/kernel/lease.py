"""租约 — a role that only one process may play is a row with a fencing number.

Whoever takes the role over gets the next number; the process before it can commit nothing more in that role,
however long it slept. Instants here are the real time of the database's server, so that the clocks of the other
machines do not matter, and drill time even less.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import BigInteger, Column, String, Table, cast, func, select, update
from sqlalchemy.exc import OperationalError

from shouye.base.kernel.clock import WallClock, from_ms
from shouye.base.kernel.db import Database, Fence, Instant, Tx, metadata
from shouye.base.kernel.opening import schema_wrong
from shouye.base.kernel.refusals import Refusal

log = structlog.get_logger()

LEASE = timedelta(seconds=3)
"""租期 — how long a silent holder keeps its roles (proposed)."""

RENEWALS = 5
"""How often it renews in that time."""

lease_table = Table(
    "lease",
    metadata,
    Column("role", String(20), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("renewed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    comment="which process plays which role; instants are the database server's real time",
)


class LeaseLost(Refusal):
    """本进程已失去租约，由接管的进程继续。"""


@dataclass(frozen=True)
class Lease:
    """一份租约 — `silent_for` is how long the holder before had not renewed when it was taken over."""

    role: str
    holder: str
    fence: int
    silent_for: timedelta | None = None


@dataclass(frozen=True)
class Holding:
    """谁在值守 — a lease as the screens show it."""

    role: str
    holder: str
    fence: int
    renewed_at: datetime
    alive: bool


def take(tx: Tx, role: str, holder: str, lasts: timedelta = LEASE) -> Lease | None:
    """接任 — the role, if nobody holds it; compare-and-set, so of two who try one gets it."""
    now = _server_time(tx)
    held = tx.run(select(lease_table).where(lease_table.c.role == role)).one_or_none()
    term = {"holder": holder, "renewed_at": now, "until": now + lasts}
    if held is None:
        fresh = tx.insert(lease_table).values(role=role, fence=1, **term).on_conflict_do_nothing()
        return Lease(role, holder, 1) if tx.run(fresh.returning(lease_table.c.fence)).first() else None
    if held.until > now and held.holder != holder and not _ended(held.holder):
        return None  # the same holder begins anew: what it did before must not go on beside it
    unchanged = (lease_table.c.role == role) & (lease_table.c.fence == held.fence)
    unchanged &= lease_table.c.until == held.until
    if tx.run(update(lease_table).where(unchanged).values(fence=held.fence + 1, **term)).rowcount != 1:
        return None
    left = held.renewed_at == held.until
    return Lease(role, holder, held.fence + 1, None if left else now - held.renewed_at)


def holder_name() -> str:
    """谁 — which process on which machine; `@` is followed by what its process numbers count within."""
    return f"{socket.gethostname()}:{os.getpid()}@{_numbering()}"


@cache
def _numbering() -> str:
    """The boot and the PID namespace: only there does a process number mean a process. Empty where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{space}".encode()).hexdigest()[:8]


def _ended(holder: str) -> bool:
    """Whether the holder was a process of this machine and is gone: after a crash nobody need wait for its lease.

    Should this ever be wrong, the fence still keeps the other from committing.
    """
    process, _, numbering = holder.partition("@")
    host, _, number = process.rpartition(":")
    if not numbering or numbering != _numbering() or host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def renew(tx: Tx, lease: Lease, lasts: timedelta = LEASE) -> None:
    """续任 — a lease that ran out but that nobody took is still ours."""
    now = _server_time(tx)
    if tx.run(update(lease_table).where(_ours(lease)).values(renewed_at=now, until=now + lasts)).rowcount != 1:
        raise LeaseLost(lease.role)


def leave(tx: Tx, lease: Lease) -> None:
    """交班 — free at once: the next need not wait."""
    now = _server_time(tx)
    tx.run(update(lease_table).where(_ours(lease)).values(renewed_at=now, until=now))


def fence_of(leases: Sequence[Lease]) -> Fence:
    """栅栏 — refuses the commit of a process whose role has gone to another.

    The row is locked until that commit, which follows at once: nobody takes over in between.
    """

    def check(tx: Tx) -> None:
        for lease in leases:
            ours = select(lease_table.c.fence).where(_ours(lease)).with_for_update(read=True)
            if tx.run(ours).first() is None:
                raise LeaseLost(lease.role)

    return check


def holdings(tx: Tx) -> list[Holding]:
    now = _server_time(tx)
    rows = tx.run(select(lease_table).order_by(lease_table.c.role))
    return [Holding(row.role, row.holder, row.fence, row.renewed_at, row.until > now) for row in rows]


def hold(
    database: Database,
    roles: Sequence[str],
    holder: str,
    work: Callable[[Database, Sequence[Lease], threading.Event], None],
    stop: threading.Event,
    lasts: timedelta = LEASE,
) -> None:
    """值守 — wait for all these roles, do `work` under them until it ends or they are lost, and wait again.

    A database that goes away breaks the work off; it begins anew from what is stored when the database is back.
    `work` gets the fenced database and an event that is set when it must end.
    """
    while not stop.is_set():
        leases = _take_all(database, roles, holder, lasts)
        if not leases:
            stop.wait(lasts.total_seconds() / 10)
            continue
        over, lost = threading.Event(), threading.Event()
        keeper = threading.Thread(target=_keep, args=(database, leases, over, lost, stop, lasts), daemon=True)
        keeper.start()
        try:
            work(database.fenced(fence_of(leases)), leases, over)
        except (LeaseLost, OperationalError) as end:
            if isinstance(end, OperationalError) and schema_wrong(end):
                raise
            log.warning("duty broken off", roles=list(roles), why=str(end).splitlines()[0])
            lost.set()
        finally:
            over.set()
            keeper.join()
        if not lost.is_set():
            with database.begin(alone=False) as tx:
                for lease in leases:
                    leave(tx, lease)
            return


def _take_all(database: Database, roles: Sequence[str], holder: str, lasts: timedelta) -> list[Lease]:
    """All or none: a process that waits for one role does not keep another from its work.

    A database that cannot be reached just now is waited for like a lease that another holds.
    """
    try:
        with database.begin(alone=False) as tx:
            leases = []
            for role in sorted(roles):
                lease = take(tx, role, holder, lasts)
                if lease is None:
                    raise LeaseLost(role)
                leases.append(lease)
            return leases
    except (LeaseLost, OperationalError):
        return []


def _keep(
    database: Database,
    leases: Sequence[Lease],
    over: threading.Event,
    lost: threading.Event,
    stop: threading.Event,
    lasts: timedelta,
) -> None:
    """Renew until the work is over; a lease that was lost, or a database out of reach, ends the work."""
    failed = 0
    while not over.wait(lasts.total_seconds() / RENEWALS):
        if stop.is_set():
            over.set()
        try:
            # Renewing does not wait for the writers' turn: a long transaction of our own must not cost the role.
            with database.begin(alone=False) as tx:
                for lease in leases:
                    renew(tx, lease, lasts)
            failed = 0
        except LeaseLost:
            failed = RENEWALS
        except Exception:  # noqa: BLE001 - whatever keeps us from the database, the answer is to try again
            failed += 1
        if failed >= RENEWALS:
            lost.set()
            over.set()


def _ours(lease: Lease) -> Any:
    return (lease_table.c.role == lease.role) & (lease_table.c.fence == lease.fence)


def _server_time(tx: Tx) -> datetime:
    if not tx.on_postgresql:
        return WallClock().now()  # the file and its processes are on this machine
    milliseconds = cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
    return from_ms(int(tx.run(select(milliseconds)).scalar_one()))
