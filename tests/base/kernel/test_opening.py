"""开库 — a server that is starting is waited for, another refusal is told at once; tables that lack are named."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

import shouye.main
from shouye.base.kernel import (
    Database,
    DatabaseAway,
    Mode,
    SchemaIncomplete,
    SimClock,
    WallClock,
    opening,
    until_up,
)
from tests.servers import Postgres

assert shouye.main, "every room has declared its tables"


def test_a_server_that_is_starting_is_waited_for(postgres_server: Postgres, tmp_path: Path) -> None:
    socket = ".s.PGSQL.5432"
    url = f"postgresql://shouye@/ready?host={tmp_path}&port=5432"
    comes = threading.Timer(0.7, lambda: (tmp_path / socket).symlink_to(postgres_server.folder / socket))
    comes.start()
    said: list[str] = []
    assert until_up(url, threading.Event(), said.append)
    assert said == ["数据库还没有起来，等它，至多 60 秒。"]
    comes.join()


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://shouye@/ready?host={tmp_path}&port=5432"
    told = threading.Event()
    told.set()
    assert not until_up(url, told, lambda _: None)
    monkeypatch.setattr(opening, "PATIENCE", timedelta(seconds=0.1))
    with pytest.raises(DatabaseAway):
        until_up(url, threading.Event(), lambda _: None)


@pytest.mark.parametrize(("hours", "way"), [(1, "快"), (-1, "慢")])
def test_two_machines_whose_clocks_differ_are_told_of(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch, hours: int, way: str
) -> None:
    said: list[str] = []
    assert until_up(postgres_server.url("ready"), threading.Event(), said.append)
    assert said == []
    wrong = WallClock().now() + timedelta(hours=hours)
    monkeypatch.setattr(opening, "WallClock", lambda: SimClock(wrong))
    assert until_up(postgres_server.url("ready"), threading.Event(), said.append)
    (line,) = said
    assert re.match(f"本机时钟比数据库服务器{way} (3599|3600) 秒，请马上对时", line)


def test_what_no_waiting_mends_is_told_at_once(postgres_server: Postgres) -> None:
    said: list[str] = []
    began = time.monotonic()
    with pytest.raises(DatabaseAway, match="not_there"):
        until_up(postgres_server.url("not_there"), threading.Event(), said.append)
    assert (said, time.monotonic() - began < 5) == ([], True)


@pytest.mark.parametrize(
    ("spoil", "lacks"),
    [
        ("ALTER TABLE task DROP COLUMN ahead_s", "task.ahead_s"),
        ("DROP TABLE reply", "reply"),
        ("ALTER TABLE job RENAME COLUMN reason TO why", "job.reason"),
    ],
)
def test_a_database_without_what_we_ask_for_is_not_opened(database_url: str, spoil: str, lacks: str) -> None:
    database = Database(database_url, WallClock())
    database.create(Mode.SIMULATION, "test")
    database.create(Mode.SIMULATION, "test")
    with database.begin() as tx:
        tx.run(text(spoil))
    with pytest.raises(SchemaIncomplete, match="shouye db upgrade") as refused:
        database.create(Mode.SIMULATION, "test")
    assert refused.value.detail == lacks
