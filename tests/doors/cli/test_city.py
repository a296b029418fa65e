"""`shouye city check` says what is there, what is wrong, and leaves a code that a script can read."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from shouye.doors.cli.city import city_app
from tests.base.roster.small import edit, write_city

DATONG = Path(__file__).parents[3] / "cities" / "datong"


def test_the_reference_city_is_clean() -> None:
    result = CliRunner().invoke(city_app, ["check", str(DATONG)])
    assert result.exit_code == 0
    for word in ("大同市", "1,426", "401", "3,654", "虚构演练人员", "未发现错误，提醒 0 处"):
        assert word in result.output


def test_json_for_machines() -> None:
    result = CliRunner().invoke(city_app, ["check", str(DATONG), "--json"])
    summary = json.loads(result.output)
    assert summary["city"] == {"id": "dt", "name": "大同市", "code": "140200"}
    assert {"level": "village", "kind": "village", "count": 1426} in summary["divisions"]
    assert summary["posts"] == {"city": 8, "county": 66, "township": 381, "village": 3654}
    assert summary["persons"] == summary["fictional_persons"]
    assert summary["codes"] == {"nbs-2023": 1966, "mca-2026": 136}
    assert (summary["errors"], summary["problems"]) == (0, [])


def test_errors_are_shown_and_leave_code_one(tmp_path: Path) -> None:
    edit(write_city(tmp_path), "city.toml", "demo_holders = true", "demo_holders = false")
    result = CliRunner().invoke(city_app, ["check", str(tmp_path), "--limit", "3"])
    assert result.exit_code == 1
    for word in ("岗位无责任人", "另有 4 处未列出", "错误 7 处，提醒 0 处"):
        assert word in result.output


def test_warnings_alone_leave_code_zero(tmp_path: Path) -> None:
    row = "xs-v2,list-1,990121101001,桥头社区居委会,2020-01-01,\n"
    edit(write_city(tmp_path), "division_codes.csv", row, "")
    result = CliRunner().invoke(city_app, ["check", str(tmp_path)])
    assert result.exit_code == 0
    assert "没有任何官方代码" in result.output
    assert "提醒 1 处" in result.output


def test_the_day_asked_about_decides_who_is_missing(tmp_path: Path) -> None:
    write_city(tmp_path, registered=True)
    for number in "01":
        edit(tmp_path, "holders.csv", f"1390{number}000000,,,", f"1390{number}000000,2026-07-01,,")
    asked = [
        CliRunner().invoke(city_app, ["check", str(tmp_path), "--on", day]).exit_code
        for day in ("2026-06-30", "2026-07-01")
    ]
    assert asked == [1, 0]


def test_brackets_in_a_problem_are_shown_as_they_are(tmp_path: Path) -> None:
    edit(write_city(tmp_path), "city.toml", 'end = "08:00"', 'end = "25:00"')
    assert "[shifts.night]" in CliRunner().invoke(city_app, ["check", str(tmp_path)]).output
