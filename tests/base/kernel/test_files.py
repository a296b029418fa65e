"""文件 — a process that ends while it writes leaves all of it or nothing; keys are read at the next start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shouye.base.kernel import open_key
from shouye.base.kernel.files import write_new, write_over
from shouye.base.kernel.vault import open_vault, rotate_vault


def end(*_: object) -> None:
    raise SystemExit


def test_a_new_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new"
    with monkeypatch.context() as cut:
        cut.setattr(os, "fsync", end)
        with pytest.raises(SystemExit):
            write_new(path, b"all of it")
    assert not path.exists()
    write_new(path, b"all of it")
    with pytest.raises(FileExistsError):
        write_new(path, b"another")
    assert path.read_bytes() == b"all of it"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_old_file_stays_until_the_new_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old"
    write_new(path, b"old")
    with monkeypatch.context() as cut:
        cut.setattr(os, "fsync", end)
        with pytest.raises(SystemExit):
            write_over(path, b"new")
    assert path.read_bytes() == b"old"
    write_over(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "open_it", [lambda folder: open_key(folder), lambda folder: open_vault(folder / "contacts.key", make=True)]
)
def test_a_first_start_cut_off_does_not_keep_the_next_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_it: Callable[[Path], object]
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(os, "fsync", end)
        with pytest.raises(SystemExit):
            open_it(tmp_path)
    assert open_it(tmp_path)


def test_a_rotation_cut_off_loses_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "contacts.key"
    sealed = open_vault(path, make=True).seal("1:mobile", "00012345678")
    with monkeypatch.context() as cut:
        cut.setattr(os, "fsync", end)
        with pytest.raises(SystemExit):
            rotate_vault(path)
    assert open_vault(path, make=False).number == 1
    assert rotate_vault(path).number == 2
    assert open_vault(path, make=False).open("1:mobile", sealed) == "00012345678"


@pytest.mark.parametrize("write", [write_new, write_over])
def test_the_name_is_on_disk_when_it_is_said_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    """What rests on it, numbers sealed with a new key, may lie on another disk and be there first."""
    kept: list[list[str]] = []
    sync = os.fsync

    def note(opened: int) -> None:
        if os.path.samestat(os.fstat(opened), tmp_path.stat()):
            kept.append(os.listdir(tmp_path))
        sync(opened)

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path / "key", b"2")
    assert kept == [["key"]]
