"""历史的查询 — the live table and the files of closed months, read as one.

A closed month is a Parquet file; DuckDB reads it beside the rows that still stand in the database, whichever
database that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    tuple_,
    type_coerce,
    update,
)

from shouye.base.kernel import Instant, Tx, metadata
from shouye.watch import observe as _observe
from shouye.watch.archive.model import Month

_OBSERVE = _observe.__name__
"""That room declares the tables below: readings are its own, history only reads and moves them."""
series, observation, flag = (metadata.tables[name] for name in ("series", "observation", "flag"))

month_table = Table(
    "archived_month",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("file", String(200), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("live", Boolean, nullable=False),
    comment="closed months of readings and the files that hold them",
)

SCHEMA = pa.schema(
    [
        ("station", pa.string()),
        ("element", pa.string()),
        ("step_s", pa.int32()),
        ("time_ms", pa.int64()),
        ("revision", pa.int32()),
        ("value", pa.float64()),
        ("source", pa.string()),
        ("bad", pa.string()),
    ]
)
"""`bad`: what the checks and the sender held against the reading when the month was closed; empty if nothing."""

_time = type_coerce(observation.c.time, BigInteger)
_COLUMNS = (
    series.c.station,
    series.c.element,
    series.c.step_s,
    _time.label("time_ms"),
    observation.c.revision,
    observation.c.value,
    observation.c.source,
)


def _rows() -> Any:
    """Every stored revision with what is held against it."""
    bad = (
        select(func.min(flag.c.why))
        .where(
            flag.c.series_id == observation.c.series_id,
            flag.c.time == observation.c.time,
            flag.c.quality == "bad",
        )
        .scalar_subquery()
    )
    told = func.coalesce(bad, "").label("bad")
    return select(*_COLUMNS, told).join(series, series.c.id == observation.c.series_id)


def _table(rows: Sequence[Any]) -> pa.Table:
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    return pa.table([pa.array(one, kind.type) for one, kind in zip(columns, SCHEMA, strict=True)], SCHEMA)


def live_rows(tx: Tx, station: str, element: str, span: tuple[int, int]) -> pa.Table:
    """What stands in the database of one station and element in (from, to], every revision."""
    query = _rows().where(
        series.c.station == station, series.c.element == element, _time > span[0], _time <= span[1]
    )
    return _table(tx.run(query).all())


Key = tuple[int, int, int]
"""(time in ms, interval in s, revision) — the order of a page."""


def page(
    tx: Tx, files: Sequence[Path], station: str, element: str, span: tuple[int, int], after: Key | None, limit: int
) -> list[tuple[Any, ...]]:
    """The next `limit` standing readings after a key, from the database and the files together."""
    low = span if after is None else (after[0] - 1, span[1])
    if not files:
        query = _rows().where(
            series.c.station == station, series.c.element == element, _time > low[0], _time <= low[1]
        )
        key = (_time, series.c.step_s, observation.c.revision)
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        return [tuple(row) for row in tx.run(query.order_by(*key).limit(limit))]
    with _spanning(live_rows(tx, station, element, low), files, station, element, low) as both:
        where, given = ("WHERE (time_ms, step_s, revision) > (?, ?, ?)", list(after)) if after else ("", [])
        ordered = f"SELECT * FROM readings {where} ORDER BY time_ms, step_s, revision LIMIT {limit:d}"
        return both.execute(ordered, given).fetchall()


def standing(
    tx: Tx, files: Sequence[Path], station: str, element: str, span: tuple[int, int]
) -> list[tuple[int, int, float | None, str]]:
    """(time, step, value, held against it) of the readings that stand, in order of time."""
    live = live_rows(tx, station, element, span)
    with _spanning(live, files, station, element, span) as both:
        return both.execute(
            """
            SELECT time_ms, step_s, value, bad FROM readings
            QUALIFY row_number() OVER (
                PARTITION BY time_ms, step_s ORDER BY revision DESC, value IS NULL, value DESC, source DESC
            ) = 1
            ORDER BY time_ms, step_s
            """
        ).fetchall()


def doubts(tx: Tx, station: str, element: str, span: tuple[int, int]) -> list[tuple[int, int, str, str]]:
    """(time, step, quality, why) of what the checks and the sender hold against readings, suspect and bad."""
    time = type_coerce(flag.c.time, BigInteger)
    query = (
        select(time, series.c.step_s, flag.c.quality, flag.c.why)
        .join(series, series.c.id == flag.c.series_id)
        .where(
            series.c.station == station,
            series.c.element == element,
            time > span[0],
            time <= span[1],
            flag.c.quality.in_(("suspect", "bad")),
        )
        .order_by(flag.c.check_key)
    )
    return [tuple(row) for row in tx.run(query)]


@contextmanager
def _spanning(
    live: pa.Table, files: Sequence[Path], station: str, element: str, span: tuple[int, int]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The live rows and those of the files as one table `readings`, each row once."""
    with duckdb.connect() as both:
        both.register("live", live)
        if files:
            both.execute(
                """
                CREATE TABLE readings AS
                SELECT * FROM live
                UNION
                SELECT old.* FROM read_parquet(?) AS old
                ANTI JOIN live ON live.time_ms = old.time_ms AND live.step_s = old.step_s
                    AND live.revision = old.revision
                WHERE old.station = ? AND old.element = ? AND old.time_ms > ? AND old.time_ms <= ?
                """,
                [[str(file) for file in files], station, element, *span],
            )
        else:
            both.execute("CREATE VIEW readings AS SELECT * FROM live")
        yield both


