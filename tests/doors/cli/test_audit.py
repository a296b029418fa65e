"""`shouye audit`: a plain answer, a code that a script can read, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shouye.base.kernel import Sealer, open_key, read_anchor
from shouye.doors.cli.audit import audit_app
from tests.base.kernel.sealing import new, tell


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """Three facts: two of them sealed, each in its own batch, one not."""
    path = tmp_path / "night.sqlite"
    database = new(f"sqlite:///{path}")
    sealer = Sealer(open_key(tmp_path / "keys"), "test", batch=1)
    tell(database, range(2))
    sealer.seal_all(database)
    tell(database, range(2, 3))
    database.close()
    return path


def shouye(*words: object) -> Result:
    return CliRunner().invoke(audit_app, [str(word) for word in words])


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def test_an_untouched_database_is_said_to_be_so(sealed: Path) -> None:
    result = shouye("verify", "--db", sealed)
    assert result.exit_code == 0, result.output
    for word in ("未见改动", "已封存 2 条，尚未封存 1 条", "由所信任的密钥签名", "没有锚文件", "重做并重签"):
        assert word in result.output


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder in which we cannot write, not even as root: the tests go on as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="shouye-copy-"))
    yield folder
    os.seteuid(os.getuid())
    folder.chmod(0o700)
    shutil.rmtree(folder)


def as_nobody(folder: Path) -> None:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)


@pytest.mark.parametrize("beside", [(), ("-wal", "-shm")])
def test_a_copy_that_nobody_can_write_is_verified_as_it_lies(
    sealed: Path, nobody: Path, beside: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(sealed)) as serving:  # what was written last lies in the -wal
        serving.execute("CREATE TABLE x (a)")
        for end in ("", *beside):
            shutil.copy(f"{sealed}{end}", nobody / f"night.sqlite{end}")
    as_nobody(nobody)
    result = shouye("verify", "--db", nobody / "night.sqlite")
    assert (result.exit_code, "已封存 2 条" in result.output) == (0, True), result.output
    assert sorted(os.listdir(nobody)) == sorted(f"night.sqlite{end}" for end in ("", *beside))


def test_half_of_a_copy_is_not_verified(sealed: Path, nobody: Path) -> None:
    with closing(sqlite3.connect(sealed)) as serving:
        serving.execute("CREATE TABLE x (a)")
        for end in ("", "-wal"):
            shutil.copy(f"{sealed}{end}", nobody / f"night.sqlite{end}")
    as_nobody(nobody)
    result = shouye("verify", "--db", nobody / "night.sqlite")
    assert (result.exit_code, "不能只核一半" in result.output) == (2, True), result.output


def test_looking_leaves_no_trace(sealed: Path) -> None:
    """The file of a backup is in another journal mode: it stays so."""
    with closing(sqlite3.connect(sealed)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    before = sealed.read_bytes()
    assert shouye("verify", "--db", sealed).exit_code == 0
    assert (sealed.read_bytes() == before, [path.name for path in sealed.parent.glob("night*")]) == (
        True,
        ["night.sqlite"],
    )


def test_the_head_is_printed_and_kept(sealed: Path, tmp_path: Path) -> None:
    out = tmp_path / "head.json"
    result = shouye("head", "--db", f"sqlite:///{sealed}", "--out", out)
    assert result.exit_code == 0
    anchor = read_anchor(out.read_bytes())
    assert (anchor.seq, anchor.city, anchor.mode) == (2, "datong", "Simulation")
    assert anchor.digest[:4] in result.output
    assert "演练" in result.output
    kept = shouye("verify", "--db", sealed, "--anchor", out)
    assert kept.exit_code == 0
    assert "与留存在外的锚（第 2 号）一致" in kept.output
    assert "没有锚文件" not in kept.output


def test_a_changed_fact_is_named(sealed: Path) -> None:
    spoil(sealed, "UPDATE fact SET actor = 'nobody' WHERE id = 2")
    result = shouye("verify", "--db", sealed)
    assert result.exit_code == 1
    assert "发现不符" in result.output
    assert "封存第 2 号，事实 2：摘要不符" in result.output
    assert "证明了" not in result.output
    assert "证明不了" in result.output


def test_a_cut_tail_needs_the_anchor(sealed: Path, tmp_path: Path) -> None:
    out = tmp_path / "head.json"
    shouye("head", "--db", sealed, "--out", out)
    spoil(
        sealed,
        "DELETE FROM fact WHERE id > 1",
        "DELETE FROM seal WHERE seq > 1",
        "DELETE FROM seal_head WHERE seq > 1",
    )
    without = shouye("verify", "--db", sealed)
    assert without.exit_code == 0
    assert "这里看不出来" in without.output
    result = shouye("verify", "--db", sealed, "--anchor", out, "--json")
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert said["intact"] is False
    assert said["anchor"] == 2
    assert [flaw["seq"] for flaw in said["flaws"]] == [2]
    assert said["proves"] == []


def test_the_list_may_be_short_but_says_so(sealed: Path) -> None:
    spoil(sealed, "UPDATE fact SET subject = 'other'")
    result = shouye("verify", "--db", sealed, "--limit", 1)
    assert result.output.count("✗") == 1
    assert "另有 1 处未列出" in result.output


def test_without_the_key_folder_no_key_is_trusted(sealed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "moved" / "night.sqlite"
    elsewhere.parent.mkdir()
    sealed.rename(elsewhere)
    result = shouye("verify", "--db", elsewhere)
    assert "不知道应信任哪把公钥" in result.output
    trusted = shouye("verify", "--db", elsewhere, "--keys", tmp_path / "keys")
    assert "由所信任的密钥签名" in trusted.output
    open_key(tmp_path / "others")
    foreign = shouye("verify", "--db", elsewhere, "--keys", tmp_path / "others")
    assert foreign.exit_code == 1
    assert "不是用所信任的密钥签名的" in foreign.output


def test_what_cannot_be_audited_is_refused_in_words(sealed: Path, tmp_path: Path) -> None:
    missing, garbage, empty = tmp_path / "missing.db", tmp_path / "garbage.db", tmp_path / "empty.db"
    garbage.write_bytes(b"no database at all, but long enough to look at" * 30)
    empty.touch()
    bad_anchor = tmp_path / "bad.json"
    bad_anchor.write_text("{}")
    for words, said in (
        (["verify", "--db", missing], "没有找到"),
        (["head", "--db", missing], "没有找到"),
        (["verify", "--db", garbage], "打不开"),
        (["verify", "--db", empty], "库结构"),
        (["verify", "--db", sealed, "--anchor", bad_anchor], "锚文件"),
        (["verify", "--db", sealed, "--keys", tmp_path / "nowhere"], "没有密钥目录"),
    ):
        result = shouye(*words)
        assert result.exit_code == 2, (words, result.output)
        assert said in result.stderr, (words, result.stderr)
    assert not missing.exists()


def test_a_database_without_seals_has_no_head(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    new(f"sqlite:///{path}").close()
    result = shouye("head", "--db", path)
    assert result.exit_code == 2
    assert "还没有封存过" in result.stderr
    assert shouye("verify", "--db", path).exit_code == 3
