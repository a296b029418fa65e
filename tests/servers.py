"""PostgreSQL of the tests' own: a cluster in a folder that disappears, reached by a socket in that folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from shouye.base.kernel import Database, SimClock, from_ms
from shouye.base.kernel.backup import find_postgres

OWNER = "postgres" if os.geteuid() == 0 else None
"""PostgreSQL refuses to run as root; Debian's package brings this user."""

POSTGRES_SETTINGS = {"listen_addresses": "''", "fsync": "off", "full_page_writes": "off", "max_connections": "60"}


def postgres_is_here() -> bool:
    return find_postgres("initdb") is not None


@dataclass(frozen=True)
class Postgres:
    """A running cluster: the folder of its socket, its port, and databases made on demand."""

    folder: Path
    port: int
    numbers: count[int]

    def url(self, name: str) -> str:
        return f"postgresql://shouye@/{name}?host={self.folder}&port={self.port}"

    def make(self, template: str = "template0") -> str:
        """A new database; returns its name."""
        name = f"t{next(self.numbers)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        self.say(f"DROP DATABASE {name} WITH (FORCE)")

    def say(self, statement: str) -> None:
        engine = create_engine(
            self.url("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a cluster, with a database `ready` in it that has every table; stop it and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shouye-pg-"))
    if OWNER:
        shutil.chown(folder, OWNER, OWNER)
    data = folder / "data"
    try:
        as_owner(
            "initdb", "--no-sync", "--auth=trust", "--username=shouye", "--no-locale", "--encoding=UTF8", data
        )
        settings = {"listen_addresses": "''", "unix_socket_directories": f"'{folder}'", "port": "5432"}
        settings |= {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}
        start(data, folder / "log", settings)
        try:
            server = Postgres(folder, 5432, count(1))
            server.say("CREATE DATABASE ready TEMPLATE template0")
            ready = Database(server.url("ready"), SimClock(from_ms(0)))
            ready.upgrade()
            ready.close()
            yield server
        finally:
            as_owner("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate", "--pgdata", data)
    finally:
        shutil.rmtree(folder)


def initialise(data: Path) -> None:
    as_owner("initdb", "--no-sync", "--auth=trust", "--username=shouye", "--no-locale", "--encoding=UTF8", data)


def start(data: Path, log: Path, settings: dict[str, str]) -> None:
    given = " ".join(f"-c {key}={value}" for key, value in settings.items())
    as_owner("pg_ctl", "start", "--silent", "--wait", "--pgdata", data, "--log", log, "--options", given)


def as_owner(program: str, *words: str | Path) -> None:
    path = find_postgres(program)
    assert path is not None, f"PostgreSQL 的程序 {program} 没有找到；装上 postgresql 再跑测试"
    identity: dict[str, Any] = {"user": OWNER, "group": OWNER, "extra_groups": []} if OWNER else {}
    done = subprocess.run(
        [str(path), *map(str, words)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **identity,
    )
    assert done.returncode == 0, done.stderr


def find_mosquitto() -> str | None:
    """The broker, where Debian's package puts it."""
    return shutil.which("mosquitto") or next(
        (path for path in ("/usr/sbin/mosquitto",) if Path(path).exists()), None
    )


class Mosquitto:
    """A broker of the tests' own on loopback, which keeps sessions and messages when it is started again."""

    def __init__(self, folder: Path, *listener: str) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} 127.0.0.1",
            *listener,
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 0",
            "log_type all",
        ]
        if os.geteuid() == 0:
            lines.append("user root")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        program = find_mosquitto()
        assert program is not None, "没有找到 mosquitto；装上 mosquitto 再跑测试"
        log = (self._folder / "mosquitto.log").open("ab")
        words = [program, "-c", str(self._folder / "mosquitto.conf")]
        self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
