"""`shouye feeds map`: a guess that is shown, mended and saved; the saved block is one that is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shouye.doors.cli.feeds_map import guess
from shouye.main import cli
from shouye.watch import feeds
from shouye.watch.intake import read_frames

KELANI = (
    "Date,Time,RiverBasin,HydrometricStation,Rainfall_mm,RiverWaterLevel,RiverWaterLevel_Unit,Alert_level,t\n"
    "1764115200.0,8.0,Kelani,Norwood,0.0,1.0,m,4.8,2025-11-26 08:00:00\n"
    "1764115200.0,9.0,Kelani,Nagalagam Street,0.9,2.0,ft,4.8,2025-11-26 09:00:00\n"
    "1764115200.0,9.0,Kelani,Norwood,0.9,,m,4.8,2025-02-30 09:00:00\n"
)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["feeds", "map", *words], env={"COLUMNS": "200"})


def test_columns_units_and_time_are_guessed() -> None:
    found = guess(KELANI.encode())
    assert found.settings == {
        "time": "t",
        "time_format": "iso",
        "station": "HydrometricStation",
        "column.Rainfall_mm": "rain_mm mm",
        "column.RiverWaterLevel": "stage_m @RiverWaterLevel_Unit",
    }
    assert found.stations == ("Norwood", "Nagalagam Street")
    assert "Alert_level" in found.unused


def test_a_column_named_unit_speaks_for_what_it_can_be_the_unit_of() -> None:
    found = guess("站名,时间,雨量,水位,Unit\na,2026-07-20 08:00,2,5.7,m\nb,2026-07-20 08:00,1,8.3,m\n".encode())
    assert found.settings["column.水位"] == "stage_m @Unit"
    assert found.settings["column.雨量"] == "rain_mm mm", "no metres of rain"


@pytest.mark.parametrize(
    ("text", "time", "time_format"),
    [
        ("站名,日期,时,雨量(mm)\n阳高,2026-07-20,8,1\n", "{日期} {时}", "%Y-%m-%d %H"),
        ("站名,时间,雨量(mm)\n阳高,2026/7/20 8:00,1\n", "时间", "%Y/%m/%d %H:%M"),
        ("站名,时间,雨量(mm)\n阳高,2026年7月20日8时,1\n", "时间", "%Y年%m月%d日%H时"),
        ("站名,time,雨量(mm)\n阳高,1784505600,1\n", "time", "epoch_s"),
        ("站名,time,雨量(mm)\n阳高,20-07-2026,1\n", "time", "%d-%m-%Y"),
    ],
)
def test_forms_of_time(text: str, time: str, time_format: str) -> None:
    found = guess(text.encode())
    assert (found.settings["time"], found.settings["time_format"]) == (time, time_format)
    assert found.settings["column.雨量(mm)"] == "rain_mm mm"


def test_it_says_what_it_understood_and_saves_a_block_that_is_read(tmp_path: Path) -> None:
    file, saved = tmp_path / "kelani.csv", tmp_path / "feeds.toml"
    file.write_text(KELANI, encoding="utf-8")
    told = run(str(file), "--name", "kelani", "--column", "Rainfall_mm=", "--save", str(saved))
    assert told.exit_code == 0, told.output
    assert "共 3 行：读得出 2，拒收 1" in told.output
    assert "2025-02-30" in told.output
    (feed,) = feeds.read_feeds(saved).values()
    proof = feeds.prove(feed, read_frames(file, feed.codec, feed.session_options))
    assert [(one.station, one.element, one.value) for one in proof.readings] == [
        ("Norwood", "stage_m", 1.0),
        ("Nagalagam Street", "stage_m", pytest.approx(0.6096)),
    ]
    assert run(str(file), "--save", str(saved)).exit_code == 2, "nothing is overwritten"


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a,b\nx,y\n", b"\0\1\2"])
def test_what_cannot_be_guessed_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    assert run(str(tmp_path / "x.csv")).exit_code == 2
    assert run(str(tmp_path / "none.csv")).exit_code == 2
