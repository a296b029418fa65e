"""What every test shares: property tests draw the same examples each time, databases are closed, and a test that
asks for `database_url` or `both_databases` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine

from shouye.base.kernel import Database, db, open_vault, vault_path
from shouye.base.kernel.vault import KEY_SETTING
from tests.servers import Postgres, find_mosquitto, postgres, postgres_is_here

settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")

# Where nothing may be left out, a missing PostgreSQL fails the tests that need it.
POSTGRES = postgres_is_here() or os.environ.get("CI") == "true"
MOSQUITTO = find_mosquitto() is not None or os.environ.get("CI") == "true"
BACKENDS = ["sqlite", "postgresql"] if POSTGRES else ["sqlite"]


KEYS = tempfile.TemporaryDirectory(prefix="shouye-keys-")


def pytest_configure() -> None:
    """Contacts are sealed with one key for all tests; also the programs that tests start find it there."""
    os.environ.setdefault(KEY_SETTING, f"{KEYS.name}/contacts.key")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without PostgreSQL or Mosquitto, what is only about them is not collected."""
    absent = {
        "postgres_url": not POSTGRES,
        "cluster": not POSTGRES,
        "broker": not MOSQUITTO,
        "fuzzed_broker": not MOSQUITTO,
    }
    lacking = {name for name, is_absent in absent.items() if is_absent}
    items[:] = [item for item in items if not lacking & set(getattr(item, "fixturenames", ()))]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not POSTGRES:
        terminalreporter.write_line(
            "没有找到 PostgreSQL：数据库测试只在 SQLite 上跑了；装上 postgresql 可跑全部。"
        )
    if not MOSQUITTO:
        terminalreporter.write_line("没有找到 Mosquitto：MQTT 测试没有跑；装上 mosquitto 可跑全部。")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    name = postgres_server.make()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own, on each of the two; on PostgreSQL its tables stand already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.make("ready")
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture(params=BACKENDS)
def both_databases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For modules that open files of their own: on PostgreSQL each file is a database with its tables."""
    if request.param == "sqlite":
        yield
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    names: dict[str, str] = {}
    engine = db.make_engine

    def on_postgresql(url: str, *, durable: bool) -> Engine:
        if url not in names:
            names[url] = server.make("ready")
        return engine(server.url(names[url]), durable=durable)

    monkeypatch.setattr(db, "make_engine", on_postgresql)
    yield
    for name in names.values():
        server.drop(name)


@pytest.fixture(autouse=True)
def _databases_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python 3.13 warns of a connection left open, 3.11 does not: what a test opened is closed after it."""
    opened: list[Database] = []
    make = Database.__init__

    def make_and_note(self: Database, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        self.install(open_vault(vault_path(self.engine.url), make=True))
        opened.append(self)

    monkeypatch.setattr(Database, "__init__", make_and_note)
    yield
    for database in opened:
        database.close()
