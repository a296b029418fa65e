"""备份与恢复 — what was said yes to is in the file, and a file that is not whole restores nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shouye.base.kernel import Database, Fact, Mode, SimClock, WrongMode, facts_since, from_ms, record
from shouye.base.kernel.backup import (
    Backup,
    BackupBroken,
    BackupExists,
    TargetNotEmpty,
    ToolMissing,
    back_up,
    prove,
    restore,
)
from shouye.base.kernel.db import read_stamp
from shouye.base.kernel.migrations import schema_head


@pytest.fixture
def database(database_url: str) -> Database:
    found = Database(database_url, SimClock(from_ms(0)))
    found.create(Mode.ACTUAL, "dt")
    with found.begin() as tx:
        for number in range(200):
            record(tx, Fact(subject=f"备份:{number}"))
    return found


def test_everything_comes_back(database: Database, empty_url: str, tmp_path: Path) -> None:
    same_kind = database.engine.url.get_backend_name() == empty_url.split(":")[0]
    file = tmp_path / "backup"
    assert back_up(database, file) == Backup(Mode.ACTUAL, "dt", schema_head()) == prove(file)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("backup")) == ["backup"]
    with database.begin() as tx:
        record(tx, Fact(subject="later:1"))
    target = Database(empty_url, SimClock(from_ms(0)))
    if not same_kind:
        with pytest.raises(BackupBroken, match="反之亦然"):
            restore(file, target, Mode.ACTUAL)
        return
    restore(file, target, Mode.ACTUAL)
    with target.begin() as tx, database.read() as then:
        assert facts_since(tx) == facts_since(then)[:-1]
        assert record(tx, Fact(subject="next:1")) == 201, "numbering goes on"
        assert read_stamp(tx) == {"mode": "Actual", "city": "dt"}
    target.create(Mode.ACTUAL, "dt")
    with pytest.raises(TargetNotEmpty):
        restore(file, target, Mode.ACTUAL)


def test_a_backup_is_never_overwritten(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("the only one", encoding="utf-8")
    with pytest.raises(BackupExists):
        back_up(database, file)
    assert file.read_text(encoding="utf-8") == "the only one"


def test_another_mode_is_refused(database: Database, tmp_path: Path) -> None:
    back_up(database, tmp_path / "backup")
    with pytest.raises(WrongMode, match="备份为实战，要恢复为演练"):
        restore(tmp_path / "backup", database, Mode.SIMULATION)


@pytest.mark.parametrize("spoil", ["cut", "flip", "text", "empty"])
def test_a_spoilt_file_is_refused(database: Database, tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "backup"
    back_up(database, file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    spoilt = {
        "cut": whole[:middle],
        "flip": whole[:middle]
        + bytes(255 - byte for byte in whole[middle : middle + 4096])
        + whole[middle + 4096 :],
        "text": b"backup",
        "empty": b"",
    }[spoil]
    file.write_bytes(spoilt)
    with pytest.raises(BackupBroken):
        prove(file)


def test_it_is_taken_while_others_write(database: Database, tmp_path: Path) -> None:
    """Every transaction is in it wholly or not at all."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with database.begin() as tx:
                record(tx, Fact(subject=f"pair:{number}"))
                record(tx, Fact(subject=f"pair:{number}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(database, tmp_path / "one")
    finally:
        stop.set()
        writer.join()
    if database.engine.dialect.name == "sqlite":
        copy = Database(f"sqlite:///{tmp_path / 'one'}", SimClock(from_ms(0)))
        with copy.read() as tx:
            pairs = [fact.subject for fact in facts_since(tx) if fact.subject.startswith("pair")]
        assert pairs == [f"pair:{number // 2 + 1}" for number in range(len(pairs))]
        assert len(pairs) % 2 == 0


def test_without_the_tools_it_says_what_to_install(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shouye.base.kernel.backup.find_postgres", lambda _: None)
    with pytest.raises(ToolMissing, match="postgresql-client"):
        back_up(Database(postgres_url, SimClock(from_ms(0))), tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []
