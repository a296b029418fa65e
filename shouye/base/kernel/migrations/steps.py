"""库结构的各步 — Alembic takes them and writes the next one; loaded only where tables change."""

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
from sqlalchemy import Connection, MetaData, Table, dialects
from sqlalchemy.types import TypeDecorator, TypeEngine

FOLDER = Path(__file__).parent

PARTITION = re.compile(r"_(\d{4}_\d{2}|rest)$")
"""按月分区 — the parts of a table on PostgreSQL are made as months come, not by a step."""


def take_all(connection: Connection) -> None:
    """Every step that this database has not taken."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def compare(connection: Connection, metadata: MetaData) -> list[Any]:
    return list(compare_metadata(_context(connection, metadata), metadata))


def write(connection: Connection, metadata: MetaData, message: str, before: str, folder: Path) -> Path | None:
    steps = produce_migrations(_context(connection, metadata), metadata).upgrade_ops
    assert steps is not None
    if steps.is_empty():
        return None
    number = f"{int(before) + 1:04d}"
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    path = folder / f"v{number}_{slug}.py"
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
