"""Real sets through `shouye feeds load`: the good is taken, the rest is refused row by row."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, Database, Mode, WallClock
from shouye.doors.cli.feeds import make_feeds
from shouye.watch import feeds, observe, tally
from shouye.watch.intake import codec_of, newest, places
from tests.shared.conftest import SHARED

DATA = SHARED / "data"

KELANI = """
[[feed]]
name = "kelani"
term = "Kelani Ganga"
owner = "测试"
meaning = "river gauges, feet and metres"
codec = "table"
transport = "folder"
enabled = false
interval_s = 3600
options = { path = "none" }
[feed.settings]
station = "HydrometricStation"
time = "t"
time_format = "%Y-%m-%d %H:%M:%S"
zone_h = 5.5
"column.RiverWaterLevel" = "stage_m @RiverWaterLevel_Unit"
"column.Rainfall_mm" = "rain_mm mm"
[feed.stations]
"Nagalagam Street" = "k1"
Norwood = "k2"
Deraniyagala = "k3"
Gencourse = "k4"
Glencourse = "k4"
Hanwella = "k5"
Holombuwa = "k6"
Kithulgala = "k7"
"""

FLOOD = """
[[feed]]
name = "flood"
term = "flood table as published"
owner = "测试"
meaning = "dates to 2062, codes in the date column"
codec = "table"
transport = "folder"
enabled = false
interval_s = 3600
options = { path = "none" }
[feed.settings]
station = "Gauging_Station"
time = "Report_Date"
time_format = "%d-%m-%Y"
zone_h = 5.5
"column.Water_Level" = "stage_m @Unit"
[feed.stations]
"""

BEIJING_AIR = """
[[feed]]
name = "air"
term = "北京空气质量"
owner = "测试"
meaning = "12 sites"
codec = "table"
transport = "folder"
enabled = false
interval_s = 3600
options = { path = "none" }
[feed.settings]
station = "station"
"column.RAIN" = "rain_mm mm"
"column.TEMP" = "temp_c ℃"
"column.PM2.5" = "pm25_ugm3 ug/m3"
"column.O3" = "o3_ugm3 ug/m3"
[feed.stations]
Aotizhongxin = "b1"
Changping = "b2"
Dingling = "b3"
"""


def documents(*codecs: str) -> str:
    return "".join(
        f'[[feed]]\nname = "{codec}"\nterm = "{codec}"\nowner = "测试"\nmeaning = "公开文件"\ncodec = "{codec}"\n'
        'transport = "http"\ninterval_s = 3600\nany_station = true\n'
        for codec in codecs
    )


class Town:
    """A city of nothing but blocks, and its database."""

    def __init__(self, folder: Path, blocks: str) -> None:
        (folder / "feeds.toml").write_text(blocks, encoding="utf-8")
        self._folder = folder
        self._url = f"sqlite:///{folder / 'town.sqlite'}"
        self.database = Database(self._url, WallClock(), durable=False)
        self.database.create(Mode.SIMULATION, "test")

    def load(self, name: str, file: Path) -> dict[str, int]:
        words = ["load", name, str(file), "-d", self._url]
        told = CliRunner().invoke(make_feeds(lambda _: self._folder), words)
        assert told.exit_code == 0, told.output
        return {word: int(many) for word, many in re.findall(r"([^，\s]+?) (\d+)", told.output) if many != "0"}

    def refusals(self) -> Counter[str]:
        with self.database.read() as tx:
            return Counter(
                {
                    one.what.removeprefix("refused "): one.count
                    for one in tally.counts(tx)
                    if "refused " in one.what
                }
            )


def test_kelani_gauges_in_feet_and_metres_with_gaps_and_a_misspelt_station(tmp_path: Path) -> None:
    town = Town(tmp_path, KELANI)
    file = DATA / "river" / "realtime_waterlevel_kelani_ganga.csv"
    told = town.load("kelani", file)
    assert told["已收"] + told.get("重复", 0) == 711
    assert "拒收" not in told
    assert town.load("kelani", file) == {"重复": 711}
    with town.database.read() as tx:
        feet = observe.history(tx, ["k1"], "stage_m")
        metres = observe.history(tx, ["k4"], "stage_m")
    noon = datetime(2025, 11, 26, 14, 30, tzinfo=BEIJING)
    assert [one.value for one in feet if one.time == noon] == [pytest.approx(1.4 * 0.3048)]
    assert max(one.value for one in feet if one.value is not None) < 4, "feet were taken for metres"
    assert metres
    assert any(one.value is None for one in [*feet, *metres]), "a gap is missing, not zero"


def test_the_dirty_flood_table_is_refused_row_by_row(tmp_path: Path) -> None:
    file = DATA / "river" / "flood_water_level.csv"
    lines = [line.split(b",") for line in file.read_bytes().split(b"\n")[1:] if line]
    gauges = sorted({" ".join(cells[4].decode().split()) for cells in lines})
    town = Town(tmp_path, FLOOD + "".join(f'"{name}" = "g{at}"\n' for at, name in enumerate(gauges)))
    told = town.load("flood", file)
    assert sum(told.values()) == len(lines) == 154, "every row has its fate"
    late = [cells for cells in lines if int(cells[0][-4:]) > WallClock().now().year]
    assert len(late) >= 70
    assert town.refusals()["time"] >= len(late)
    with town.database.read() as tx:
        stored = observe.history(tx, [f"g{at}" for at in range(len(gauges))], "stage_m")
        lying = tally.held(tx, WHOLE, limit=1000)
    assert {one.time.year for one in stored} <= {2025, 2026}
    assert len(stored) > 10
    assert any("2062" in one.detail for one in lying), "the impossible year is named"


def test_beijing_air_quality(tmp_path: Path) -> None:
    town = Town(tmp_path, BEIJING_AIR)
    with gzip.open(DATA / "rain" / "beijing_hourly_2013_2015.csv.gz", "rt", encoding="utf-8") as packed:
        head = [next(packed) for _ in range(2401)]
    (tmp_path / "part.csv").write_text("".join(head), encoding="utf-8")
    told = town.load("air", tmp_path / "part.csv")
    assert (told["已收"], town.refusals()["station"]) == (600, 1800), (
        "nine of the twelve sites are not on the list"
    )
    with town.database.read() as tx:
        assert len(observe.history(tx, ["b1"], "pm25_ugm3")) == 200


def test_a_week_of_earthquakes_with_revisions(tmp_path: Path) -> None:
    town = Town(tmp_path, documents("usgs_geojson"))
    file = DATA / "quake" / "usgs_7day_m1.geojson"
    assert town.load("usgs_geojson", file) == {"已收": 1405}
    assert town.load("usgs_geojson", file) == {"重复": 1405}
    catalogue = json.loads(file.read_text(encoding="utf-8"))
    changed = catalogue["features"][:3]
    for one in changed:
        one["properties"]["mag"] += 0.5
        one["properties"]["updated"] += 60_000
    (tmp_path / "revised.geojson").write_text(json.dumps({**catalogue, "features": changed}), encoding="utf-8")
    assert town.load("usgs_geojson", tmp_path / "revised.geojson") == {"已收": 3}
    with town.database.read() as tx:
        every = feeds.quakes(tx, datetime(2022, 1, 1, tzinfo=BEIJING), datetime(2023, 1, 1, tzinfo=BEIJING))
    assert len(every) == 1408
    standing = {one.id: one.magnitude for one in newest(every)}
    for one in changed:
        assert standing[one["id"]] == pytest.approx(one["properties"]["mag"])


def test_hot_spots_of_a_week(tmp_path: Path) -> None:
    town = Town(tmp_path, documents("firms"))
    lines = (DATA / "fire" / "firms_viirs_or_modis_7day.csv").read_text(encoding="utf-8").splitlines()[:4001]
    part = tmp_path / "part.csv"
    part.write_text("\n".join(lines), encoding="utf-8")
    told = town.load("firms", part)
    assert sum(told.values()) == 4000
    assert town.load("firms", part) == {"重复": 4000}
    part.write_text("\n".join([lines[0], lines[1].replace("6.1NRT", "6.1")]), encoding="utf-8")
    assert town.load("firms", part) == {"已收": 1}, "the final version replaces the first"
    assert town.load("firms", part) == {"重复": 1}
    with town.database.read() as tx:
        spots = feeds.hot_spots(tx, datetime(2022, 3, 1, tzinfo=BEIJING), datetime(2022, 5, 1, tzinfo=BEIJING))
    assert len(spots) == told["已收"]
    assert 0 < len(places(spots, within=timedelta(days=1))) < len(spots)


def test_archives_of_warnings_are_signals_byte_for_byte(tmp_path: Path) -> None:
    town = Town(tmp_path, documents("shenzhen_json", "nws_text"))
    archive = DATA / "alerts" / "shenzhen_warnings_2026-05_06.jsonl.gz"
    told = town.load("shenzhen_json", archive)
    assert told["已收"] > 150
    assert "拒收" not in told
    assert town.load("shenzhen_json", archive) == {"重复": sum(told.values())}
    products = sorted((DATA / "alerts" / "nws_pyiem").glob("F*/*.txt"))
    taken = Counter[str]()
    for product in products:
        taken.update(town.load("nws_text", product))
    assert taken["已收"] > 20
    with town.database.read() as tx:
        stored = feeds.signals(tx, limit=5000)
    assert {one.codec for one in stored} == {"shenzhen_json", "nws_text"}
    for one in stored[:50]:
        decoded = codec_of(one.codec).decode(one.raw)
        assert not hasattr(decoded, "code") or one.codec == "shenzhen_json"
    raws = {product.read_bytes() for product in products}
    assert {one.raw for one in stored if one.codec == "nws_text"} <= raws
