"""`shouye codec` as a person and a program use it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shouye.doors.cli.codec import codec_app

FRAMES = Path(__file__).parents[2] / "frames" / "sl651.jsonl"
ROWS = {row["name"]: row for row in map(json.loads, FRAMES.read_text(encoding="utf-8").splitlines())}
TIMED: str = ROWS["timed"]["hex"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(codec_app, list(arguments), env={"COLUMNS": "200"})


def decoded(path: Path, data: str | bytes, *arguments: str) -> list[dict[str, Any]]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    result = run("decode", "sl651", str(path), *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_frame_is_one_json_object(tmp_path: Path) -> None:
    (told,) = decoded(tmp_path / "frames.hex", TIMED)
    assert {key: told[key] for key in ("ok", "refused", "detail", "station", "function", "sent")} == {
        "ok": True,
        "refused": None,
        "detail": "",
        "station": "0014020001",
        "function": "32",
        "sent": "2026-07-20T08:00:06+08:00",
    }
    assert told["readings"][0] == {
        "element": "rain_total_mm",
        "time": "2026-07-20T08:00:00+08:00",
        "value": 311.3,
        "unit": "mm",
        "flags": [],
    }
    assert told["fields"]["term"] == "遥测站定时报"


def test_a_refused_frame_says_why_and_keeps_its_bytes(tmp_path: Path) -> None:
    (told,) = decoded(tmp_path / "frames.hex", TIMED[:-2] + "00")
    assert (told["ok"], told["refused"], told["station"]) == (False, "crc", "0014020001")
    assert "校验码" in told["detail"]
    assert told["raw"] == TIMED[:-2] + "00"


@pytest.mark.parametrize(
    "lines",
    [
        TIMED,
        TIMED.lower(),
        " ".join(TIMED[at : at + 2] for at in range(0, len(TIMED), 2)),
        json.dumps({"hex": TIMED, "note": "x"}),
        json.dumps({"hex": " ".join([TIMED[:8], TIMED[8:]])}),
        bytes.fromhex(TIMED),
        "\ufeff" + TIMED + "\r\n",
        f"# 抄自串口\r\n\r\n0x{TIMED}\r\n",
        ", ".join("0x" + TIMED[at : at + 2] for at in range(0, len(TIMED), 2)),
        "-".join(TIMED[at : at + 2] for at in range(0, len(TIMED), 2)),
        (TIMED + "\r\n").encode("utf-16"),
        gzip.compress(TIMED.encode(), mtime=0),
        json.dumps([{"hex": TIMED}]),
        json.dumps({"hex": TIMED}, indent=1),
        json.dumps({"packet": bytes.fromhex(ROWS["ascii_timed"]["hex"]).decode("ascii")}),
    ],
)
def test_the_ways_a_frame_is_kept_in_a_file(tmp_path: Path, lines: str | bytes) -> None:
    (told,) = decoded(tmp_path / "frames", lines)
    assert (told["ok"], told["function"], told["station"]) == (True, "32", "0014020001")


def test_lines_that_hold_no_frame_are_refused_each(tmp_path: Path) -> None:
    told = decoded(tmp_path / "frames", f'{TIMED}\n\nno frame\n{{"hex": 5}}\n{{"hex": "7"}}\n{TIMED}\n')
    assert [row["refused"] for row in told] == [None, "header", "encoding", "encoding", None]


def test_what_a_connection_brought_is_cut_into_its_frames(tmp_path: Path) -> None:
    told = decoded(tmp_path / "captured", bytes.fromhex(TIMED) * 3 + b"noise" + bytes.fromhex(TIMED)[:-1] + b"\0")
    assert [row["refused"] for row in told] == [None, None, None, "header", "crc"]


def test_saved_documents_and_questions_with_answers(tmp_path: Path) -> None:
    path = tmp_path / "saved"
    asked = {"request": "000100000006010300000002", "response": "000100000007010304083000 55"}
    path.write_text(f"{json.dumps(asked)}\n")
    row = json.loads(run("decode", "modbus", str(path)).stdout)
    assert (row["ok"], row["station"], row["fields"]["registers"]) == (True, "1", [2096, 85])
    quake = (
        "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|M"
    )
    line = "1|2026-07-20T08:00:00|40.1|113.3|10|us|us|us|1|ml|2.5|us|Datong"
    path.write_text("\n".join([json.dumps({"packet": f"{quake}\n{line}"}), '{"other": 1}', line.encode().hex()]))
    told = [json.loads(row) for row in run("decode", "fdsn_text", str(path)).stdout.splitlines()]
    assert [(row["refused"], row["station"]) for row in told] == [(None, "1"), ("encoding", ""), (None, "1")]


def test_a_line_without_end_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    told = decoded(tmp_path / "frames", "7E" * (9 << 20) + "\n" + TIMED + "\n7E7\n")
    assert [row["refused"] for row in told] == ["length", None, "encoding"]
    assert len(told[0]["raw"]) == 2048


def test_a_source_names_its_extensions(tmp_path: Path) -> None:
    (told,) = decoded(tmp_path / "frames", ROWS["extensions"]["hex"], "--source", "beijing")
    assert told["readings"][0]["element"] == "soil_temp_1_c"


def test_another_station_in_the_frame_is_named(tmp_path: Path) -> None:
    (told,) = decoded(tmp_path / "frames", ROWS["two_stations"]["hex"])
    assert [row.get("station") for row in told["readings"]] == [None, "0014020002"]


def test_an_unknown_name_and_a_missing_file_are_refused_in_chinese(tmp_path: Path) -> None:
    result = run("decode", "morse", str(tmp_path))
    assert result.exit_code == 2
    assert "规约 morse；可用：" in result.output
    assert "sl651" in result.output
    result = run("decode", "sl651", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "FileNotFoundError" in result.output


def test_the_list_says_what_is_proved() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert (rows["sl651"]["encodes"], rows["sl651"]["session"]) == (True, True)
    assert rows["sl651"]["mark"].startswith("ASCII 编码未经实网验证")
    assert rows["szy206"]["mark"].startswith("未经实网验证")
    assert "SL 651-2014" in run("list").stdout
