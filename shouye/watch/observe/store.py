"""监测数据的表和查询 — one table clustered by (series, time, revision), the latest value beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from shouye.base.kernel import (
    Document,
    Instant,
    RowId,
    Tx,
    as_list,
    from_ms,
    insert_into,
    listed,
    make_months,
    metadata,
    to_ms,
)
from shouye.watch.marks import Quality
from shouye.watch.observe.model import Flag, Reading, Tail

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
    Column("flagged", Integer, nullable=False, server_default="0"),
    Column("again", Document, comment="stations to be judged again, each from an instant (ms)"),
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
    Column("first", Instant, nullable=False, comment="the first reading of the series"),
    Column("steady", Instant, comment="since when the value is the same; empty: look"),
    Column("doubt", Boolean, nullable=False, comment="the next reading may change what is thought of this one"),
)

flag = Table(
    "flag",
    metadata,
    Column("series_id", RowId, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("time", Instant, primary_key=True),
    Column("check_key", String(20), primary_key=True),
    Column("quality", String(8), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
    comment="what the checks and the sender say of a reading; a reading without a row is good",
)


def known_series(tx: Tx, keys: Iterable[SeriesKey]) -> dict[SeriesKey, tuple[int, Tail | None]]:
    """The row ids of these series, made when they are new, each with its tail."""
    wanted = sorted(set(keys))
    known = _known_series(tx, wanted)
    fresh = [key for key in wanted if key not in known]
    if fresh:
        statement = tx.insert(series).on_conflict_do_nothing()
        tx.run(statement, [{"station": key[0], "element": key[1], "step_s": key[2]} for key in fresh])
        known |= _known_series(tx, fresh)
    return known


def _known_series(tx: Tx, keys: list[SeriesKey]) -> dict[SeriesKey, tuple[int, Tail | None]]:
    asked = {"stations": as_list((station,) for station in sorted({key[0] for key in keys}))}
    return {
        (station, element, step_s): (
            number,
            None if ms is None else Tail(ms, (revision, value, source), first, steady, bool(doubt)),
        )
        for station, element, step_s, number, ms, revision, value, source, first, steady, doubt in tx.plain(
            _series_with_tails(tx.on_postgresql), asked
        )
    }


def _ms(column: Column[Any]) -> Any:
    """An instant as the number it is stored as."""
    return type_coerce(column, BigInteger)


@cache
def _series_with_tails(on_postgresql: bool) -> Select[Any]:
    asked = listed("stations", {"station": Text()}, on_postgresql=on_postgresql)
    tail = (latest.c.revision, latest.c.value, latest.c.source, _ms(latest.c.first), _ms(latest.c.steady))
    return (
        select(series.c.station, series.c.element, series.c.step_s, series.c.id, _ms(latest.c.time), *tail)
        .add_columns(latest.c.doubt)
        .join(latest, latest.c.series_id == series.c.id, isouter=True)
        .where(series.c.station.in_(select(asked.c.station)))
    )


Window = tuple[int, int, int]
"""(series, from, to) in milliseconds, both ends within."""


def _within(tx: Tx, windows: Iterable[Window], statement: Callable[[bool], Select[Any]]) -> Iterator[Any]:
    """Rows of a table of (series, time) that lie in these windows."""
    rows = list(windows)
    for start in range(0, len(rows), _CHUNK):
        asked = as_list(rows[start : start + _CHUNK])
        yield from tx.plain(statement(tx.on_postgresql), {"look": asked})


def _looked_up(table: Table, on_postgresql: bool, *columns: Column[Any]) -> Select[Any]:
    whole = BigInteger()
    look = listed("look", {"series_id": whole, "low": whole, "high": whole}, on_postgresql=on_postgresql)
    time = _ms(table.c.time)
    return (
        select(table.c.series_id, time, *columns)
        .select_from(look)
        .join(table, and_(table.c.series_id == look.c.series_id, time >= look.c.low, time <= look.c.high))
    )


_CHUNK = 5_000


@cache
def _observed_within(on_postgresql: bool) -> Select[Any]:
    return _looked_up(
        observation, on_postgresql, observation.c.revision, observation.c.value, observation.c.source
    )


def observed_within(tx: Tx, windows: Iterable[Window]) -> Iterator[Any]:
    """(series, ms, revision, value, source) of every stored revision."""
    return _within(tx, windows, _observed_within)


@cache
def _flags_within(on_postgresql: bool) -> Select[Any]:
    return _looked_up(flag, on_postgresql, flag.c.check_key, flag.c.quality, flag.c.why)


def flags_within(tx: Tx, windows: Iterable[Window]) -> Iterator[Any]:
    """(series, ms, check, quality, why)."""
    return _within(tx, windows, _flags_within)


def said_at(tx: Tx, spots: Sequence[tuple[str, int]], element: str, step_s: int) -> Iterator[Any]:
    """(station, series, ms, revision, value) of every stored revision at each (station, ms)."""
    for start in range(0, len(spots), _CHUNK):
        asked = as_list(spots[start : start + _CHUNK])
        yield from tx.plain(_at_spots(tx.on_postgresql), {"spots": asked, "element": element, "step_s": step_s})


@cache
def _at_spots(on_postgresql: bool) -> Select[Any]:
    asked = listed("spots", {"station": Text(), "ms": BigInteger()}, on_postgresql=on_postgresql)
    of, time = series.c, _ms(observation.c.time)
    kind = and_(of.element == bindparam("element"), of.step_s == bindparam("step_s"))
    return (
        select(of.station, of.id, time, observation.c.revision, observation.c.value)
        .select_from(asked)
        .join(series, and_(of.station == asked.c.station, kind))
        .join(observation, and_(observation.c.series_id == of.id, time == asked.c.ms))
    )


def write_flags(tx: Tx, gone: list[tuple[int, int, str]], new: list[tuple[int, int, str, str, str]]) -> None:
    """Take these away, then put those down: (series, ms, check[, quality, why])."""
    if gone:
        where = (
            flag.c.series_id == bindparam("series"),
            _ms(flag.c.time) == bindparam("ms"),
            flag.c.check_key == bindparam("key"),
        )
        tx.run(delete(flag).where(*where), [dict(zip(("series", "ms", "key"), one, strict=True)) for one in gone])
    if new:
        names = ("series_id", "time", "check_key", "quality", "why", "at")
        rows = [dict(zip(names, (number, from_ms(ms), *rest, tx.now), strict=True)) for number, ms, *rest in new]
        tx.run(tx.insert(flag).on_conflict_do_nothing(), rows)


_OPEN = insert(batch)


def open_batch(tx: Tx, received: int, stored: int = 0) -> int:
    row = {"at": tx.now, "received": received, "stored": stored}
    return int(tx.run(_OPEN, row).inserted_primary_key[0])


def newest_batch(tx: Tx) -> int:
    return int(tx.run(select(func.max(batch.c.id))).scalar() or 0)


def put_observations(tx: Tx, batch_id: int, rows: list[dict[str, Any]]) -> int:
    """Write what is new; among equal keys the greater content stays. Returns how many rows changed.

    The batch was opened as one of which every row is new.
    """
    make_months(tx, observation, (row["time"] for row in rows))
    stored = int(tx.run(_keep_greater(tx.on_postgresql), rows).rowcount)
    if stored != len(rows):
        tx.run(update(batch).where(batch.c.id == batch_id).values(stored=stored))
    return stored


@cache
def _keep_greater(on_postgresql: bool) -> Any:
    statement = insert_into(observation, on_postgresql=on_postgresql)
    new, old = statement.excluded, observation.c
    return statement.on_conflict_do_update(
        index_elements=["series_id", "time", "revision"],
        set_={"value": new.value, "source": new.source, "batch_id": new.batch_id},
        where=_greater(new, old),
    ).execution_options(preserve_rowcount=True)


def put_latest(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Writers take turns, so the caller has compared with what stood."""
    tx.run(_keep_tail(tx.on_postgresql), rows)


