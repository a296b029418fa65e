"""What the tests of the seal share: a database with facts, and a look at it with a stranger's tools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from shouye.base.kernel import (
    BEIJING,
    Database,
    Fact,
    Head,
    Mode,
    SimClock,
    Verdict,
    open_key,
    record,
    sealed_head,
    trusted_keys,
    verify,
)
from shouye.base.kernel.seal import seal_table

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
AT_ONCE = timedelta(0)
"""A lease that has run out as soon as it is taken: the next sealer need not wait in a test."""


@dataclass(frozen=True, kw_only=True)
class Told(Fact):
    """试述 — exists in these tests only."""

    number: int


def new(url: str, clock: SimClock | None = None) -> Database:
    made = Database(url, clock or SimClock(NOON), durable=False)
    made.create(Mode.SIMULATION, "datong")
    return made


def tell(database: Database, numbers: range) -> None:
    for number in numbers:
        with database.begin() as tx:
            record(tx, Told(subject=f"tale:{number % 3}", number=number))


def keys(folder: Path) -> frozenset[str]:
    open_key(folder)
    return trusted_keys(folder)


def judged(database: Database, trusted: frozenset[str] = frozenset(), anchor: Head | None = None) -> Verdict:
    with database.read() as tx:
        return verify(tx, trusted, anchor)


def head_of(database: Database) -> Head:
    with database.read() as tx:
        found = sealed_head(tx)
    assert found is not None
    return found


def chain(database: Database) -> list[tuple[int, int]]:
    """(seq, fact) of every seal."""
    with database.read() as tx:
        rows = tx.run(select(seal_table.c.seq, seal_table.c.fact).order_by(seal_table.c.seq))
        return [(row.seq, row.fact) for row in rows]
