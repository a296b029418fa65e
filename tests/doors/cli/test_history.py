"""`shouye history` — what is loaded can be exported again, from the database and from closed months alike."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from shouye.base.access import WHOLE
from shouye.base.kernel import Database, Mode, WallClock
from shouye.main import cli
from shouye.watch import observe, stations

ROWS = """station,time,value,source
s1,2020-01-05T08:00:00,1.5,=cmd
s1,2020-01-05T09:00:00,-,s1
s1,2020-02-30T09:00:00,2,s1
s1,2020-01-05T10:00:00,nan,s1
s1,2020-01-05T11:00:00,inf,s1
s1,2020-01-05T12:00:00,9999,s1
zz,2020-01-05T12:00:00,1,s1
"""


class Town:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'city.db'}"
        self.files = folder / "files"
        database = Database(self.url, WallClock())
        database.create(Mode.SIMULATION, "test")
        with database.begin() as tx:
            stations.watch(tx, {"s1": "east"}, ["east"], aliases={("省水文", "30746200"): "s1"})
        database.close()

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["history", *words, "-d", self.url])

    def load(self, text: str, *words: str) -> Result:
        file = self.folder / "in.csv"
        file.write_text(text, encoding="utf-8")
        return self.run("load", str(file), "--element", "rain_mm", *words)

    def export(self, name: str) -> Result:
        span = ("--since", "2020-01-01T00:00:00", "--until", "2021-01-01T00:00:00")
        return self.run("export", "s1", str(self.folder / name), *span, "--files", str(self.files))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def exported(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


def test_rows_are_taken_one_by_one_and_come_out_again(town: Town) -> None:
    loaded = town.load(ROWS)
    assert loaded.exit_code == 1
    assert "收下 4 行，其中新的 4 行；拒收 3 行。" in loaded.output
    assert "第 4 行：时间读不懂：2020-02-30T09:00:00" in loaded.output
    assert "第 6 行：数值读不懂：inf" in loaded.output
    assert "没有这个测站：zz" in loaded.output
    assert "其中新的 0 行" in town.load(ROWS).output, "what is there is not there twice"
    assert town.export("a.csv").exit_code == 0
    rows = exported(town.folder / "a.csv")
    assert [row[5] for row in rows] == ["1.5", "", "", "9999.0"]
    assert rows[0][6] == "'=cmd", "a cell that looks like a formula is text"
    assert "没有数" in rows[3][7]
    assert town.export("a.xlsx").exit_code == 0
    sheet = load_workbook(town.folder / "a.xlsx").active
    assert sheet is not None
    assert [row[6] for row in sheet.iter_rows(values_only=True)][1] == "'=cmd"


def test_an_export_spans_closed_months(town: Town) -> None:
    town.load(ROWS)
    town.export("before.csv")
    done = town.run("tidy", "--files", str(town.files))
    assert done.exit_code == 0, done.output
    assert "移出数据库：无" in done.output, "six years are over: it was destroyed at once"
    assert "到期销毁：2020-01" in done.output
    assert "还没有归档的月" in town.run("months").output


def test_a_gauge_by_another_name(town: Town) -> None:
    text = "station,time,value\n30746200,2020-03-01T08:00:00,4\n"
    assert "收下 1 行" in town.load(text, "--system", "省水文").output
    assert town.load(text).exit_code == 1, "without the system it is nobody's name"
    town.export("c.csv")
    assert [row[0] for row in exported(town.folder / "c.csv")] == ["s1"]


def test_a_person_marks_readings(town: Town) -> None:
    town.load(ROWS)
    span = ("--since", "2020-01-05T07:00:00", "--until", "2020-01-05T08:00:00", "--reason", "附近洒水")
    assert (
        town.run("mark", "s1", "--quality", "suspect", *span).output == "已记下第 1 条标记：s1 rain_mm 判为可疑\n"
    )
    corrected = town.run("mark", "s1", "--quality", "good", "--value", "1.2", *span)
    assert corrected.output == "已记下第 2 条标记：s1 rain_mm 订正为 1.2\n"
    wrong = town.run("mark", "s1", "--quality", "bad", "--value", "1.2", *span)
    assert (wrong.exit_code, "订正值" in wrong.output) == (2, True)
    with Database(town.url, WallClock()).read() as tx:
        assert [(one.quality.value, one.value) for one in observe.marks(tx, WHOLE)] == [
            ("suspect", None),
            ("good", 1.2),
        ]


def test_refusals_are_said_in_words(town: Town) -> None:
    assert town.load("a,b\n1,2\n").exit_code == 2
    assert town.export("x.pdf").exit_code == 2
    assert town.run("load", str(town.folder / "none.csv")).exit_code == 2
