"""The storm reader: what it takes, what it refuses and why, what it merges and assumes."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake import Storm, UnreadableStorm, lay, read_storm

HEAD = "time,station,rain_1h_mm\n"


def storm(folder: Path, text: str | bytes, name: str = "storm.csv") -> Storm:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_storm(path)


def test_a_plain_storm(tmp_path: Path) -> None:
    told = storm(tmp_path, HEAD + "2021-07-20T17:00:00+08:00,灵丘,201.9\n2021-07-20T08:00:00Z,灵丘,52\n")
    at = datetime(2021, 7, 20, 17, tzinfo=BEIJING)
    assert told.series == {"灵丘": ((at - timedelta(hours=1), 52.0), (at, 201.9))}
    assert (told.name, told.element, told.step) == ("storm", "rain_mm", timedelta(hours=1))
    assert (told.begins_at, told.ends_at) == (at - timedelta(hours=2), at)
    assert told.refused == ()
    assert told.declared is None
    assert told.notes == ("时间取每个时段的结束时刻",)


@pytest.mark.parametrize(
    ("element", "step"),
    [("rain_1h_mm", 60), ("rain_3h_mm", 180), ("rain_10min_mm", 10), ("rain_5min_mm", 5)],
)
def test_the_header_names_the_step(tmp_path: Path, element: str, step: int) -> None:
    told = storm(tmp_path, f"time,station,{element}\n2021-07-20T17:00:00+08:00,a,1\n")
    assert told.step == timedelta(minutes=step)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = (HEAD + "2021-07-20T17:00:00+08:00,灵丘,1.5\r\n").encode(encoding)
    told = storm(tmp_path, gzip.compress(data) if packed else data, "storm.csv.gz" if packed else "storm.csv")
    assert told.name == "storm"
    assert told.stations == ("灵丘",)


def test_a_time_without_zone_is_read_as_beijing_and_it_says_so(tmp_path: Path) -> None:
    told = storm(tmp_path, HEAD + "2021-07-20 17:00,a,1\n2021/7/20 18:00,a,2\n")
    assert [at.hour for at, _ in told.series["a"]] == [17, 18]
    assert all(at.utcoffset() == timedelta(hours=8) for at, _ in told.series["a"])
    assert any("2 行" in note and "北京时间" in note for note in told.notes)


def test_empty_is_missing_and_never_zero(tmp_path: Path) -> None:
    told = storm(tmp_path, HEAD + "2021-07-20T17:00:00+08:00,a,\n2021-07-20T18:00:00+08:00,a,0\n")
    assert [value for _, value in told.series["a"]] == [None, 0.0]
    assert any("缺测 1 个时次" in note for note in told.notes)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2021-07-20T17:00:00+08:00,a", "列数为 2，应为 3"),
        ("昨天,a,1", "时间“昨天”不可辨认"),
        ("2021-07-20T17:00:00+08:00,,1", "没有站名"),
        ("2021-07-20T17:00:00+08:00,a,多", "雨量“多”不是数字"),
        ("2021-07-20T17:00:00+08:00,a,-9999", "不是有效的非负数"),
        ("2021-07-20T17:00:00+08:00,a,inf", "不是有效的非负数"),
        ("2021-07-20T17:00:00+08:00,a,9999", "超过合理性上限"),
    ],
)
def test_a_bad_row_is_kept_with_its_reason(tmp_path: Path, row: str, reason: str) -> None:
    told = storm(tmp_path, HEAD + row + "\n2021-07-20T18:00:00+08:00,b,2\n")
    (refused,) = told.refused
    assert (refused.line, refused.text) == (2, row)
    assert reason in refused.reason
    assert told.stations == ("b",)


@pytest.mark.parametrize("values", [("3", "5"), ("5", "3"), ("", "5"), ("5", "")])
def test_of_two_values_for_one_hour_the_larger_stands(tmp_path: Path, values: tuple[str, str]) -> None:
    rows = "".join(f"2021-07-20T17:00:00+08:00,a,{value}\n" for value in values)
    told = storm(tmp_path, HEAD + rows)
    assert [value for _, value in told.series["a"]] == [5.0]
    (refused,) = told.refused
    assert refused.line == (2 if values[1] == "5" else 3)
    assert "按内容取较大值 5" in refused.reason


def test_a_repeated_row_is_merged(tmp_path: Path) -> None:
    told = storm(tmp_path, HEAD + "2021-07-20T17:00:00+08:00,a,5\n" * 3)
    assert told.refused == ()
    assert "2 行与前面重复，已合并" in told.notes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "station,time\n",
        "time,station,rain\n1,2,3\n",
        "time,station,rain_1h_mm,rain_3h_mm\n",
        HEAD,
        HEAD + "x,y,z\n",
    ],
)
def test_what_is_no_storm_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableStorm, match="雨情文件无法读取"):
        storm(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStorm):
        storm(tmp_path, b"time,station,\xff\xff\xff\n")
    with pytest.raises(UnreadableStorm):
        storm(tmp_path, gzip.compress(HEAD.encode())[:-9])
    with pytest.raises(UnreadableStorm):
        storm(tmp_path, gzip.compress(HEAD.encode())[:10] + b"\xff" * 30)
    with pytest.raises(UnreadableStorm, match="field larger"):
        storm(tmp_path, HEAD + "x" * 200_000)
    with pytest.raises(UnreadableStorm, match="FileNotFoundError"):
        read_storm(tmp_path / "none.csv")


def test_identical_series_are_one_source(tmp_path: Path) -> None:
    rows = [
        f"2021-07-20T{hour}:00:00+08:00,{station},{value}\n"
        for hour, values in (("17", "1 1 2 0 0"), ("18", "3 3 3 0 0"))
        for station, value in zip("cabde", values.split(), strict=True)
    ]
    told = storm(tmp_path, HEAD + "".join(rows))
    assert told.merged == (("a", "c"),), "two dry gauges prove nothing"
    assert told.stations == ("a", "b", "c", "d", "e")
    assert set(told.series) == {"a", "b", "d", "e"}
    assert told.source_of("c") == "a"
    assert any("a、c" in note and "同一来源 a" in note for note in told.notes)


def test_a_storm_is_laid_on_stations(tmp_path: Path) -> None:
    rows = "2021-07-20T17:00:00+08:00,a,5\n2021-07-20T17:00:00+08:00,b,5\n2021-07-20T18:00:00+08:00,a,\n"
    told = storm(tmp_path, HEAD + rows + "2021-07-20T18:00:00+08:00,b,\n")
    readings = lay(told, {"53594": "b", "53590": "a"}, timedelta(hours=9))
    assert [(one.station, one.time.hour, one.value, one.source) for one in readings] == [
        ("53590", 2, 5.0, "a"),
        ("53594", 2, 5.0, "a"),
        ("53590", 3, None, "a"),
        ("53594", 3, None, "a"),
    ]
    with pytest.raises(BadInput, match="没有测站 z"):
        lay(told, {"53594": "z"})


def test_a_sidecar_declares_the_origin(tmp_path: Path) -> None:
    (tmp_path / "storm.toml").write_text(
        'title = "某暴雨"\nreconstructed = true\n'
        '[[station]]\nid = "v1"\nname = "虚拟"\ncounty = "c1"\nvirtual = true\n',
        encoding="utf-8",
    )
    declared = storm(tmp_path, HEAD + "2021-07-20T17:00:00+08:00,v1,5\n").declared
    assert declared is not None
    assert (declared.title, declared.reconstructed, declared.time_shift_h) == ("某暴雨", True, 0)
    assert (declared.stations[0].id, declared.stations[0].virtual, declared.stations[0].lon) == ("v1", True, None)
    (tmp_path / "storm.toml").write_text("[[station]]\nid = 1\n", encoding="utf-8")
    with pytest.raises(UnreadableStorm, match=r"storm\.toml"):
        read_storm(tmp_path / "storm.csv")
