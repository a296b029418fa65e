"""库结构的版本 — every table from the first one on is made by these steps, on both databases alike.

PostgreSQL takes the steps from the first. A new SQLite database, mostly a drill of one hour, is made at once from
what the rooms declare and stamped with the newest version: the tests hold that the steps end in the same tables,
letter by letter, and every drill starts a fifth of a second sooner. There is no way back but a backup.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateTableOp, UpgradeOps
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, dialects, inspect
from sqlalchemy.types import TypeDecorator, TypeEngine

from shouye.base.kernel.refusals import Refusal

FOLDER = Path(__file__).parent
STEPS = FOLDER / "versions"
VERSION_TABLE = "alembic_version"

PARTITION = re.compile(r"_(\d{4}_\d{2}|rest)$")
"""按月分区 — the parts of a table on PostgreSQL are made as months come, not by a step."""


class SchemaBehind(Refusal):
    """库结构落后于程序，请先备份，再运行 shouye db upgrade。"""


class SchemaUnknown(Refusal):
    """库结构不是本程序所知的版本，可能由更新的程序建立，或不是守夜的库。"""


def schema_head() -> str:
    """The newest version this program knows."""
    found = _scripts().get_current_head()
    assert found is not None
    return found


def version(connection: Connection) -> str | None:
    """The version of this database; None when nothing of ours is in it."""
    return MigrationContext.configure(connection).get_current_revision()


def make_or_check(connection: Connection, metadata: MetaData) -> None:
    """建表或核对 — an empty database gets every table, one of another version is refused."""
    found = version(connection)
    if found is None and not inspect(connection).get_table_names():
        if connection.dialect.name == "postgresql":
            upgrade(connection)
        else:
            metadata.create_all(connection)
            MigrationContext.configure(connection).stamp(_scripts(), "head")
    elif found is None or not is_known(found):
        raise SchemaUnknown(found or "无版本")
    elif found != schema_head():
        raise SchemaBehind(f"库 {found}，程序 {schema_head()}")


def upgrade(connection: Connection) -> tuple[str, str]:
    """Take every step this database has not taken, all in the caller's transaction."""
    before = version(connection)
    if before is not None and not is_known(before):
        raise SchemaUnknown(before)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before or "空", schema_head()


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """What the rooms declare and this database does not hold, or the other way round."""
    return list(compare_metadata(_context(connection, metadata), metadata))


def revise(connection: Connection, metadata: MetaData, message: str) -> Path | None:
    """Write the step from this database, which stands at the head, to what the rooms declare."""
    steps = produce_migrations(_context(connection, metadata), metadata).upgrade_ops
    assert steps is not None
    if steps.is_empty():
        return None
    before = _scripts().get_current_head()
    number = f"{int(before or 0) + 1:04d}"
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    path = STEPS / f"v{number}_{slug}.py"
    path.write_text(
        _STEP.format(message=message, number=number, before=before, body=_body(steps, metadata)), encoding="utf-8"
    )
    return path


_STEP = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = {before!r}


def upgrade() -> None:
    {body}
'''


def _body(steps: UpgradeOps, metadata: MetaData) -> str:
    written = render_python_code(steps, render_as_batch=True, render_item=_plain_type)
    special: dict[str, list[str]] = {"postgresql": [], "sqlite": []}
    for step in steps.ops:
        if isinstance(step, CreateTableOp):
            if "postgresql_partition_by" in step.kw:
                name = step.table_name
                special["postgresql"].append(f"CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT")
            for dialect, statements in special.items():
                statements += _said_after(metadata.tables[step.table_name], dialect)
    for dialect, statements in special.items():
        if statements:
            written += f'\n    if op.get_bind().dialect.name == "{dialect}":\n'
        for statement in statements:
            lines = [repr(line + " ") for line in wrap(statement, 90)]
            written += f"        op.get_bind().exec_driver_sql({' '.join(lines)})\n"
    return "\n".join(line for line in written.splitlines() if "###" not in line).strip()


class _Listener:
    """Stands for a connection and keeps what is said to it."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialects.registry.load(dialect)()
        self.said: list[str] = []

    def exec_driver_sql(self, statement: str) -> None:
        self.said.append(" ".join(statement.split()))


def _said_after(table: Table, dialect: str) -> list[str]:
    """What a table's own listeners add when it is made: triggers."""
    listener = _Listener(dialect)
    table.dispatch.after_create(table, listener)
    return listener.said


def _plain_type(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """A step names the database's types: ours may change their meaning later."""
    if kind == "type" and isinstance(item, TypeDecorator):
        plain: TypeEngine[Any] = item.impl_instance
        return f"sa.{plain!r}"
    return False


def _context(connection: Connection, metadata: MetaData) -> MigrationContext:
    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or not PARTITION.search(name or "")

    options = {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": ours,
        "render_as_batch": True,
    }
    return MigrationContext.configure(connection, opts=options)


def is_known(revision: str) -> bool:
    return any(script.revision == revision for script in _scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
