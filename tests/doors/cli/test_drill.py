"""演练命令 — the main job as its user types it: a storm in, the record and the papers out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from shouye.main import cli

RAIN_MM = (0, 0, 4, 30, 28, 6, 0, 0)
"""64 mm in three hours: 橙, and past the proposed thresholds of 山洪."""

CALL_SUMS = ("opened", "answered", "handed_over", "withdrawn", "open", "late", "escalated")


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("storm") / "short.csv"
    rows = [f"2024-07-20T{hour:02d}:00:00+08:00,A,{mm}" for hour, mm in enumerate(RAIN_MM, start=1)]
    path.write_text("\n".join(["time,station,rain_1h_mm", *rows, ""]), encoding="utf-8")
    return path


def drill(storm: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["drill", str(storm), *options])


@pytest.fixture(scope="module")
def played(storm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("out")
    return drill(storm, "--out", str(out), "--json", str(out / "again.json")), out


def test_the_night_is_told_and_written(played: tuple[Result, Path]) -> None:
    told, out = played
    assert told.exit_code == 0, told.output
    assert "移植暴雨" in told.output
    assert "时间线" in told.output
    record = json.loads((out / "drill.json").read_text("utf-8"))
    assert (out / "again.json").read_bytes() == (out / "drill.json").read_bytes()
    assert (record["mode"], record["storm"], record["transposed"]) == ("Simulation", "short", True)
    crossings = {
        (item["level"], item["first_at"][11:16]) for item in record["findings"] if item["hazard"] == "rainstorm"
    }
    assert crossings == {("BLUE", "05:00"), ("YELLOW", "05:00"), ("ORANGE", "05:00")}
    calls = record["calls"]
    assert calls["opened"] == calls["answered"] + calls["handed_over"] + calls["withdrawn"] + calls["open"]
    assert calls["opened"] > 400, "橙 and 立即转移 wake the villages of the county"
    for parts in (calls["by_county"], calls["by_level"].values()):
        assert {key: sum(part[key] for part in parts) for key in CALL_SUMS} == {
            key: calls[key] for key in CALL_SUMS
        }


def test_the_papers_say_what_the_record_says(played: tuple[Result, Path]) -> None:
    _, out = played
    record = json.loads((out / "drill.json").read_text("utf-8"))
    book = openpyxl.load_workbook(io.BytesIO((out / "calls.xlsx").read_bytes()))
    rows = [row for row in book["叫应明细"].iter_rows(values_only=True) if row[0] and str(row[0]).startswith("N-")]
    assert len(rows) == record["calls"]["opened"]
    states = [row[9] for row in rows]
    assert states.count("已应答") == record["calls"]["answered"]
    assert {str(row[8])[:3] for row in rows} == {"000"}, "no number that could be real"
    report = (out / "report.html").read_text("utf-8")
    for needed in ("演练", "移植暴雨", "<svg", f"<b>{record['calls']['opened']}</b>", "边界示意，来源未注明"):
        assert needed in report


def test_start_moves_the_storm_and_people_answer_as_stated(storm: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.toml"
    people.write_text(
        "[default]\nconfirmed = 0\nheard = 0\nno_answer = 1\nbusy = 0\ndeclined = 0\noff = 0\n", "utf-8"
    )
    out = tmp_path / "moved.json"
    told = drill(storm, "--start", "2024-07-20T22:00", "--people", str(people), "--json", str(out), "--quiet")
    assert told.exit_code == 0, told.output
    record = json.loads(out.read_text("utf-8"))
    assert record["begins_at"] == "2024-07-20T22:00:00+08:00"
    assert (
        min(item["first_at"] for item in record["findings"] if item["level"] == "ORANGE")[:16]
        == "2024-07-21T03:00"
    )
    assert record["calls"]["late"] == record["calls"]["opened"], "nobody picks up: every call is late"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--speed", "soon"), "倍速"),
        (("--start", "tonight"), "时刻"),
        (("--city", "atlantis"), "没有这个城市"),
    ],
)
def test_what_cannot_be_done_is_said_in_chinese(storm: Path, options: tuple[str, ...], why: str) -> None:
    told = drill(storm, *options)
    assert told.exit_code == 2
    assert why in told.stderr


def test_a_file_that_is_no_storm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    told = drill(path)
    assert told.exit_code == 2
    assert "雨情文件无法读取" in told.stderr
