"""shouye db — from an empty database to a restored one, and a standby that takes over."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import shouye.main
from shouye.base.kernel import Database, Fact, Lease, SimClock, WallClock, facts_since, from_ms, record
from shouye.base.kernel.lease import take
from shouye.base.kernel.migrations import STEPS, schema_head
from shouye.doors.cli.db import ROLES, make_db
from tests.base.roster.small import write_city

assert shouye.main, "every room has declared its tables"


def duty(database: Database, leases: Sequence[Lease], over: threading.Event, keys: Path | None) -> None:
    assert keys is None
    assert [lease.role for lease in leases] == sorted(ROLES)
    assert not over.is_set()
    with database.begin() as tx:
        record(tx, Fact(subject="taken:over"))


def shouye_db(*words: str, url: str = "", exit_code: int = 0) -> str:
    done = CliRunner().invoke(make_db(duty), list(words), env={"SHOUYE_DATABASE": url or None})
    assert done.exit_code == exit_code, (done.output, done.exception)
    return done.output


@pytest.fixture
def city(tmp_path: Path) -> str:
    folder = tmp_path / "city"
    folder.mkdir()
    return str(write_city(folder))


def test_the_life_of_a_database(empty_url: str, city: str, tmp_path: Path) -> None:
    file = str(tmp_path / "night.backup")
    assert shouye_db("status", url=empty_url) == f"库结构 空（程序 {schema_head()}）\n"
    assert "已建库：实战" in shouye_db("init", "--city", city, "--mode", "actual", url=empty_url)
    assert "核对无误" in shouye_db("init", "--city", city, "--mode", "actual", url=empty_url)
    assert "库为实战，程序为演练" in shouye_db(
        "init", "--city", city, "--mode", "simulation", url=empty_url, exit_code=2
    )
    assert shouye_db("upgrade", url=empty_url) == f"库结构已是 {schema_head()}\n"
    assert "尚无进程值守" in shouye_db("status", url=empty_url)
    assert "已备份并读通" in shouye_db("backup", file, url=empty_url)
    assert "没有覆盖" in shouye_db("backup", file, url=empty_url, exit_code=2)
    assert "只能进空库" in shouye_db("restore", file, "--mode", "actual", url=empty_url, exit_code=2)
    assert "要恢复为演练" in shouye_db("restore", file, "--mode", "simulation", url=empty_url, exit_code=2)


def test_what_was_backed_up_comes_back(city: str, tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("old", "new")]
    shouye_db("init", "--city", city, "--mode", "test", url=urls[0])
    shouye_db("backup", str(tmp_path / "file"), url=urls[0])
    assert "已恢复：通信测试，城市" in shouye_db("restore", str(tmp_path / "file"), "--mode", "test", url=urls[1])
    assert "核对无误" in shouye_db("init", "--city", city, "--mode", "test", url=urls[1])


def test_standby_says_how_long_nobody_was_there(database_url: str, city: str) -> None:
    shouye_db("init", "--city", city, "--mode", "simulation", url=database_url)
    database = Database(database_url, WallClock())
    with database.begin(alone=False) as tx:
        for role in ROLES:
            assert take(tx, role, "before:1", timedelta(seconds=0.6))
    told = shouye_db("standby", "--lease", "0.6", url=database_url)
    assert "clock：before:1，第 1 任，值守中" in told
    assert "已接管 clock（第 2 任，原值守静默 " in told
    assert "已接管 engine（第 2 任，原值守静默 " in told
    assert told.endswith("已交班\n")
    with database.read() as tx:
        assert facts_since(tx)[-1].subject == "taken:over"
    assert "已静默" in shouye_db("status", url=database_url)


def test_the_steps_need_no_further_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouye.base.kernel.migrations.STEPS", tmp_path)
    assert shouye_db("revise", "nothing") == "没有差别\n"
    assert sorted(path.name for path in STEPS.glob("v*.py"))[-1].startswith(f"v{schema_head()}_")


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("备份", encoding="utf-8")
    url = f"sqlite:///{tmp_path}/new.db"
    assert "读不通" in shouye_db("restore", str(tmp_path / "text"), "--mode", "actual", url=url, exit_code=2)
    database = Database(url, SimClock(from_ms(0)))
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 0
        connection.rollback()
