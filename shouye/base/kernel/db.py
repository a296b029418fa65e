"""数据库 — one MetaData, one edge that commits, one transaction per request or job.

Verbs receive a `Tx` and never commit. Instants are stored as UTC milliseconds, documents as canonical JSON,
so that both databases sort and compare them alike.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    select,
)

from shouye.base.kernel.clock import Clock, from_ms, to_ms
from shouye.base.kernel.levels import Mode
from shouye.base.kernel.refusals import WrongMode

metadata = MetaData()
T = TypeVar("T")

RowId = BigInteger().with_variant(Integer, "sqlite")
"""主键 — an integer that SQLite, too, numbers by itself."""


class Instant(TypeDecorator[datetime]):
    """时刻 — an aware datetime in Python, UTC milliseconds in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_ms(value)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same content is always the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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

    def of(self, kind: type[T]) -> T:
        """What this program installed of that kind: the roster, the ladders, the switchboard, a policy."""
        found: T = self.installed[kind]
        return found

    def run(self, statement: Any, parameters: Any = None) -> Any:
        """Execute one statement; a list of parameter rows makes it a bulk write."""
        if parameters is None:
            return self.connection.execute(statement)
        return self.connection.execute(statement, parameters)


class Database:
    """One database in one mode. `begin()` is the only place in the product that commits."""

    def __init__(self, url: str, clock: Clock, *, durable: bool = True) -> None:
        self.clock = clock
        self._installed: dict[type, Any] = {}
        self.engine = _engine(url, durable=durable)
        # SQLite has one writer; waiting here is fairer and cheaper than its busy loop.
        self._writer = threading.RLock() if self.engine.dialect.name == "sqlite" else None

    def install(self, *things: object) -> None:
        """Make things findable from every transaction by their type; installing again replaces."""
        self._installed.update({type(thing): thing for thing in things})

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """写事务 — commits when the block ends, rolls back when it raises."""
        if self._writer is None:
            with self.engine.begin() as connection:
                yield Tx(connection, self.clock.now(), self._installed)
            return
        with self._writer, self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield Tx(connection, self.clock.now(), self._installed)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """读事务 — one consistent view, nothing written."""
        with self.engine.connect() as connection:
            if self._writer is not None:
                connection.exec_driver_sql("BEGIN")
            yield Tx(connection, self.clock.now(), self._installed)
            connection.rollback()

    def create(self, mode: Mode, city: str) -> None:
        """Make the tables and stamp the mode; refuses a database stamped with another."""
        metadata.create_all(self.engine)
        with self.begin() as tx:
            found = {row.key: row.value for row in tx.run(select(stamp))}
            if not found:
                tx.run(stamp.insert(), [{"key": "mode", "value": mode.value}, {"key": "city", "value": city}])
            elif found.get("mode") != mode.value:
                raise WrongMode(f"库为{Mode(found['mode']).word}，程序为{mode.word}")

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, *, durable: bool) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

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
