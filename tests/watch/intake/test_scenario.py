"""The bundled scenario: only the totals are real, and they are exactly the published ones."""

from __future__ import annotations

import runpy
import tomllib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shouye.base.kernel import is_night
from shouye.watch.intake import Storm, lay, read_storm
from tests.watch.assess.night import RAIN, Night
from tests.watch.assess.oracle import crossings, read

FOLDER = Path(__file__).parents[3] / "cities" / "datong" / "scenarios" / "zhengzhou-2021-07-20"
CORE = "53594"


@pytest.fixture(scope="module")
def storm() -> Storm:
    return read_storm(FOLDER / "storm.csv")


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "storm.toml").read_text(encoding="utf-8"))


def test_the_committed_storm_is_what_its_builder_writes() -> None:
    build = runpy.run_path(str(FOLDER / "build.py"))["build"]
    assert build(FOLDER / "storm.toml") == (FOLDER / "storm.csv").read_text(encoding="utf-8")


def test_the_core_series_has_the_published_totals(storm: Storm, said: dict[str, Any]) -> None:
    published = [(total["mm"], (total["to"] - total["from"]) / timedelta(hours=1)) for total in said["total"]]
    assert published == [(201.9, 1), (552.5, 24), (617.1, 72)]
    shift = timedelta(hours=said["time_shift_h"])
    for total in said["total"]:
        begin, end = total["from"] + shift, total["to"] + shift
        hours = [Decimal(str(value)) for at, value in storm.series[CORE] if begin < at <= end]
        assert len(hours) == (end - begin) / timedelta(hours=1)
        assert sum(hours) == Decimal(str(total["mm"]))
    assert max(value or 0 for points in storm.series.values() for _, value in points) == 201.9


def test_it_says_that_only_the_totals_are_real_and_plays_at_night(storm: Storm) -> None:
    assert storm.declared is not None
    assert storm.declared.reconstructed
    assert "only the totals are real" in storm.declared.note
    assert "proposed" in storm.declared.note
    worst = max(storm.series[CORE], key=lambda point: point[1] or 0)[0]
    assert is_night(worst)
    assert is_night(worst - storm.step)


def test_every_county_has_a_gauge_and_no_two_gauges_are_one_source(storm: Storm) -> None:
    assert storm.declared is not None
    assert {station.id for station in storm.declared.stations} == set(storm.stations)
    assert {station.county for station in storm.declared.stations} == {f"dt-c{n:02d}" for n in range(1, 12)}
    assert storm.merged == ()
    real = [station.id for station in storm.declared.stations if not station.virtual]
    assert len(real) == 8
    assert all(station.id.startswith("dt-v") for station in storm.declared.stations if station.virtual)


def test_the_night_is_varied_and_equals_the_oracle(storm: Storm, tmp_path: Path) -> None:
    assert storm.declared is not None
    county_of = {station.id: station.county for station in storm.declared.stations}
    night = Night(tmp_path, county_of, RAIN, storm.begins_at)
    night.live(lay(storm, {station: station for station in county_of}))
    told = night.told()
    night.close()
    assert told == crossings(read(FOLDER / "storm.csv"))
    order = ["BLUE", "YELLOW", "ORANGE", "RED"]
    highest = {
        county: max(
            (order.index(level) + 1 for station, level, _, _ in told if county_of[station] == county), default=0
        )
        for county in county_of.values()
    }
    assert {county for county, rank in highest.items() if rank == 4} == {"dt-c08", "dt-c07"}
    assert set(highest.values()) == {0, 1, 2, 3, 4}
    gap = [at for at, value in storm.series["53490"] if value is None]
    assert len(gap) == 7
    assert all(end is not None for _, _, _, end in told), "the night ends: every level is known to be over"
