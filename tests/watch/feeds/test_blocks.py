"""A city's feeds.toml: what a block says is what we do, and what it says wrongly is refused with its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base.kernel import Database, Mode, Refusal, SimClock
from shouye.watch import feeds, stations
from shouye.watch.feeds import BadFeed
from shouye.watch.feeds.datums.gcj02 import DATUM
from shouye.watch.feeds.meanings.units import MEANING
from shouye.watch.feeds.model import translate
from shouye.watch.intake import Decoded, Refused, WireReading, read_frames
from tests.watch.feeds.town import NOW, hydrology

DATONG = Path(__file__).parents[3] / "cities" / "datong"
BLOCK = """
[[feed]]
name = "water"
term = "水文"
owner = "水务局"
meaning = "雨量"
codec = "sl651"
transport = "tcp"
interval_s = 300
options = { port = 5651 }
stations = { "0014020001" = "53487" }
"""


def read(tmp_path: Path, text: str) -> dict[str, feeds.Feed]:
    (tmp_path / "feeds.toml").write_text(text, encoding="utf-8")
    return feeds.read_feeds(tmp_path / "feeds.toml")


def test_the_blocks_of_datong_read_their_samples() -> None:
    found = feeds.read_feeds(DATONG / "feeds.toml")
    assert found
    assert {feed.transport for feed in found.values()} == set(feeds.all_transports())
    for feed in found.values():
        if feed.sample is None:
            assert feed.any_station, f"{feed.name} has nothing to be proved on"
            continue
        proof = feeds.prove(feed, read_frames(feed.sample, feed.codec, feed.session_options))
        assert (proof.refused, bool(proof.readings or proof.records)) == ((), True), feed.name


def test_a_station_may_speak_at_its_own_pace(tmp_path: Path) -> None:
    """What its values cover, when nothing else says it, and how soon the next is expected."""
    listed = "code,station,interval_s\n0014020002,53488,3600\n0014020003,53490,\n"
    (tmp_path / "list.csv").write_text(listed, encoding="utf-8")
    own = '"0014020001" = { station = "53487", interval_s = 1800 }'
    more = 'station_file = "list.csv"\nelements.stage_m = { element = "stage_m", every_s = 7200 }\n'
    off = BLOCK.replace('"water"', '"more"').replace("300", "60").replace("5651", "5652")
    text = BLOCK.replace('"0014020001" = "53487"', own) + more + off
    feed = read(tmp_path, text)["water"]
    assert feed.stations == {"0014020001": "53487", "0014020002": "53488", "0014020003": "53490"}
    minutes = {station: pace.total_seconds() / 60 for station, pace in feed.paces.items()}
    assert minutes == {"53487": 30, "53488": 60}
    for code, covers in (("0014020001", 30), ("0014020002", 60), ("0014020003", 5)):
        said = WireReading("stage_m", NOW, 1.0, "m", station=code)
        (one,) = translate(feed, Decoded("v", code, NOW, (said,)), NOW).readings
        assert one.step == timedelta(minutes=covers)
    town = feeds.read_measures(tmp_path / "feeds.toml", {}, frozenset({"stage_m"}))
    assert town.carried["53488"] == {"stage_m"}
    hours = {key: pace.total_seconds() / 3600 for key, pace in town.every.items()}
    assert (hours["53488", ""], hours["53488", "stage_m"]) == (1, 2)
    assert hours["53487", ""] == 1 / 60, "another feed brings it every minute"
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}", SimClock(NOW), durable=False)
    database.create(Mode.SIMULATION, "test")
    with database.begin() as tx:
        stations.watch(tx, {"53487": "east", "53488": "east"}, ["east"])
        voices = feeds.read_voices(tmp_path / "feeds.toml")["station"](tx)
    database.close()
    assert {one.name: one.feed for one in voices} == {"53487": "more", "53488": "water"}


@pytest.mark.parametrize("pace", ["-1", "0", "soon"])
def test_a_pace_is_a_number_of_seconds(tmp_path: Path, pace: str) -> None:
    (tmp_path / "list.csv").write_text(f"code,station,interval_s\n1,53488,{pace}\n", encoding="utf-8")
    with pytest.raises(BadFeed, match="interval_s 要是大于零的整数"):
        read(tmp_path, BLOCK + 'station_file = "list.csv"\n')


def test_a_block_is_read(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("code,station\n0014020002,53488\n", encoding="utf-8")
    more = 'station_file = "list.csv"\nelements.rain_5min_mm = { element = "rain_mm", step_s = 300 }\n'
    (feed,) = read(tmp_path, BLOCK + more).values()
    assert feed.stations == {"0014020001": "53487", "0014020002": "53488"}
    assert feed.elements["rain_5min_mm"].step == timedelta(minutes=5)
    assert feed.admits("127.0.0.1")
    assert feed.admits("::ffff:127.0.0.1")
    assert not feed.admits("10.0.0.1")
    assert not feed.admits("nobody")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "water"', "", "name 没有写"),
        ('name = "water"', 'name = "Water!"', "name 写法不对"),
        ("interval_s = 300", "interval_s = 300\nintervall = 3", "intervall 不认识这一项"),
        ('codec = "sl651"', 'codec = "sl999"', "规约 sl999"),
        ('codec = "sl651"', 'codec = "cap"', "没有会话"),
        ('transport = "tcp"', 'transport = "pigeon"', "没有传输方式 pigeon"),
        ("{ port = 5651 }", "{ prot = 5651 }", "不认识 prot，缺 port"),
        ('stations = { "0014020001" = "53487" }', "", "没有站点表"),
        ("interval_s = 300", 'interval_s = 300\ncoordinates = "BD-09"', "坐标系 BD-09 不认识"),
        ("interval_s = 300", 'interval_s = 300\nstation_file = "none.csv"', "站点表 none.csv 读不了"),
        ("interval_s = 300", "interval_s = ", "feeds.toml"),
    ],
)
def test_a_wrong_block_is_refused_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, BLOCK.replace(old, new))
    assert told in str(refusal.value)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(BadFeed, match="写了两次"):
        read(tmp_path, BLOCK + BLOCK)


def test_a_city_without_blocks_has_none(tmp_path: Path) -> None:
    assert feeds.read_feeds(tmp_path / "feeds.toml") == {}


@pytest.mark.parametrize(
    ("value", "unit", "into", "told"),
    [
        (10, "ft", "m", 3.048),
        (1, "in", "mm", 25.4),
        (212, "°F", "c", 100.0),
        (273.15, "K", "c", 0.0),
        (36, "km/h", "ms", 10.0),
        (5, "", "m", 5),
        (5, "m³/s", "m3s", 5),
        (101.3, "kPa", "hpa", 1013.0),
    ],
)
def test_units(value: float, unit: str, into: str, told: float) -> None:
    assert MEANING.convert(value, unit, into) == pytest.approx(told, abs=1e-9)


@pytest.mark.parametrize(
    ("true", "shown"),
    [
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_gcj02_is_taken_back_at_the_edge(true: tuple[float, float], shown: tuple[float, float]) -> None:
    """Three published pairs, in 上海, 深圳 and 北京."""
    assert DATUM.to_wgs84(*shown) == pytest.approx(true, abs=1e-6)


def test_outside_china_nothing_is_shifted() -> None:
    assert DATUM.to_wgs84(2.35, 48.85) == (2.35, 48.85)


def test_positions_are_moved_in_pairs() -> None:
    """Longitude and latitude of one vehicle and instant; other values stand."""
    readings = tuple(
        WireReading(element, NOW, value)
        for element, value in (("lon_deg", 116.38404722455657), ("lat_deg", 39.91334545536069), ("speed_kmh", 60))
    )
    feed = replace(hydrology(), coordinates="GCJ-02", stations={"v": "v1"})
    taken = translate(feed, Decoded("v", "0200", NOW, readings), NOW)
    assert [reading.value for reading in taken.readings] == pytest.approx([116.377817, 39.911954, 60], abs=1e-6)


def test_a_fault_of_our_own_refuses_the_message_and_stops_no_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(data: bytes, options: object = None) -> Decoded:
        raise ZeroDivisionError

    feed = hydrology()
    monkeypatch.setitem(vars(feed), "codec", replace(feed.codec, decode=stumble))
    (refused,) = feed.read(b"~~~")
    assert isinstance(refused, Refused)
    assert (refused.code.value, refused.raw) == ("unsupported", b"~~~")
    assert "程序自己出错（ZeroDivisionError）" in refused.detail
