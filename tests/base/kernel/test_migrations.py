"""库结构 — the steps end in exactly what the rooms declare, on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect, text

import shouye.main
from shouye.base.kernel import Database, Mode, SimClock, WrongMode, from_ms, metadata
from shouye.base.kernel.backup import run_tool
from shouye.base.kernel.migrations import SchemaBehind, SchemaUnknown, differences, revise, schema_head, version
from tests.servers import Postgres

assert shouye.main, "every room has declared its tables"


@pytest.fixture
def by_steps(database_url: str) -> Database:
    found = Database(database_url, SimClock(from_ms(0)))
    found.upgrade()
    return found


def test_the_steps_end_in_what_the_rooms_declare(by_steps: Database) -> None:
    with by_steps.engine.connect() as connection:
        assert differences(connection, metadata) == []
        assert version(connection) == schema_head()
        connection.rollback()


def test_a_difference_is_seen(by_steps: Database) -> None:
    other = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(other)
    Table("new", other, Column("id", Integer, primary_key=True))
    other.tables["fact"].append_column(Column("more", Integer))
    with by_steps.engine.connect() as connection:
        assert {item[0] for item in differences(connection, other)} == {"add_table", "add_column"}
        connection.rollback()


def test_sqlite_made_at_once_is_the_same_letter_by_letter(tmp_path: Path) -> None:
    taken = []
    for name in ("steps", "once"):
        database = Database(f"sqlite:///{tmp_path / name}", SimClock(from_ms(0)), durable=False)
        if name == "steps":
            database.upgrade()
        else:
            database.create(Mode.SIMULATION, "test")
        with database.engine.connect() as connection:
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            taken.append({row.name: _in_order(row.sql) for row in rows})
            assert version(connection) == schema_head()
            connection.rollback()
    assert taken[0] == taken[1]


def _in_order(sql: str) -> list[str]:
    """Where a constraint stands in the text does not matter."""
    return sorted(line.strip().rstrip(",") for line in sql.splitlines())


def test_postgresql_by_steps_dumps_like_what_is_declared(postgres_server: Postgres, postgres_url: str) -> None:
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine)
    engine.dispose()
    name = postgres_server.make("ready")
    by_steps = Database(postgres_server.url(name), SimClock(from_ms(0)))
    declared, stepped = (
        run_tool(
            "pg_dump", "--schema-only", "--exclude-table=alembic_version", "--exclude-table=*_rest", reach=url
        )
        for url in (engine.url, by_steps.engine.url)
    )
    by_steps.close()
    postgres_server.drop(name)
    assert "PARTITION BY RANGE" in declared
    assert _statements(stepped) == _statements(declared)


def _statements(dump: str) -> list[str]:
    """Without the comments and without the token that newer dumps are locked with."""
    return sorted(
        line.strip() for line in dump.splitlines() if not re.match(r"--|\\(un)?restrict", line) and line.strip()
    )


def test_a_database_of_another_version_is_refused(by_steps: Database) -> None:
    assert by_steps.upgrade() == (schema_head(), schema_head())
    for found, refusal in (("9999", SchemaUnknown), ("", SchemaUnknown)):
        with by_steps.begin() as tx:
            tx.run(text("UPDATE alembic_version SET version_num = :v"), {"v": found})
        with pytest.raises(refusal):
            by_steps.create(Mode.SIMULATION, "test")


def test_an_older_database_asks_for_the_upgrade(by_steps: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouye.base.kernel.migrations.schema_head", lambda: "9999")
    with pytest.raises(SchemaBehind, match="shouye db upgrade"):
        by_steps.create(Mode.SIMULATION, "test")


def test_tables_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'other.db'}", SimClock(from_ms(0)))
    with database.begin() as tx:
        tx.run(text("CREATE TABLE customer (id INTEGER)"))
    with pytest.raises(SchemaUnknown):
        database.create(Mode.SIMULATION, "test")
    assert inspect(database.engine).get_table_names() == ["customer"]


def test_a_step_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = Operations.create_table

    def until_task(self: Operations, name: str, *rest: Any, **more: Any) -> Any:
        if name == "task":
            raise OSError("no space left")
        return made(self, name, *rest, **more)

    monkeypatch.setattr(Operations, "create_table", until_task)
    database = Database(empty_url, SimClock(from_ms(0)))
    with pytest.raises(OSError, match="no space"):
        database.upgrade()
    assert inspect(database.engine).get_table_names() == []


def test_another_mode_is_refused(by_steps: Database) -> None:
    by_steps.create(Mode.SIMULATION, "test")
    by_steps.create(Mode.SIMULATION, "test")
    with pytest.raises(WrongMode, match="库为演练，程序为实战"):
        by_steps.create(Mode.ACTUAL, "test")


def test_the_next_step_is_written(by_steps: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouye.base.kernel.migrations.STEPS", tmp_path)
    other = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(other)
    Table("track", other, Column("time", Integer, primary_key=True), postgresql_partition_by="RANGE (time)")
    with by_steps.engine.connect() as connection:
        assert revise(connection, metadata, "nothing") is None
        written = revise(connection, other, "Tracks of teams")
        connection.rollback()
    assert written is not None
    assert written.name == f"v{int(schema_head()) + 1:04d}_tracks_of_teams.py"
    told = written.read_text(encoding="utf-8")
    assert f"down_revision = {schema_head()!r}" in told
    assert "CREATE TABLE track_rest PARTITION OF track DEFAULT" in told
