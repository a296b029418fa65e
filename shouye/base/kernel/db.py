"""数据库 — one MetaData, one edge that commits, one transaction per request or job.

Verbs receive a `Tx` and never commit. Instants are stored as UTC milliseconds, documents as canonical JSON,
so that both databases sort and compare them alike.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    Connection,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Subquery,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    column,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from shouye.base.kernel.clock import BEIJING, Clock, from_ms, to_ms
from shouye.base.kernel.levels import Mode
from shouye.base.kernel.migrations import make_or_check, revise, upgrade, version
from shouye.base.kernel.refusals import BadInput, WrongCity, WrongMode

metadata = MetaData()

DatabaseAway = OperationalError
"""库连不上 — the server is restarting or out of reach; what was to be done is to be tried again."""

DatabaseBroken = DatabaseError
"""库读不通 — the file is none of ours or is damaged; a `DatabaseAway` is one of these, too."""

T = TypeVar("T")

WRITER_LOCK = 0x5EC0DE
"""写锁 — the number of PostgreSQL's advisory lock that makes its writers take turns, as SQLite's do by nature."""

IDLE_WRITER_MS = 15_000
"""PostgreSQL drops a writer that has said nothing for so long, so that a hung process does not stop the others
(proposed)."""

RowId = BigInteger().with_variant(Integer, "sqlite")
"""主键 — an integer that SQLite, too, numbers by itself."""


class Instant(TypeDecorator[datetime]):
    """时刻 — an aware datetime in Python, UTC milliseconds in the database; a whole number is taken as such."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: Dialect) -> int | None:
        return value if value is None or isinstance(value, int) else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_ms(value)


_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same content is always the same text. NaN is no JSON."""
    return _JSON.encode(value)


class Document(TypeDecorator[Any]):
    """文档列 — canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


stamp = Table(
    "stamp",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    comment="the database's own identity: its mode and city",
)


@dataclass(frozen=True)
class Tx:
    """事务 — the open transaction and the instant at which its work happens."""

    connection: Connection
    now: datetime
    installed: Mapping[type, Any] = field(default_factory=dict)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    seen: dict[Hashable, Any] | None = None
    """What a read has been told already; a writing transaction keeps nothing, for it changes what it reads."""

    def of(self, kind: type[T]) -> T:
        """What this program installed of that kind: the roster, the ladders, the switchboard, a policy."""
        found: T = self.installed[kind]
        return found

    def run(self, statement: Any, parameters: Any = None) -> Any:
        """Execute one statement; a list of parameter rows makes it a bulk write."""
        if parameters is None:
            return self.connection.execute(statement)
        return self.connection.execute(statement, parameters)

    def plain(self, statement: Any, parameters: Any = None) -> list[tuple[Any, ...]]:
        """All rows as the driver gives them, for columns of numbers and text: no object is made of any of them."""
        with self.run(statement, parameters) as found:
            rows: list[tuple[Any, ...]] = found.cursor.fetchall()
            return rows

    def after_commit(self, act: Callable[[], None]) -> None:
        """提交之后 — for what may be remembered only of work that stands; a crash in between forgets it."""
        self.afterwards.append(act)

    def once(self, question: Hashable, ask: Callable[[], T]) -> T:
        """只问一次 — within a read, whose view stands still, the same question is asked once."""
        if self.seen is None:
            return ask()
        if question not in self.seen:
            self.seen[question] = ask()
        found: T = self.seen[question]
        return found

    @property
    def on_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"

    def insert(self, table: Table) -> Any:
        """An insert that knows ON CONFLICT, to be built where it is rare; see `insert_into`."""
        return insert_into(table, on_postgresql=self.on_postgresql)


def insert_into(table: Table, *, on_postgresql: bool) -> Any:
    """An insert that knows ON CONFLICT: both databases have it, each under its own name.

    A statement that every small batch needs is built once for each database and kept: building costs more than
    running it.
    """
    return postgresql.insert(table) if on_postgresql else sqlite.insert(table)