@cache
def _keep_tail(on_postgresql: bool) -> Any:
    statement = insert_into(latest, on_postgresql=on_postgresql)
    new = statement.excluded
    names = [column.name for column in latest.c if column.name != "series_id"]
    return statement.on_conflict_do_update(index_elements=["series_id"], set_={name: new[name] for name in names})


def note_checks(tx: Tx, batch_id: int, flagged: int, again: dict[str, int]) -> None:
    tx.run(update(batch).where(batch.c.id == batch_id).values(flagged=flagged, again=again or None))


def checks_of(tx: Tx, batch_id: int) -> tuple[bool, dict[str, datetime]]:
    """Whether the batch holds flagged readings, and the stations to be judged again from an instant."""
    row = tx.run(select(batch.c.flagged, batch.c.again).where(batch.c.id == batch_id)).one()
    return bool(row.flagged), {station: from_ms(ms) for station, ms in (row.again or {}).items()}


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
    return _readings(tx, _narrowed(_joined(observation), observation, stations, element, since, until))


def rows_of(
    tx: Tx, stations: Iterable[str], element: str, since: datetime
) -> Iterator[tuple[str, int, list[Any]]]:
    """The same series by series, as the driver gives it: (station, seconds, [(source, ms, revision, value)]).

    Days of minute values of a thousand stations are millions of rows: no object is made of any of them.
    """
    asked = {"stations": as_list((station,) for station in sorted(stations)), "element": element}
    for number, station, step_s in list(tx.run(_series_of(tx.on_postgresql), asked)):
        rows = tx.plain(_ROWS, {"series": number, "since": to_ms(since)})
        if rows:
            yield station, step_s, rows


