"""监测数据的表和查询 — one table clustered by (series, time, revision), the latest value beside it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from shouye.base.kernel import BEIJING, Instant, RowId, Tx, metadata, to_ms
from shouye.watch.observe.model import Coverage, Gauge, Reading

SeriesKey = tuple[str, str, int]

series = Table(
    "series",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("station", String(60), nullable=False),
    Column("element", String(40), nullable=False),
    Column("step_s", Integer, nullable=False),
    UniqueConstraint("station", "element", "step_s"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("received", Integer, nullable=False),
    Column("stored", Integer, nullable=False, server_default="0"),
    comment="readings that were stored together: what the judge is woken for",
)

observation = Table(
    "observation",
    metadata,
    Column("series_id", RowId, ForeignKey("series.id"), primary_key=True),
    Column("time", Instant, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("value", Float),
    Column("source", String(60), nullable=False),
    Column("batch_id", RowId, ForeignKey("batch.id"), nullable=False),
    Index("observation_batch", "batch_id"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (time)",
)

latest = Table(
    "latest",
    metadata,
    Column("series_id", RowId, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("value", Float),
    Column("source", String(60), nullable=False),
)

gauge = Table(
    "gauge",
    metadata,
    Column("station", String(60), primary_key=True),
    Column("division", String(40), primary_key=True),
    Column("county", String(40), nullable=False),
    Column("basis", String(40), nullable=False),
)

watched = Table(
    "watched_division",
    metadata,
    Column("division", String(40), primary_key=True),
    comment="divisions that must be spoken for: one without a gauge is unknown, never calm",
)


def replace_gauges(tx: Tx, gauges: Iterable[Gauge], divisions: Iterable[str]) -> None:
    tx.run(delete(gauge))
    tx.run(delete(watched))
    rows = [
        {"station": one.station, "division": division, "county": one.county, "basis": one.coverage.basis}
        for one in gauges
        for division in one.coverage.divisions
    ]
    if rows:
        tx.run(insert(gauge), rows)
    tx.run(insert(watched), [{"division": division} for division in sorted(set(divisions))])


def all_gauges(tx: Tx) -> dict[str, Gauge]:
    rows: dict[str, list[Any]] = {}
    for row in tx.run(select(gauge).order_by(gauge.c.station, gauge.c.division)):
        rows.setdefault(row.station, []).append(row)
    return {
        station: Gauge(station, some[0].county, Coverage(tuple(row.division for row in some), some[0].basis))
        for station, some in rows.items()
    }


def watched_divisions(tx: Tx) -> list[str]:
    return list(tx.run(select(watched.c.division).order_by(watched.c.division)).scalars())


def series_ids(tx: Tx, keys: Iterable[SeriesKey]) -> dict[SeriesKey, int]:
    """The row ids of these series, made when they are new."""
    wanted = sorted(set(keys))
    known = _known_series(tx, wanted)
    fresh = [key for key in wanted if key not in known]
    if fresh:
        statement = tx.insert(series).on_conflict_do_nothing()
        tx.run(statement, [{"station": key[0], "element": key[1], "step_s": key[2]} for key in fresh])
        known = _known_series(tx, wanted)
    return known


def _known_series(tx: Tx, keys: list[SeriesKey]) -> dict[SeriesKey, int]:
    query = select(series).where(series.c.station.in_(sorted({key[0] for key in keys})))
    return {(row.station, row.element, row.step_s): row.id for row in tx.run(query)}


def open_batch(tx: Tx, received: int) -> int:
    return int(tx.run(insert(batch).values(at=tx.now, received=received)).inserted_primary_key[0])


def newest_batch(tx: Tx) -> int:
    return int(tx.run(select(func.max(batch.c.id))).scalar() or 0)


def put_observations(tx: Tx, batch_id: int, rows: list[dict[str, Any]]) -> int:
    """Write what is new; among equal keys the greater content stays. Returns how many rows changed."""
    make_months(tx, (row["time"] for row in rows))
    statement = tx.insert(observation)
    new, old = statement.excluded, observation.c
    statement = statement.on_conflict_do_update(
        index_elements=["series_id", "time", "revision"],
        set_={"value": new.value, "source": new.source, "batch_id": new.batch_id},
        where=_greater(new, old),
    )
    tx.run(statement, [{**row, "batch_id": batch_id} for row in rows])
    stored = int(tx.run(select(func.count()).where(old.batch_id == batch_id)).scalar_one())
    tx.run(update(batch).where(batch.c.id == batch_id).values(stored=stored))
    return stored


def make_months(tx: Tx, instants: Iterable[datetime]) -> None:
    """按月分区 — the partitions these instants fall in, and the month after each, so that it is there in time.

    Only PostgreSQL has them. A clock gone wild fills the part for the rest, it does not make a thousand tables.
    """
    if not tx.on_postgresql:
        return
    first = {instant.astimezone(BEIJING).date().replace(day=1) for instant in instants}
    months = {month for day in first for month in (day, _next_month(day)) if 2000 <= month.year < 2100}
    names = {f"observation_{month:%Y_%m}": month for month in sorted(months)}
    here = select(func.unnest(literal(list(names), ARRAY(Text))).label("name")).subquery()
    missing = select(here.c.name).where(func.to_regclass(here.c.name).is_(None)).order_by(here.c.name)
    for name in list(tx.run(missing).scalars()):
        begin, end = (
            to_ms(datetime(month.year, month.month, 1, tzinfo=BEIJING))
            for month in (names[name], _next_month(names[name]))
        )
        tx.run(
            text(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF observation FOR VALUES FROM ({begin}) TO ({end})"
            )
        )


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def put_latest(tx: Tx, rows: list[dict[str, Any]]) -> None:
    statement = tx.insert(latest)
    new, old = statement.excluded, latest.c
    same_time = and_(
        new.time == old.time,
        or_(new.revision > old.revision, and_(new.revision == old.revision, _greater(new, old))),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["series_id"],
        set_={"time": new.time, "revision": new.revision, "value": new.value, "source": new.source},
        where=or_(new.time > old.time, same_time),
    )
    tx.run(statement, rows)


def _greater(new: Any, old: Any) -> Any:
    """The winner of one key by content, as `model.outranks` says it: any value before 缺测, then the larger."""
    same = or_(new.value == old.value, and_(new.value.is_(None), old.value.is_(None)))
    return or_(
        and_(new.value.is_not(None), old.value.is_(None)),
        new.value > old.value,
        and_(same, new.source > old.source),
    )


def readings_in(tx: Tx, batch_id: int) -> list[Reading]:
    return _readings(tx, _joined(observation).where(observation.c.batch_id == batch_id))


def readings_of(
    tx: Tx, stations: Iterable[str], element: str, since: datetime | None = None, until: datetime | None = None
) -> list[Reading]:
    """Every stored revision of these stations' element, in order of time; `until` belongs to it."""
    query = _joined(observation).where(series.c.station.in_(sorted(stations)), series.c.element == element)
    if since is not None:
        query = query.where(observation.c.time > since)
    if until is not None:
        query = query.where(observation.c.time <= until)
    return _readings(tx, query)


def latest_readings(tx: Tx) -> list[Reading]:
    return _readings(tx, _joined(latest))


def _joined(table: Table) -> Select[Any]:
    columns = (series.c.station, series.c.element, series.c.step_s)
    values = (table.c.time, table.c.revision, table.c.value, table.c.source)
    return (
        select(*columns, *values)
        .join(series, series.c.id == table.c.series_id)
        .order_by(table.c.time, series.c.station, series.c.element, series.c.step_s, table.c.revision)
    )


def _readings(tx: Tx, query: Select[Any]) -> list[Reading]:
    return [
        Reading(station, element, time, value, timedelta(seconds=step_s), revision, source)
        for station, element, step_s, time, revision, value, source in tx.run(query)
    ]
