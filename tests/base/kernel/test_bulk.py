"""成批 — many rows at once are written and changed alike on both databases, odd content included."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, Integer, MetaData, String, Table, delete, func, select, update

from shouye.base.kernel import Database, Document, Each, Instant, RowId, Tx, among, insert_rows, new_ids
from tests.base.kernel.sealing import NOON, new

MANY = 3_000
ODD = ["", "引号 \" ' 反斜杠 \\ \\n", "换行\n制表\t", "{json: [1, 2]}", "NULL", "\\N", "𠮷野", "%s :x"]

table = Table(
    "bulk_test",
    MetaData(),
    Column("id", RowId, primary_key=True),
    Column("word", String(200)),
    Column("order", Integer),
    Column("done", Boolean),
    Column("at", Instant),
    Column("day", Date),
    Column("detail", Document),
)
_CHANGE = Each(
    lambda row: (
        update(table)
        .where(table.c.id == row.this, table.c.done.is_not(True))
        .values(word=row.word_, order=table.c.order + row.more, done=row.done_, at=row.at_, detail=row.detail_)
    ),
    this=RowId,
    word_=String,
    more=Integer,
    done_=Boolean,
    at_=Instant,
    detail_=Document,
)
_REMOVE = Each(lambda row: delete(table).where(table.c.id == row.this), this=RowId)
_SOME = select(table.c.id).where(among(table.c.id, "ids")).order_by(table.c.id)


@pytest.fixture
def database(database_url: str) -> Database:
    database = new(database_url)
    with database.begin() as tx:
        table.create(tx.connection)
    return database


def fill(tx: Tx, count: int = MANY) -> list[int]:
    numbers = new_ids(tx, table, count)
    insert_rows(tx, table, [row(number) for number in numbers])
    return numbers


def row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "word": ODD[number % len(ODD)],
        "order": number if number % 3 else None,
        "done": (None, True, False)[number % 3],
        "at": NOON + timedelta(milliseconds=number) if number % 5 else None,
        "day": date(2026, 7, 1 + number % 31) if number % 7 else None,
        "detail": {"词": ODD[number % len(ODD)], "n": [number, None, 1.5]},
    }


def content(tx: Tx) -> list[dict[str, Any]]:
    return [dict(one._mapping) for one in tx.run(select(table).order_by(table.c.id))]


def test_rows_come_back_as_they_were_given(database: Database) -> None:
    with database.begin() as tx:
        numbers = fill(tx)
        assert numbers == sorted(set(numbers))
        assert content(tx) == [row(number) for number in numbers]


def test_rows_without_a_number_are_numbered_in_their_order(database: Database) -> None:
    with database.begin() as tx:
        fill(tx, 10)
        insert_rows(tx, table, [{"word": "later", "order": number} for number in range(500)])
        rows = [one for one in content(tx) if one["word"] == "later"]
        assert [one["order"] for one in rows] == list(range(500))
        assert rows[0]["done"] is None


def test_numbers_are_given_once(database: Database) -> None:
    with database.begin() as tx:
        first = fill(tx, 5)
        again = fill(tx, 5)
        assert max(first) < min(again)
        assert new_ids(tx, table, 0) == []


def test_each_row_is_changed_as_said_and_no_other(database: Database) -> None:
    with database.begin() as tx:
        numbers = fill(tx, 300)
        half = numbers[::2]
        changes = [
            {"this": one, "word_": "新", "more": 1, "done_": False, "at_": NOON, "detail_": {"n": one}}
            for one in half
        ]
        _CHANGE.run(tx, changes)
        _CHANGE.run(tx, [])
        for found in content(tx):
            before = row(found["id"])
            if found["id"] in half and before["done"] is not True:
                order = None if before["order"] is None else before["order"] + 1
                assert found == before | {
                    "word": "新", "order": order, "done": False, "at": NOON, "detail": {"n": found["id"]}
                }  # fmt: skip
            else:
                assert found == before


def test_as_many_as_are_named_are_found_and_removed(database: Database) -> None:
    with database.begin() as tx:
        numbers = fill(tx)
        named = [*numbers[::3], 10**9]
        assert list(tx.run(_SOME, {"ids": named}).scalars()) == numbers[::3]
        assert list(tx.run(_SOME, {"ids": []}).scalars()) == []
        tx.run(update(table).where(among(table.c.id, "these")).values(word="x"), {"these": set(named)})
        _REMOVE.run(tx, [{"this": one} for one in named])
        count = tx.run(select(func.count(), func.count().filter(table.c.word == "x")).select_from(table)).one()
        assert tuple(count) == (len(numbers) - len(numbers[::3]), 0)
