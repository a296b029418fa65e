"""The Beijing set through the product's own commands: 12 sites carry 8 distinct rain series."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from typer.testing import CliRunner

from shouye.base.access import WHOLE
from shouye.base.kernel import Database, Mode, WallClock
from shouye.main import cli
from shouye.watch import stations
from tests.shared.conftest import SHARED

JULYS = ("2013-07", "2014-07", "2015-07")


def test_twelve_sites_are_eight_sources(tmp_path: Path) -> None:
    sites: dict[str, str] = {}
    file = tmp_path / "rain.csv"
    source = SHARED / "data" / "rain" / "beijing_hourly_2013_2015.csv.gz"
    with (
        gzip.open(source, "rt", encoding="utf-8") as packed,
        file.open("w", encoding="utf-8", newline="") as plain,
    ):
        writer = csv.writer(plain)
        writer.writerow(["station", "time", "value"])
        for row in csv.DictReader(packed):
            if row["time"].startswith(JULYS):
                sites[row["station"]] = "east"
                writer.writerow([row["station"], row["time"], row["RAIN"]])
    url = f"sqlite:///{tmp_path / 'city.db'}"
    database = Database(url, WallClock())
    database.create(Mode.SIMULATION, "test")
    with database.begin() as tx:
        stations.watch(tx, sites, ["east"])
    run = CliRunner()
    loaded = run.invoke(cli, ["history", "load", str(file), "-d", url, "--element", "rain_mm"])
    assert loaded.exit_code == 0, loaded.output
    window = ["--since", "2013-06-30T00:00:00", "--until", "2015-08-01T00:00:00"]
    found = run.invoke(cli, ["history", "same", "-d", url, *window])
    assert "共 4 个重复测源。" in found.output
    with database.read() as tx:
        groups = {one.station: one.same_as for one in stations.same_sources(tx, WHOLE)}
    assert groups == {
        "Guanyuan": "Aotizhongxin",
        "Dingling": "Changping",
        "Nongzhanguan": "Dongsi",
        "Tiantan": "Dongsi",
    }
    assert len(sites) - len(groups) == 8
    database.close()
