"""Three real storms: every crossing, its time, level and gauge equal an independent calculation over the CSV."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shouye.watch.intake import lay, read_storm
from tests.shared.conftest import SHARED
from tests.watch.assess.night import RAIN, Night
from tests.watch.assess.oracle import crossings, read

STORMS = {
    "beijing_2013-07-15": ("YELLOW", 7),
    "beijing_2013-08-11": ("ORANGE", 7),
    "beijing_2015-09-04": ("ORANGE", 6),
}
ORDER = ["BLUE", "YELLOW", "ORANGE", "RED"]


@pytest.mark.parametrize("name", STORMS)
def test_a_real_storm(name: str, tmp_path: Path) -> None:
    path = SHARED / "data" / "rain" / f"{name}.csv"
    begun = time.perf_counter()
    storm = read_storm(path)
    night = Night(tmp_path, {station: station for station in storm.stations}, RAIN, storm.begins_at)
    night.live(lay(storm, {station: station for station in storm.stations}))
    told = night.told()
    night.close()
    seconds = time.perf_counter() - begun
    level, sources = STORMS[name]
    assert told == crossings(read(path))
    assert max((crossing[1] for crossing in told), key=ORDER.index) == level
    assert len(storm.series) == sources
    assert storm.refused == ()
    assert seconds < 10, "a storm takes about half a second; ten allow for a crowded machine"


def test_the_whole_archive_is_no_storm_csv() -> None:
    with pytest.raises(Exception, match="表头应为"):
        read_storm(SHARED / "data" / "rain" / "beijing_hourly_2013_2015.csv.gz")
