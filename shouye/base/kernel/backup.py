"""备份与恢复 — one file that holds the whole database, proved readable before it bears its name.

SQLite is copied by its online backup while the program runs; PostgreSQL by pg_dump in its custom format. Restoring
goes into an empty database only, and only into the mode the backup was made in.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, inspect

from shouye.base.kernel.db import Database, read_stamp
from shouye.base.kernel.files import keep_names
from shouye.base.kernel.levels import Mode
from shouye.base.kernel.migrations import VERSION_TABLE, is_known
from shouye.base.kernel.refusals import Refusal, WrongMode

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps PostgreSQL's programs, by version, without putting them on the path."""


class BackupExists(Refusal):
    """同名文件已存在，没有覆盖。"""


class BackupBroken(Refusal):
    """备份文件读不通，或不是守夜的备份，未作任何改动。"""


class TargetNotEmpty(Refusal):
    """目标库不是空库；恢复只能进空库，未作任何改动。"""


class ToolMissing(Refusal):
    """没有找到 PostgreSQL 的客户端程序，请安装 postgresql-client。"""


class ToolFailed(Refusal):
    """PostgreSQL 的客户端程序报错，未完成。"""


@dataclass(frozen=True)
class Backup:
    """一份备份 — what it says of itself."""

    mode: Mode
    city: str
    version: str


def find_postgres(program: str) -> Path | None:
    """PostgreSQL's program: from the path, else the newest that Debian keeps."""
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    found = [path for path in DEBIAN.glob(f"*/bin/{program}") if path.parts[-3].isdigit()]
    return max(found, key=lambda path: int(path.parts[-3]), default=None)


def back_up(database: Database, file: Path) -> Backup:
    """备份 — the running database into a new file; the file gets its name when it has been read back."""
    if file.exists():
        raise BackupExists(str(file))
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        if _is_sqlite(database.engine.url):
            with database.engine.connect() as connection, closing(sqlite3.connect(partial)) as target:
                source = connection.connection.driver_connection
                assert isinstance(source, sqlite3.Connection)
                source.backup(target)
                target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        else:
            words = ["--format=custom", "--no-owner", "--no-privileges", f"--file={partial}"]
            run_tool("pg_dump", *words, reach=database.engine.url)
        proved = prove(partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(file)
        keep_names(file.parent)
    finally:
        partial.unlink(missing_ok=True)
    return proved


def prove(file: Path) -> Backup:
    """验证 — read the whole file and say whose it is."""
    stamp, version = _prove_dump(file) if _is_dump(file) else _prove_sqlite(file)
    if not {"mode", "city"} <= stamp.keys() or version is None or not is_known(version):
        raise BackupBroken(f"{file.name}，库结构 {version or '无版本'}")
    return Backup(Mode(stamp["mode"]), stamp["city"], version)


def restore(file: Path, database: Database, mode: Mode) -> Backup:
    """恢复 — a proved backup into an empty database of the same kind, all of it or nothing."""
    found = prove(file)
    if found.mode is not mode:
        raise WrongMode(f"备份为{found.mode.word}，要恢复为{mode.word}")
    with database.engine.connect() as connection:
        if inspect(connection).get_table_names():
            raise TargetNotEmpty(database.engine.url.database or "")
        dumped = _is_dump(file)
        if dumped == _is_sqlite(database.engine.url):
            raise BackupBroken("SQLite 的备份不能恢复到 PostgreSQL，反之亦然")
        if not dumped:
            with closing(sqlite3.connect(file)) as source:
                target = connection.connection.driver_connection
                assert isinstance(target, sqlite3.Connection)
                source.backup(target)
    if dumped:
        words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(file)]
        run_tool("pg_restore", *words, reach=database.engine.url)
    with database.read() as tx:
        assert read_stamp(tx)["mode"] == mode.value
    return found


def _is_dump(file: Path) -> bool:
    """PostgreSQL's or SQLite's; each begins with its own mark."""
    with file.open("rb") as opened:
        start = opened.read(16)
    if not start.startswith((b"PGDMP", b"SQLite format 3")):
        raise BackupBroken(file.name)
    return start.startswith(b"PGDMP")


def _prove_sqlite(file: Path) -> tuple[dict[str, str], str | None]:
    with closing(sqlite3.connect(file)) as connection:
        try:
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
            if said != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupBroken(file.name)
            stamp = dict(connection.execute("SELECT key, value FROM stamp").fetchall())
            row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
        except sqlite3.DatabaseError as error:
            raise BackupBroken(file.name) from error
    return stamp, row[0] if row else None


def _prove_dump(file: Path) -> tuple[dict[str, str], str | None]:
    """Unpacking into nowhere reads every block; the two small tables are taken from the dump itself."""
    try:
        run_tool("pg_restore", f"--file={os.devnull}", str(file))
        stamp = dict(row.split("\t", 1) for row in _rows_in(file, "stamp"))
        versions = _rows_in(file, VERSION_TABLE)
    except ToolFailed as error:
        raise BackupBroken(file.name) from error
    return stamp, versions[0] if versions else None


def _rows_in(file: Path, table: str) -> list[str]:
    script = run_tool("pg_restore", "--data-only", f"--table={table}", "--file=-", str(file))
    found = re.search(r"^COPY .*? FROM stdin;\n(.*?)^\\\.$", script, re.DOTALL | re.MULTILINE)
    return found.group(1).splitlines() if found else []


def run_tool(program: str, *words: str, reach: URL | None = None) -> str:
    """One of PostgreSQL's programs; a password goes by the environment, where no list of processes shows it."""
    path = find_postgres(program)
    if path is None:
        raise ToolMissing(program)
    environment = dict(os.environ)
    aim: list[str] = []
    if reach is not None:
        if reach.password:
            environment["PGPASSWORD"] = reach.password
        plain = reach.set(drivername="postgresql")._replace(password=None)
        aim = [f"--dbname={plain.render_as_string(hide_password=False)}"]
    done = subprocess.run(
        [str(path), *aim, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise ToolFailed(f"{program}：{done.stderr.strip()[-400:]}")
    return done.stdout


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
