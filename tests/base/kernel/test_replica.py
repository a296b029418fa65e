"""流复制 — docs/operations.md as a test: the server dies, its replica has everything that was acknowledged."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from shouye.base.kernel import Database, Fact, Mode, WallClock, facts_since, record
from tests.base.kernel.test_lease import until
from tests.servers import OWNER, POSTGRES_SETTINGS, as_owner, initialise, start


def test_the_replica_has_all_that_was_acknowledged(postgres_url: str) -> None:
    assert postgres_url, "collected where PostgreSQL is"
    folder = Path(tempfile.mkdtemp(prefix="shouye-pg-"))
    if OWNER:
        shutil.chown(folder, OWNER, OWNER)
    try:
        fail_over(folder)
    finally:
        for data in (folder / "one", folder / "two"):
            if (data / "postmaster.pid").exists():
                as_owner("pg_ctl", "stop", "--silent", "--mode=immediate", "--pgdata", data)
        shutil.rmtree(folder)


def fail_over(folder: Path) -> None:
    """Both listen in one folder on ports of their own."""

    def settings(name: str, port: int) -> dict[str, str]:
        own = {"unix_socket_directories": f"'{folder}'", "port": str(port), "cluster_name": name}
        return POSTGRES_SETTINGS | own

    initialise(folder / "one")
    start(folder / "one", folder / "one.log", settings("one", 5432))
    aim = [f"--host={folder}", "--port=5432", "--username=shouye"]
    copied = ["--wal-method=stream", "--create-slot", "--slot=two", "--write-recovery-conf", "--checkpoint=fast"]
    as_owner("pg_basebackup", *aim, "--pgdata", folder / "two", *copied)
    start(folder / "two", folder / "two.log", settings("two", 5433))

    one = f"host={folder}&port=5432"
    database = Database(f"postgresql://shouye@/postgres?{one}", WallClock())
    with database.engine.connect() as connection:
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        plain.execute(text("ALTER SYSTEM SET synchronous_standby_names = 'two'"))
        plain.execute(text("SELECT pg_reload_conf()"))

    def in_step() -> bool:
        with database.read() as tx:
            return list(tx.run(text("SELECT sync_state FROM pg_stat_replication")).scalars()) == ["sync"]

    until(in_step, 20)
    database.create(Mode.ACTUAL, "dt")
    for number in range(50):
        with database.begin() as tx:
            record(tx, Fact(subject=f"said:{number}"))
    as_owner("pg_ctl", "stop", "--silent", "--mode=immediate", "--pgdata", folder / "one")
    as_owner("pg_ctl", "promote", "--silent", "--wait", "--pgdata", folder / "two")

    both = f"host={folder},{folder}&port=5432,5433&target_session_attrs=read-write"
    after = Database(f"postgresql://shouye@/postgres?{both}", WallClock())
    after.create(Mode.ACTUAL, "dt")
    with after.begin() as tx:
        assert [fact.subject for fact in facts_since(tx)] == [f"said:{number}" for number in range(50)]
        record(tx, Fact(subject="said:after"))
    with pytest.raises(Exception, match="connection"), database.read() as tx:
        facts_since(tx)