def listed(name: str, columns: Mapping[str, Any], *, on_postgresql: bool) -> Subquery:
    """给定的行 — rows of plain values as one parameter (`as_list`): one statement, however many they are."""
    given: Any = bindparam(name, type_=Text)
    each = func.json_array_elements(cast(given, JSON)) if on_postgresql else func.json_each(given)
    row = each.table_valued(column("value", JSON)).c.value

    def part(place: int, kind: Any) -> Any:
        if on_postgresql:
            return cast(row.op("->>")(literal_column(str(place))), kind)
        return func.json_extract(row, literal_column(f"'$[{place}]'"), type_=kind)

    rows = select(*(part(place, kind).label(key) for place, (key, kind) in enumerate(columns.items())))
    if on_postgresql:  # else it plans for a hundred rows, whatever there are
        rows = rows.limit(func.json_array_length(cast(given, JSON)))
    return rows.subquery()


def as_list(rows: Iterable[tuple[Any, ...]]) -> str:
    """The parameter of `listed`."""
    return json.dumps(list(rows), ensure_ascii=False)


def make_months(tx: Tx, table: Table, instants: Iterable[int]) -> None:
    """按月分区 — the partitions these instants (ms) fall in, and the month after each, made in time.

    Only PostgreSQL has them. A clock gone wild fills the part for the rest, it does not make a thousand tables.
    """
    if not tx.on_postgresql:
        return
    first = {from_ms(ms).date().replace(day=1) for ms in dict.fromkeys(ms - ms % _HOUR_MS for ms in instants)}
    months = {month for day in first for month in (day, _next_month(day)) if 2000 <= month.year < 2100}
    names = {f"{table.name}_{month:%Y_%m}": month for month in sorted(months)}
    here = select(func.unnest(literal(list(names), ARRAY(Text))).label("name")).subquery()
    missing = select(here.c.name).where(func.to_regclass(here.c.name).is_(None)).order_by(here.c.name)
    for name in list(tx.run(missing).scalars()):
        begin, end = (
            to_ms(datetime(month.year, month.month, 1, tzinfo=BEIJING))
            for month in (names[name], _next_month(names[name]))
        )
        tx.run(
            text(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table.name} FOR VALUES FROM ({begin}) TO ({end})"
            )
        )


_HOUR_MS = 3_600_000


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


