"""`shouye judge` as a person and a program use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from shouye.doors.cli.judge import judge_command

app = typer.Typer()
app.command("judge")(judge_command)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"})


def test_json_is_the_judgement() -> None:
    result = run("rainstorm", "rain_6h_mm=60", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["level"], found["known"], found["missing"]) == ("YELLOW", False, ["rain_3h_mm"])


def test_an_input_may_be_said_to_be_unknown() -> None:
    found = [
        json.loads(run("fog", "visibility_m=30", lead, "--json").stdout) for lead in ("within_h=?", "within_h=")
    ]
    assert [(each["level"], each["missing"]) for each in found] == [("unknown", ["within_h"])] * 2
    assert json.loads(run("fog", "visibility_m=30", "--json").stdout)["level"] == "RED"


def test_a_person_reads_colour_word_reason_source_and_what_is_missing() -> None:
    text = run("rainstorm", "rain_6h_mm=60").stdout
    for words in (
        "黄色",
        "至少",
        "6小时内降雨量50毫米以上",
        "中国气象局令第16号",
        "已核对来源",
        "缺项",
        "rain_3h_mm",
    ):
        assert words in text


def test_a_proposed_figure_is_shown_as_proposed() -> None:
    text = run("flash_flood", "rain_1h_mm=30").stdout
    assert "立即转移" in text
    assert "建议值" in text


def test_a_duty_is_shown_with_its_answer() -> None:
    text = run("forest_fire", "area_ha=5", "deaths=0", "serious_injuries=0", "open_flame_h=24").stdout
    assert "较大" in text
    assert "是：省级须立即报告国家森林防火指挥机构" in text
    assert "缺：" in run("forest_fire", "area_ha=5", "deaths=0", "serious_injuries=0").stdout


@pytest.mark.parametrize("arguments", [("rainstorm@SX-local",), ("rainstorm", "--rules", "SX-local")])
def test_another_rule_set_can_be_named(arguments: tuple[str, ...]) -> None:
    found = json.loads(run(*arguments, "rain_24h_mm=50", "--json").stdout)
    assert (found["rules"], found["level"]) == ("SX-local", "BLUE")
    assert found["unknown_levels"] == ["YELLOW", "ORANGE", "RED"]


def test_the_list_names_kinds_and_inputs() -> None:
    found = {each["kind"]: each for each in json.loads(run("--list", "--json").stdout)}
    assert {"rainstorm", "rainstorm@SX-local", "rain_call", "flash_flood", "gale", "toxic_gas"} <= set(found)
    first = found["rainstorm"]["inputs"][0]
    assert (first["name"], first["unit"], first["term"]) == ("rain_3h_mm", "mm", "3小时降雨量")
    assert all(each["title"] and each["source"] for each in found.values())
    assert "rain_3h_mm" in run("--list").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "请写明规则种类"),
        (("meteor",), "没有这张规则表"),
        (("rainstorm", "--rules", "x"), "rainstorm@SX-local"),
        (("rainstorm", "rain_1h_mm=3"), "可用：rain_3h_mm"),
        (("rainstorm", "rain_3h_mm=50mm"), "应只写数字，单位 mm"),
        (("rainstorm", "50"), "名称=数值"),
        (("rainstorm", "rain_3h_mm=-1"), "不能是 -1"),
        (("rainstorm", "rain_3h_mm=1", "rain_3h_mm=2"), "写了两次"),
        (("rainstorm", "rain_3h_mm=60", "rain_6h_mm=40"), "互相矛盾"),
        (("road_icing", "precipitation=maybe"), "应为是或否"),
    ],
)
def test_a_refusal_is_chinese_on_stderr_and_exits_2(arguments: tuple[str, ...], why: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert why in result.stderr


def test_a_city_may_bring_its_own_table(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "pond.x.toml").write_text("kind = 1", encoding="utf-8")
    result = run("rainstorm", "--city", str(tmp_path))
    assert result.exit_code == 2
    assert "pond.x.toml：表头缺少 id" in result.stderr
