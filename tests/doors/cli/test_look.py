"""`shouye stations`, `shouye silence`: the command line lists what the pages list, whole, as text or as a file."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from shouye.base import pulse, tasks
from shouye.base.kernel import BEIJING, Database, Mode, WallClock, open_vault, vault_path
from shouye.base.papers import Sheet
from shouye.base.roster import import_city, load_city
from shouye.doors.cli.look import lines
from shouye.main import CITIES, cli
from shouye.watch import observe, stations
from shouye.watch.observe import Reading

FIVE = timedelta(minutes=5)
AUGUST = datetime(2013, 8, 11, 14, tzinfo=BEIJING)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Datong with one gauge that speaks now, one that spoke in 2013, and the rest never."""
    found = f"sqlite:///{tmp_path_factory.mktemp('look') / 'city.sqlite'}"
    files, database = load_city(CITIES / "datong"), Database(found, WallClock())
    database.create(Mode.SIMULATION, files.id)
    database.install(open_vault(vault_path(database.engine.url), make=True))
    now = WallClock().now().replace(microsecond=0)
    with database.begin() as tx:
        import_city(tx, files)
        used = {one.id: one.county for one in files.records.stations}
        stations.watch(tx, used, sorted(set(used.values())))
        observe.store_batch(
            tx,
            [
                *(Reading("53487", "rain_mm", now - at * FIVE, 2.5, FIVE) for at in range(3)),
                *(
                    Reading("53594", "rain_mm", AUGUST + at * 12 * FIVE, mm, 12 * FIVE)
                    for at, mm in enumerate([1.0, 72.5, 9.4])
                ),
                Reading("53594", "stage_m", AUGUST, 1042.31, 12 * FIVE),
                Reading("53594", "stage_m", AUGUST + 12 * FIVE, None, 12 * FIVE),
            ],
        )
    database.close()
    return found


def run(url: str, *words: str) -> str:
    told = CliRunner().invoke(cli, [*words, "-d", url])
    assert told.exit_code == 0, told.output
    return told.output


def test_the_latest_of_all_is_listed_filtered_and_written(url: str, tmp_path: Path) -> None:
    every = run(url, "stations", "list").splitlines()
    assert every[0].split()[:3] == ["状态", "测站", "站号"]
    assert len(every) == 11, "eight stations, one of them with two series, a head and a foot"
    assert [line.split()[0] for line in every[1:-1]] == ["听不到"] * 8 + ["正常"]
    (heard, _) = run(url, "stations", "list", "--state", "正常").splitlines()[1:]
    assert "2.5  mm" in heard
    assert "：1 行" in run(url, "stations", "list", "--element", "水位")
    out = tmp_path / "最新值.xlsx"
    assert "已写出 1 行" in run(url, "stations", "list", "--find", "53487", "--out", str(out))
    (sheet,) = load_workbook(out).worksheets
    assert "53487" in [cell.value for cell in sheet[sheet.max_row]]
    wrong = CliRunner().invoke(cli, ["stations", "list", "--state", "坏了", "-d", url])
    assert (wrong.exit_code, "只能是 达到标准、听不到" in wrong.output) == (2, True)


def test_one_station_and_its_readings_of_years_ago(url: str, tmp_path: Path) -> None:
    assert "：2 行" in run(url, "stations", "show", "53594")
    asked = ("--element", "rain_mm", "--span", "24h", "--until", "2013-08-11")
    told = run(url, "stations", "readings", "53594", *asked)
    assert "2013-08-11 15:00:00  72.5          72.5  mm" in told
    level = run(url, "stations", "readings", "53594", "--element", "水位", *asked[2:])
    assert [line.split()[-1] for line in level.splitlines()[1:-1]] == ["可用", "缺测"]
    file = tmp_path / "a.csv"
    run(url, "stations", "readings", "53594", *asked, "--out", str(file))
    with file.open(encoding="utf-8-sig", newline="") as opened:
        assert [row[1] for row in csv.reader(opened)] == ["来数", "1.0", "72.5", "9.4"]
    beside = run(
        url, "stations", "compare", "53594~rain_mm", "53487~rain_mm", "--span", "1y", "--until", "2013-12-31"
    )
    assert "2013-08-12 08:00:00                82.9\n" in beside, "a day from eight to eight"
    (row, _) = run(
        url, "history", "curve", "53594", "--since", "2013-08-01", "--until", "2013-09-01", "--buckets", "1"
    ).splitlines()[1:]
    assert row.split()[4:11] == ["3", "0", "1", "2013-08-11", "14:00:00", "72.5", "2013-08-11"]
    assert CliRunner().invoke(cli, ["stations", "show", "535", "-d", url]).exit_code == 2


def test_what_is_not_heard_is_listed_and_asked_about(url: str) -> None:
    database = Database(url, WallClock())
    voice = pulse.Voice("feed", "push", "HTTP 推送", FIVE, AUGUST)
    upkeep = tasks.read_upkeep(CITIES / "datong" / "ladder.toml", "dt/city_duty", "dt")
    database.install(
        pulse.Voices({"feed": lambda _: [voice]}),
        upkeep,
        tasks.Ladders(tasks.read_ladders(CITIES / "datong" / "ladder.toml")),
    )
    pulse.PulseClock().run_due(database)
    database.close()
    told = run(url, "silence", "list")
    assert "HTTP 推送" in told
    number = told.splitlines()[1].split()[0]
    assert "已联系" in run(url, "silence", "asked", number, "--note", "大数据局小李：在修")
    assert "大数据局小李：在修" in run(url, "silence", "list")


def test_nothing_is_cut_and_empty_columns_are_left_out() -> None:
    sheet = Sheet("t", ("站", "空", "数"), [("很长的测站名称" * 9, None, 1.5), ("b", "", -20.25)])
    head, first, second = lines(sheet)
    assert head.split() == ["站", "数"]
    assert "很长的测站名称" * 9 in first
    assert (first[-6:], second[-6:]) == ("   1.5", "-20.25")