@cache
def _series_of(on_postgresql: bool) -> Select[Any]:
    asked = listed("stations", {"station": Text()}, on_postgresql=on_postgresql)
    of = series.c
    query = select(of.id, of.station, of.step_s).where(of.station.in_(select(asked.c.station)))
    return query.where(of.element == bindparam("element")).order_by(of.station, of.step_s)


_ROWS = (
    select(observation.c.source, _ms(observation.c.time), observation.c.revision, observation.c.value)
    .where(observation.c.series_id == bindparam("series"), _ms(observation.c.time) > bindparam("since"))
    .order_by(observation.c.time, observation.c.revision)
)


def _narrowed(query: Select[Any], table: Table, *asked: Any) -> Select[Any]:
    stations, element, since, until = asked
    query = query if stations is None else query.where(series.c.station.in_(sorted(stations)))
    query = query if element is None else query.where(series.c.element == element)
    query = query if since is None else query.where(table.c.time > since)
    return query if until is None else query.where(table.c.time <= until)


def latest_readings(tx: Tx) -> Sequence[Reading]:
    return tx.once("latest_readings", lambda: tuple(_readings(tx, _joined(latest))))


FlagKey = tuple[str, str, int, datetime]
_KEY = (series.c.station, series.c.element, series.c.step_s)
_FLAG = (flag.c.time, flag.c.check_key, flag.c.quality, flag.c.why, flag.c.at)


def _flags(tx: Tx, query: Select[Any]) -> dict[FlagKey, list[Flag]]:
    found: dict[FlagKey, list[Flag]] = {}
    for station, element, step_s, time, key, quality, why, at in tx.run(query):
        if key is None:
            continue
        one = Flag(key, Quality(quality), why, at=at)
        found.setdefault((station, element, step_s, time), []).append(one)
    return found


def flags_of(
    tx: Tx, stations: Iterable[str] | None, element: str | None, since: datetime | None, until: datetime | None
) -> dict[FlagKey, list[Flag]]:
    query = select(*_KEY, *_FLAG).join(series, series.c.id == flag.c.series_id)
    ordered = query.order_by(flag.c.time, flag.c.check_key)
    return _flags(tx, _narrowed(ordered, flag, stations, element, since, until))


def flags_in(tx: Tx, batch_id: int | None = None) -> dict[FlagKey, list[Flag]]:
    """Of a batch, or of the latest; looked up from these few, whatever else is flagged."""
    table = latest if batch_id is None else observation
    query = (
        select(*_KEY, table.c.time, *_FLAG[1:]).select_from(table).join(series, series.c.id == table.c.series_id)
    )
    same = and_(table.c.series_id == flag.c.series_id, table.c.time == flag.c.time)
    found = query.join(flag, same, isouter=True).order_by(flag.c.check_key)
    return _flags(tx, found if batch_id is None else found.where(table.c.batch_id == batch_id))


def latest_of(tx: Tx, station: str, element: str) -> datetime | None:
    query = select(func.max(latest.c.time)).join(series, series.c.id == latest.c.series_id)
    mine = query.where(series.c.station == station, series.c.element == element)
    found: datetime | None = tx.run(mine).scalar_one()
    return found


def _joined(table: Table) -> Select[Any]:
    values = (table.c.time, table.c.revision, table.c.value, table.c.source)
    return (
        select(*_KEY, *values)
        .join(series, series.c.id == table.c.series_id)
        .order_by(table.c.time, series.c.station, series.c.element, series.c.step_s, table.c.revision)
    )


def _readings(tx: Tx, query: Select[Any]) -> list[Reading]:
    return [
        Reading(station, element, time, value, timedelta(seconds=step_s), revision, source)
        for station, element, step_s, time, revision, value, source in tx.run(query)
    ]
