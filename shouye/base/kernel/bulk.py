"""成批 — many rows at once: what thousands of people owe is written by a few statements, on both databases.

SQLite repeats a prepared statement row by row and does so fast. To PostgreSQL the rows travel as one parameter,
and one statement works on the whole set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Executable,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shouye.base.kernel.clock import to_ms
from shouye.base.kernel.db import Document, Instant, Tx, canonical

Row = Mapping[str, Any]
_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    Instant: lambda value: value if isinstance(value, int) else to_ms(value),
    Document: canonical,
    Date: date.isoformat,
}


class Each:
    """逐行 — an update or delete said once for a row; `run` does it for many, of which no two have one target."""

    def __init__(self, say: Callable[[Any], Executable], **types: Any) -> None:
        self._names = tuple(types)
        self._one = say(_Names({name: bindparam(name, type_=kind) for name, kind in types.items()}))
        columns = [Column(name, kind) for name, kind in types.items()]
        self._all = say(_recordset(columns).c)
        self._text = _writer(columns)

    def run(self, tx: Tx, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if tx.on_postgresql:
            tx.run(self._all, {"rows": self._text(rows)})
        else:
            tx.run(self._one, list(rows))


class _Names:
    """Fields read as attributes, as a table's columns are."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        vars(self).update(fields)


def insert_rows(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """成批写入 — all rows name the same columns; those not named stay empty, or are numbered in this order."""
    if not rows:
        return
    if tx.on_postgresql:
        statement, text = _insert(table, tuple(rows[0]))
        tx.run(statement, {"rows": text(rows)})
    else:
        tx.run(insert(table), list(rows))


def new_ids(tx: Tx, table: Table, count: int) -> list[int]:
    """取号 — the next numbers of a table that numbers its rows by itself; nobody else gets them."""
    key = table.c.id
    if not tx.on_postgresql:
        newest = tx.run(select(func.max(key))).scalar() or 0
        return list(range(newest + 1, newest + 1 + count))
    number = func.nextval(func.pg_get_serial_sequence(table.name, key.name))
    series = func.generate_series(1, bindparam("count", count)).table_valued("n")
    return sorted(tx.run(select(number).select_from(series)).scalars())


@cache
def _insert(table: Table, names: tuple[str, ...]) -> tuple[Executable, Callable[[Sequence[Row]], str]]:
    columns = [table.c[name] for name in names]
    rows = _recordset(columns)
    return insert(table).from_select(names, select(*(rows.c[name] for name in names))), _writer(columns)


def _recordset(columns: Sequence[Column[Any]]) -> Any:
    """The rows as PostgreSQL sees them: one JSON parameter with the types of these columns."""
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    return rows.table_valued(*(column(one.name, one.type) for one in columns)).render_derived("given", True)


def _writer(columns: Sequence[Column[Any]]) -> Callable[[Sequence[Row]], str]:
    conversions = [(one.name, _CONVERSIONS[type(one.type)]) for one in columns if type(one.type) in _CONVERSIONS]

    def text(rows: Sequence[Row]) -> str:
        plain = [dict(row) for row in rows]
        for name, convert in conversions:
            for row in plain:
                if row[name] is not None:
                    row[name] = convert(row[name])
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    return text


class _Numbers(TypeDecorator[Collection[int]]):
    """An array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(BigInteger()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> Any:
        numbers = list(value or ())
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


class _Among(FunctionElement[bool]):
    """`column` is one of a list of numbers, which is one parameter however long it is."""

    name = "among"
    type = Boolean()
    inherit_cache = True


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """在其中 — one of the numbers given under this name when the statement runs, however many."""
    return _Among(column, bindparam(name, type_=_Numbers))


@compiles(_Among, "sqlite")
def _(element: _Among, compiler: Any, **options: Any) -> str:
    column, numbers = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: Any, **options: Any) -> str:
    column, numbers = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT unnest({numbers}))"
