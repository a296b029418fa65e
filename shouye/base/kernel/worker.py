"""值守循环 — moves work forward: everything runnable now, then the next due instant.

A `Source` can become due: the job table, the ladder of tasks, replies from a channel, a storm being replayed.
`play` is discrete-event: time moves only when nothing is runnable. `pace` follows a running clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from shouye.base.kernel.clock import Clock, PacedClock, SimClock, from_ms, to_ms
from shouye.base.kernel.db import Database, DatabaseAway, Tx, put_stamp, read_stamp
from shouye.base.kernel.jobs import ALL_LANES, Lanes, newest_waiting, next_due, run_due
from shouye.base.kernel.lease import LeaseLost

log = structlog.get_logger()

MAX_WAIT_S = 0.1
"""How long a paced loop sleeps at most. A commit of its own process wakes it at once; this is for the commits of
others, whose work must begin within 200 ms, and for the word to stop."""


TURN_S = 0.3
"""After so long the other sources have their turn before the next job begins: the first of thousands are rung
while the last are still being opened."""

REACHED = "reached"
"""The stamp that holds the instant of the last commit."""


class Source(Protocol):
    """待办来源 — says when it is next due and does what is due.

    So that a drill killed between two commits goes on as if nothing had been, what is left to do must follow from
    the database and the instant alone: one call of `run_due` ends with its first commit, or goes on in the very
    order in which a new look would.
    """

    def next_at(self, tx: Tx) -> datetime | None: ...

    def run_due(self, database: Database) -> int: ...


class Tried(Protocol):
    """A row that remembers how often work on it was begun and came to no end."""

    @property
    def tries(self) -> int: ...


T = TypeVar("T", bound=Tried)

AT_ONCE = 2_000
"""How many rows a batch has, so that what they cause goes out before the next are taken up."""

_AT_ONCE_AFTER = (AT_ONCE, AT_ONCE, 50, 1)


class Work(Protocol[T]):
    """What is done in batches: rows that fall due, longest due first."""

    def due(self, tx: Tx, by: datetime, limit: int) -> list[T]: ...

    def count(self, tx: Tx, rows: Sequence[T]) -> None: ...

    def do(self, tx: Tx, rows: Sequence[T]) -> None: ...

    def set_apart(self, tx: Tx, row: T) -> None: ...


class Batches:
    """成批小心 — due rows in one transaction; one that can never be done keeps neither the others nor the process.

    A batch that raises, or ends the process, comes to no end. What was due when one raised, or when this process
    began, is doubtful: it is counted before it is tried, fewer at a time, and at last set apart as a job, of which
    the attempts are counted, too.
    """

    def __init__(self) -> None:
        self._trusted = False
        self._doubtful: datetime | None = None

    def run(self, database: Database, work: Work[T]) -> int:
        if not self._trusted:
            self._doubtful = self._doubtful or database.clock.now()
            with database.read() as tx:
                rows = work.due(tx, self._doubtful, AT_ONCE)
            if rows:
                return self._warily(database, work, self._doubtful, rows)
            self._trusted, self._doubtful = True, None
        return self._do(database, work, None, AT_ONCE)

    def _warily(self, database: Database, work: Work[T], by: datetime, rows: Sequence[T]) -> int:
        tries = rows[0].tries
        if tries >= len(_AT_ONCE_AFTER):
            log.error("set apart", row=type(rows[0]).__name__, tries=tries)
            with database.begin() as tx:
                for row in work.due(tx, by, 1):
                    work.set_apart(tx, row)
            return 1
        some = rows[: _AT_ONCE_AFTER[tries]]
        with database.begin() as tx:
            work.count(tx, some)
        return self._do(database, work, by, len(some))

    def _do(self, database: Database, work: Work[T], by: datetime | None, limit: int) -> int:
        rows: Sequence[T] = ()
        try:
            with database.begin() as tx:
                rows = work.due(tx, by or tx.now, limit)
                if rows:
                    work.do(tx, rows)
        except (DatabaseAway, LeaseLost):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a room makes of a row, the others go on
            log.error("batch failed", rows=len(rows), error=repr(error))
            self._trusted, self._doubtful = False, None
        return len(rows)


class JobSource:
    """The job table as a source: all of it, or the lanes that are this process's."""

    def __init__(self, lanes: Lanes = ALL_LANES) -> None:
        self._lanes = lanes
        self._found: int | None = None

    def next_at(self, tx: Tx) -> datetime | None:
        return next_due(tx, self._lanes)

    def run_due(self, database: Database) -> int:
        if self._found is None:
            with database.read() as tx:
                self._found = newest_waiting(tx)
        return run_due(database, lanes=self._lanes, found=self._found, turn_s=TURN_S)


