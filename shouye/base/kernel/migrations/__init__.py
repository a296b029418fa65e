"""库结构的版本 — every table from the first one on is made by these steps, on both databases alike.

PostgreSQL takes the steps from the first. A new SQLite database, mostly a drill of one hour, is made at once from
what the rooms declare and stamped with the newest version: the tests hold that the steps end in the same tables,
letter by letter, and every drill starts a fifth of a second sooner. There is no way back but a backup. Who only
looks at the version does not wait for Alembic to load: after a crash every start counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select

from shouye.base.kernel.refusals import Refusal

FOLDER = Path(__file__).parent
_KNOWN = FOLDER / "versions"
STEPS = _KNOWN
"""Where a new step is written."""

VERSION_TABLE = "alembic_version"

_version_table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class SchemaBehind(Refusal):
    """库结构落后于程序，请先备份，再运行 shouye db upgrade。"""


class SchemaUnknown(Refusal):
    """库结构不是本程序所知的版本，可能由更新的程序建立，或不是守夜的库。"""


class SchemaIncomplete(Refusal):
    """数据库版本不对，缺表或缺列；请运行 shouye db upgrade，仍缺则库由别版程序建成，请换相配的程序。"""


def schema_head() -> str:
    """The newest version this program knows."""
    return max(_known())


def is_known(revision: str) -> bool:
    return revision in _known()


def _known() -> list[str]:
    """A step's file is named by its version: v0001_first_tables.py."""
    return [path.name[1:].split("_")[0] for path in _KNOWN.glob("v*.py")]


def version(connection: Connection) -> str | None:
    """The version of this database; None when nothing of ours is in it."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(_version_table.c.version_num)).scalar()
    return found


def make_or_check(connection: Connection, metadata: MetaData) -> None:
    """建表或核对 — an empty database gets every table, one of another version is refused."""
    found = version(connection)
    if found is None and not inspect(connection).get_table_names():
        if connection.dialect.name == "postgresql":
            upgrade(connection)
        else:
            metadata.create_all(connection)
            _version_table.create(connection)
            connection.execute(insert(_version_table).values(version_num=schema_head()))
    elif found is None or not is_known(found):
        raise SchemaUnknown(found or "无版本")
    elif found != schema_head():
        raise SchemaBehind(f"库 {found}，程序 {schema_head()}")
    elif lacking := _lacking(connection, metadata):
        raise SchemaIncomplete("、".join(lacking[:_NAMED]) + ("等" if len(lacking) > _NAMED else ""))


_NAMED = 5


def _lacking(connection: Connection, metadata: MetaData) -> list[str]:
    """The tables and columns that the program asks for and this database does not hold."""
    there = {
        (table, column["name"])
        for (_, table), columns in inspect(connection).get_multi_columns().items()
        for column in columns
    }
    tables = {table for table, _ in there}
    missing = []
    for table in metadata.sorted_tables:
        if table.name not in tables:
            missing.append(table.name)
        else:
            missing += [f"{table.name}.{one.name}" for one in table.columns if (table.name, one.name) not in there]
    return missing


def upgrade(connection: Connection) -> tuple[str, str]:
    """Take every step this database has not taken, all in the caller's transaction."""
    from shouye.base.kernel.migrations.steps import take_all

    before = version(connection)
    if before is not None and not is_known(before):
        raise SchemaUnknown(before)
    take_all(connection)
    return before or "空", schema_head()


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """What the rooms declare and this database does not hold, or the other way round."""
    from shouye.base.kernel.migrations.steps import compare

    return compare(connection, metadata)


def revise(connection: Connection, metadata: MetaData, message: str) -> Path | None:
    """Write the step from this database, which stands at the head, to what the rooms declare."""
    from shouye.base.kernel.migrations.steps import write

    return write(connection, metadata, message, schema_head(), STEPS)