class Bell:
    """提醒铃 — rung after each commit of this process, so that a loop takes up the new work at once."""

    def __init__(self) -> None:
        self._rung = 0
        self._changed = threading.Condition()

    @property
    def rung(self) -> int:
        """How often it has rung: read this before looking for work, then `wait` for the next."""
        return self._rung

    def ring(self) -> None:
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, since: int, seconds: float) -> None:
        """Until it rings, or has rung since `since`, or the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != since, seconds)


Fence = Callable[[Tx], None]
"""栅栏 — looked at before a commit; it raises when this process may no longer write in its role."""


class Database:
    """One database in one mode. `begin()` is the only place in the product that commits.

    Writers take turns on both databases: what a verb reads in its transaction nobody changes before it commits,
    and rows are numbered in the order of commits. `alone=False` gives that up, for writes that need neither:
    single compare-and-set statements and appends by content key.
    """

    def __init__(self, url: str, clock: Clock, *, durable: bool = True) -> None:
        self.clock = clock
        self.bell = Bell()
        self._installed: dict[type, Any] = {}
        self._fences: tuple[Fence, ...] = ()
        self.engine = make_engine(url, durable=durable)
        # SQLite has one writer; waiting here is fairer and cheaper than its busy loop.
        self._writer = threading.RLock() if self.engine.dialect.name == "sqlite" else None

    def install(self, *things: object) -> None:
        """Make things findable from every transaction by their type; installing again replaces."""
        self._installed.update({type(thing): thing for thing in things})

    def fenced(self, fence: Fence) -> Database:
        """The same database for a role under a lease: every `begin()` looks at the fence before it commits."""
        view = copy(self)
        view._fences = (*self._fences, fence)
        return view

    @contextmanager
    def begin(self, *, fence: Fence | None = None, alone: bool = True) -> Iterator[Tx]:
        """写事务 — commits when the block ends, rolls back when it raises."""
        with self._write(alone) as connection:
            tx = Tx(connection, self.clock.now(), self._installed)
            yield tx
            # Last, so that a lease lost meanwhile takes the whole transaction with it.
            for check in (*self._fences, *((fence,) if fence else ())):
                check(tx)
        for act in tx.afterwards:
            act()
        self.bell.ring()

    @contextmanager
    def _write(self, alone: bool) -> Iterator[Connection]:
        if self._writer is None:
            with self.engine.begin() as connection:
                if alone:
                    connection.execute(_TAKE_TURN)
                yield connection
            return
        with self._writer, self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """读事务 — one consistent view, nothing written."""
        with one_view(self.engine, self.clock.now, self._installed) as tx:
            yield tx

    def create(self, mode: Mode, city: str) -> None:
        """Make the tables of a new database and stamp its mode; refuses one of another mode, city, version."""
        with self._write(alone=True) as connection:
            make_or_check(connection, metadata)
        with self.begin() as tx:
            found = read_stamp(tx)
            if not found:
                tx.run(stamp.insert(), [{"key": "mode", "value": mode.value}, {"key": "city", "value": city}])
            elif found.get("mode") != mode.value:
                raise WrongMode(f"库为{Mode(found['mode']).word}，程序为{mode.word}")
            elif found.get("city") != city:
                raise WrongCity(f"库属于 {found.get('city')}，程序要打开 {city}")

    def upgrade(self) -> tuple[str, str]:
        """升级 — bring an older database to this program's tables; returns the versions before and after."""
        with self._write(alone=True) as connection:
            return upgrade(connection)

    def version(self) -> str | None:
        """库结构 — the last step this database has taken; None when it is empty."""
        with self.read() as tx:
            return version(tx.connection)

    def revise(self, message: str) -> Path | None:
        """For developers: write the step from this database to what the rooms declare now."""
        with self.read() as tx:
            return revise(tx.connection, metadata, message)

    def close(self) -> None:
        self.engine.dispose()


def read_stamp(tx: Tx) -> dict[str, str]:
    """库的身份 — its mode and city; empty when it is new."""
    return {row.key: row.value for row in tx.run(select(stamp))}


def put_stamp(tx: Tx, key: str, value: str) -> None:
    """记一笔身份 — something else that is true of the database as a whole."""
    row = tx.insert(stamp).values(key=key, value=value)
    tx.run(row.on_conflict_do_update(index_elements=[stamp.c.key], set_={"value": value}))


@contextmanager
def one_view(
    engine: Engine, now: Callable[[], datetime], installed: Mapping[type, Any] | None = None
) -> Iterator[Tx]:
    """The database as it stands at one moment, whoever writes meanwhile."""
    with engine.connect() as connection:
        connection.exec_driver_sql(_ONE_VIEW[connection.dialect.name])
        yield Tx(connection, now(), installed or {}, seen={})
        connection.rollback()


_ONE_VIEW = {
    "sqlite": "BEGIN",
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
}

# One round trip: wait for the turn, and promise not to hold it in silence.
_TAKE_TURN = select(
    func.pg_advisory_xact_lock(WRITER_LOCK),
    func.set_config("idle_in_transaction_session_timeout", str(IDLE_WRITER_MS), True),
)


def make_engine(url: str, *, durable: bool) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError:
        raise BadInput("数据库地址写得不对，应如 sqlite:///文件 或 postgresql://主机/库") from None
    if address.get_backend_name() == "postgresql":
        options = {} if durable else {"options": "-c synchronous_commit=off"}
        # A connection that died with a server or a network is replaced before it is used.
        return create_engine(
            address.set(drivername="postgresql+psycopg"),
            connect_args=options,
            pool_pre_ping=True,
            hide_parameters=True,  # an error goes to the log and beside its job: names and numbers stay out of it
        )
    engine = create_engine(address, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=10000")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()

    return engine
