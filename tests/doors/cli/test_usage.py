"""命令写错了 — every kind of mistake at the command line is one Chinese sentence and code 2."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

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
