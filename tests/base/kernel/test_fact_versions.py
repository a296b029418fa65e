"""事实的形 — typed, versioned, append-only: what was written stays, what is read has the present shape."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

import shouye.main
from shouye.base.kernel import Database, Fact, Sealer, Tx, facts_since, on, open_key, record, run_due, upgrades
from shouye.base.kernel.facts import _UPGRADES, UnreadableFact, fact_table, fact_types, revive
from tests.base.kernel.sealing import NOON, new, tell

assert shouye.main, "every room has declared its facts"

heard: list[Fact] = []


@dataclass(frozen=True, kw_only=True)
class DoorSeen(Fact):
    """试门 — version 1 said `width`, version 2 `width_cm`, version 3 lists its `doors`."""

    version: ClassVar[int] = 3
    doors: tuple[int, ...]


@upgrades(DoorSeen, since=1)
def _with_units(body: dict[str, Any]) -> dict[str, Any]:
    return {"width_cm": body["width"]}


@upgrades(DoorSeen, since=2)
def _as_list(body: dict[str, Any]) -> dict[str, Any]:
    return {"doors": [body["width_cm"]]}


@on(DoorSeen)
def hear(fact: DoorSeen, tx: Tx) -> None:
    heard.append(fact)


@pytest.fixture
def database(database_url: str) -> Database:
    heard.clear()
    return new(database_url)


def test_an_old_fact_is_read_in_the_present_shape(database: Database) -> None:
    old = {"at": NOON, "kind": "DoorSeen", "subject": "door:1", "actor": "system"}
    with database.begin() as tx:
        tx.run(insert(fact_table), [{**old, "version": 1, "body": {"width": 90}}])
        tx.run(insert(fact_table), [{**old, "version": 2, "body": {"width_cm": 80}}])
        record(tx, DoorSeen(subject="door:1", doors=(70, 60)))
    with database.read() as tx:
        assert [fact.body for fact in facts_since(tx)] == [{"doors": [90]}, {"doors": [80]}, {"doors": [70, 60]}]
    assert revive("DoorSeen", 1, "door:1", "a", {"width": 90}) == DoorSeen(
        subject="door:1", actor="a", doors=(90,)
    )


def test_a_reaction_gets_the_very_value_that_was_recorded(database: Database) -> None:
    told = DoorSeen(subject="door:1", actor="post:a", doors=(70, 60))
    with database.begin() as tx:
        record(tx, told)
    run_due(database)
    assert heard == [told]
    assert isinstance(told.doors, tuple)


@pytest.mark.parametrize(
    ("kind", "version", "body"),
    [
        ("NeverHeardOf", 1, {}),
        ("DoorSeen", 4, {"doors": []}),
        ("DoorSeen", 3, {"doors": [], "colour": "red"}),
        ("DoorSeen", 0, {}),
    ],
)
def test_what_cannot_be_read_is_refused_not_guessed(kind: str, version: int, body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableFact):
        revive(kind, version, "door:1", "a", body)


@pytest.mark.parametrize("body", [{}, {"doors": "wide"}, {"doors": [None]}])
def test_a_body_of_another_type_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        revive("DoorSeen", 3, "door:1", "a", body)


def test_the_timeline_shows_even_what_this_program_does_not_know(database: Database) -> None:
    with database.begin() as tx:
        row = {"at": NOON, "kind": "FromNextYear", "version": 7, "subject": "x:1", "actor": "a", "body": {"n": 1}}
        tx.run(insert(fact_table), [row])
    with database.read() as tx:
        assert [fact.body for fact in facts_since(tx)] == [{"n": 1}]


def test_every_fact_of_the_house_can_be_read_from_its_first_version_on() -> None:
    house = {kind: found for kind, found in fact_types().items() if found.__module__.startswith("shouye.")}
    assert len(house) > 20
    for kind, found in house.items():
        assert TypeAdapter(found).json_schema()["title"] == kind
        assert [since for since in range(1, found.version) if (kind, since) not in _UPGRADES] == []
        assert {field.name for field in fields(found)} >= {"subject", "actor"}


def test_no_two_kinds_share_a_name() -> None:
    def family(parent: type[Fact]) -> list[type[Fact]]:
        return [found for child in parent.__subclasses__() for found in (child, *family(child))]

    names = [found.kind() for found in family(Fact) if found.__module__.startswith("shouye.")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("table", ["fact", "seal", "seal_head"])
@pytest.mark.parametrize(
    "change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "REPLACE", "TRUNCATE {0} CASCADE"]
)
def test_the_database_itself_refuses_to_change_the_past(
    database: Database, tmp_path: Any, table: str, change: str
) -> None:
    tell(database, range(3))
    Sealer(open_key(tmp_path / "keys"), "a").seal_all(database)
    key = "id" if table == "fact" else "seq"
    with database.engine.connect() as connection:
        before = connection.execute(text(f"SELECT * FROM {table} ORDER BY {key}")).all()
        connection.rollback()
    postgresql = database.engine.dialect.name == "postgresql"
    if change == "REPLACE":  # each database has its own way to write over a row
        do = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        change = "DELETE FROM {0} WHERE {1} = 1" if postgresql else do
    if change.startswith("TRUNCATE") and not postgresql:
        change = "UPDATE OR REPLACE {0} SET {1} = {1} + 1"
    with pytest.raises(DBAPIError, match="只可追加"), database.begin() as tx:
        tx.run(text(change.format(table, key)))
    with database.engine.connect() as connection:
        assert connection.execute(text(f"SELECT * FROM {table} ORDER BY {key}")).all() == before
        connection.rollback()
