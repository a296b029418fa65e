"""归档的作业 — close months, move them out of the database, destroy what is too old; a file is whole or absent."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from shouye.base.kernel import Database, from_ms, to_ms
from shouye.watch.archive import service, store
from shouye.watch.archive.model import Keeping, month_of, month_span


@dataclass
class Tidied:
    """归档结果 — months written, moved out of the database, destroyed."""

    closed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


def tidy(database: Database, folder: Path, keeping: Keeping) -> Tidied:
    """归档 — bring the months up to the city's periods; each step is safe to be interrupted and to be repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    done = Tidied()
    for month in _to_close(database, keeping):
        if close_month(database, folder, month):
            done.closed.append(month)
    with database.read() as tx:
        known, now = service.months(tx), tx.now
    for one in known:
        over = now - from_ms(one.span[1])
        if over > timedelta(days=keeping.raw_days):
            with database.begin() as tx:
                if one.live:
                    service.move_out(tx, folder, one)
                service.forget(tx, one)
            (folder / one.file).unlink(missing_ok=True)
            done.forgotten.append(one.month)
        elif one.live and over > timedelta(days=keeping.live_days):
            with database.begin() as tx:
                service.move_out(tx, folder, one)
            done.moved.append(one.month)
    return done


def _to_close(database: Database, keeping: Keeping) -> list[str]:
    with database.read() as tx:
        before = tx.now - timedelta(days=keeping.close_after_days)
        known = {one.month for one in service.months(tx)}
        found: list[str] = []
        first = store.first_row(tx)
        month = month_of(first if first is not None else to_ms(before))
        while month_span(month)[1] <= to_ms(before):
            if month not in known and store.count_rows(tx, month_span(month)):
                found.append(month)
            month = month_of(month_span(month)[1])
    return found


def close_month(database: Database, folder: Path, month: str) -> bool:
    """归档一个月 — write, sync, name, note; False when readings came in between (the next run takes it)."""
    target = folder / f"readings-{month}.parquet"
    unfinished = target.with_suffix(".part")
    with database.read() as tx:
        rows = store.write_month(tx, month_span(month), unfinished)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(target)
    digest = store.digest(target)
    with database.begin() as tx:
        return service.note_month(tx, folder, month, target.name, rows, digest)