def write_month(tx: Tx, span: tuple[int, int], target: Path) -> int:
    """Write every revision of these instants to a Parquet file, series after series; returns how many rows."""
    query = _rows().where(_time >= span[0], _time < span[1])
    query = query.order_by(series.c.station, series.c.element, series.c.step_s, _time, observation.c.revision)
    written = 0
    with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
        for part in tx.run(query).partitions(_PART):
            writer.write_table(_table(part))
            written += len(part)
    return written


_PART = 100_000


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def first_row(tx: Tx) -> int | None:
    """The instant of the oldest reading in the database."""
    found: int | None = tx.run(select(func.min(_time))).scalar()
    return found


def months(tx: Tx) -> list[Month]:
    return [
        Month(row.month, row.file, row.rows, row.digest, row.made_at, row.live)
        for row in tx.run(select(month_table).order_by(month_table.c.month))
    ]


def note_month(tx: Tx, month: str, file: str, rows: int, digest: str) -> None:
    tx.run(insert(month_table).values(month=month, file=file, rows=rows, digest=digest, made_at=tx.now, live=True))


def count_rows(tx: Tx, span: tuple[int, int]) -> int:
    return int(tx.run(select(func.count()).where(_time >= span[0], _time < span[1])).scalar_one())


def clear_month(tx: Tx, month: Month) -> int:
    """Take the rows of a month out of the database; its file holds them. Flags stay: they are few and small."""
    begin, end = month.span
    gone = tx.run(delete(observation).where(_time >= begin, _time < end)).rowcount
    tx.run(update(month_table).where(month_table.c.month == month.month).values(live=False))
    return int(gone)


def forget_month(tx: Tx, month: Month) -> None:
    tx.run(delete(month_table).where(month_table.c.month == month.month))


def values_of(tx: Tx, element: str, span: tuple[int, int]) -> Iterator[tuple[str, int, float]]:
    """(station, ms, value) of an element, known values in order of revision."""
    query = (
        select(series.c.station, _time, observation.c.value)
        .join(series, series.c.id == observation.c.series_id)
        .where(series.c.element == element, _time > span[0], _time <= span[1], observation.c.value.is_not(None))
        .order_by(observation.c.revision)
    )
    yield from tx.run(query)