def play(
    sources: Sequence[Source],
    database: Database,
    clock: SimClock,
    end: datetime,
    progress: Callable[[datetime], None] = lambda _: None,
) -> None:
    """离散事件 — run to `end` or until nothing is left; the same input gives the same history.

    The first source that is due works, and all are asked again: what comes next does not depend on when one looked
    last.
    """
    while True:
        due, upcoming = _first_due(sources, database)
        if due is not None:
            due.run_due(database)
        elif upcoming is None or upcoming > end:
            clock.move_to(end)
            return
        else:
            clock.move_to(upcoming)
            progress(upcoming)


def _first_due(sources: Sequence[Source], database: Database) -> tuple[Source | None, datetime | None]:
    """The first source with work now, or when there will be some."""
    with database.read() as tx:
        instants = []
        for source in sources:
            instant = source.next_at(tx)
            if instant is not None and instant <= tx.now:
                return source, None
            instants.append(instant)
    return None, min((instant for instant in instants if instant is not None), default=None)


def keeping_time(database: Database) -> Database:
    """记时 — the same database, in which each commit leaves its instant: from there a killed drill goes on."""
    kept: datetime | None = None

    def keep(tx: Tx) -> None:
        nonlocal kept
        if tx.now != kept:
            put_stamp(tx, REACHED, str(to_ms(tx.now)))
            kept = tx.now

    return database.fenced(keep)


def reached(tx: Tx) -> datetime | None:
    """演到何时 — the instant of the last commit of a database that keeps it."""
    kept = read_stamp(tx).get(REACHED)
    return None if kept is None else from_ms(int(kept))


class Delay:
    """晚了多少 — how far a paced loop fell behind its clock at the worst; told once, when it is past bearing."""

    def __init__(self, bearable: timedelta, tell: Callable[[timedelta], None]) -> None:
        self.worst = timedelta(0)
        self._bearable = bearable
        self._tell = tell

    @property
    def past_bearing(self) -> bool:
        return self.worst > self._bearable

    def note(self, late: timedelta) -> None:
        known, self.worst = self.past_bearing, max(self.worst, late)
        if self.past_bearing and not known:
            self._tell(late)


def pace(
    sources: Sequence[Source],
    database: Database,
    clock: Clock,
    stop: threading.Event,
    end: datetime | None = None,
    changed: Callable[[], None] = lambda: None,
    behind: Callable[[timedelta], None] = lambda _: None,
) -> None:
    """变速或实时 — follow the clock until `end` or until told to stop.

    After work was done `changed` is called, and `behind` is told how long before that the first of it was due.
    """
    while not stop.is_set():
        rung = database.bell.rung
        due, since, upcoming = _survey(sources, database)
        if due:
            for source in due:
                source.run_due(database)
            if since is not None:
                behind(clock.now() - since)
            changed()
            continue
        if end is not None and clock.now() >= end:
            return
        wait = MAX_WAIT_S
        if upcoming is not None:
            until = (
                clock.seconds_until(upcoming)
                if isinstance(clock, PacedClock)
                else (upcoming - clock.now()).total_seconds()
            )
            wait = min(MAX_WAIT_S, max(0.0, until))
        database.bell.wait(rung, wait)


def look(sources: Sequence[Source], database: Database) -> tuple[list[Source], datetime | None]:
    """What is due now, in the order of the sources; and the next instant at which anything will be."""
    due, _, upcoming = _survey(sources, database)
    return due, upcoming


def _survey(
    sources: Sequence[Source], database: Database
) -> tuple[list[Source], datetime | None, datetime | None]:
    """What is due, since when the first of it is, and the next instant at which anything will be."""
    due: list[Source] = []
    since: datetime | None = None
    upcoming: datetime | None = None
    with database.read() as tx:
        for source in sources:
            instant = source.next_at(tx)
            if instant is None:
                continue
            if instant <= tx.now:
                due.append(source)
                since = instant if since is None else min(since, instant)
            elif upcoming is None or instant < upcoming:
                upcoming = instant
    return due, since, upcoming
