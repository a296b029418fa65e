"""命令写错了 — every kind of mistake at the command line is one Chinese sentence and code 2."""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shouye.base.kernel import opening
from shouye.doors.cli import usage
from shouye.main import cli

WRONG = [
    (["nosuch"], "没有命令 nosuch。写法见 shouye --help"),
    (["feeds", "check", "--cty", "x"], "没有选项 --cty，是不是 --city"),
    (["feeds", "check", "--sample"], "选项 --sample 后面要写值"),
    (["drill"], "缺少参数 storm"),
    (["db", "status"], "缺少选项 --database"),
    (["drill", "a.csv", "b.csv"], "多写了 b.csv"),
    (["drill", "a.csv", "--seed", "1.5"], "--seed 应是整数"),
    (["run", "--mode", "earnest"], "--mode 不能是 earnest，只能是 simulation、test、actual"),
    (["run", "--port", "70000"], "--port 应不大于 65535"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG)
def test_a_mistake_is_one_sentence(words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(cli, words, prog_name="shouye", env={"SHOUYE_DATABASE": ""})
    assert result.exit_code == 2
    assert f"命令写得不对：{sentence}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_group_alone_shows_its_commands() -> None:
    result = CliRunner().invoke(cli, ["feeds"])
    assert "quarantine" in result.stdout + result.stderr
    assert "命令写得不对" not in result.stderr
    assert "显示这段说明" in CliRunner().invoke(cli, ["feeds", "ask", "--help"], env={"COLUMNS": "200"}).stdout


@pytest.mark.parametrize(
    "words",
    [
        ["db", "status", "-d", "postgresql://nobody@/none?host=/nowhere"],
        ["run", "--database", "postgresql://nobody@/none?host=/nowhere"],
        ["access", "user", "list", "-d", "{text}"],
        ["db", "init", "--city", "cities/datong", "--mode", "simulation", "-d", "sqlite:////dev/full"],
    ],
)
def test_a_database_out_of_reach_is_one_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE", timedelta(0))
    text = tmp_path / "letter.sqlite"
    text.write_text("no database at all" * 100)
    given = [word.format(text=f"sqlite:///{text}") for word in words]
    if words[0] == "run":
        given += ["--data", str(tmp_path)]
    result = CliRunner().invoke(cli, given, prog_name="shouye", env={"SHOUYE_DATABASE": ""})
    assert result.exit_code == 2, result.output
    assert "数据库连不上、读不通或写不进" in result.stderr
    assert result.stderr.count("\n") == 1


def test_help_is_not_cut_on_a_narrow_terminal() -> None:
    told = CliRunner().invoke(cli, ["drill", "--help"], prog_name="shouye", env={"COLUMNS": "80"}).output
    assert "…" not in told
    assert "倍速看" in told.replace(" ", "").replace("│", "").replace("\n", "")


def test_a_full_disk_is_one_sentence() -> None:
    said = usage.outside(OSError(errno.ENOSPC, "No space left on device", "record.json"))
    assert said == "读写文件不成：No space left on device（record.json）。"
    assert usage.outside(OSError(errno.EBADF, "Bad file descriptor")) == "", "that would be a fault of ours"
