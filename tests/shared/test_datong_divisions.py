"""Our division files against the two official lists they were made from."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from shouye.base.roster import DivisionLevel, Roster, load_city
from tests.shared.conftest import SHARED

ADMIN = SHARED / "data" / "admin"
DATONG = Path(__file__).parents[2] / "cities" / "datong"


def rows(name: str) -> list[dict[str, str]]:
    with (ADMIN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def roster() -> Roster:
    return Roster.from_files(load_city(DATONG))


@pytest.fixture(scope="module")
def civil_affairs() -> dict[str, tuple[str, str, str]]:
    """Twelve-digit code -> county code, county name, township name."""
    counties = json.loads((ADMIN / "quhua_townships_1402_4101.json").read_text(encoding="utf-8"))
    return {
        code: (county, entry["county"], name)
        for county, entry in counties.items()
        if county.startswith("1402")
        for name, code in entry["townships"].items()
    }


def test_every_division_of_the_statistics_list_is_ours_under_the_same_parent(roster: Roster) -> None:
    counted = 0
    for row in rows("datong_divisions.csv"):
        division = roster.by_code("nbs-2023", row["code"])
        assert division is not None
        assert (division.name, division.level.value) == (row["name"], row["level"])
        if division.level is not DivisionLevel.CITY:
            assert roster.by_code("nbs-2023", row["parent"]) == roster.division(division.parent or "")
        counted += 1
    for row in rows("villages_1402.csv"):
        village = roster.by_code("nbs-2023", row["code"])
        assert village is not None
        assert (village.name, village.level) == (row["name"], DivisionLevel.VILLAGE)
        assert village.kind == ("village" if row["code"][9] == "2" else "community")
        assert roster.by_code("nbs-2023", row["streetCode"]) == roster.township_of(village.id)
        counted += 1
    assert counted == len(roster.divisions)


def test_every_code_of_the_civil_affairs_list_is_ours_but_the_abolished_one(
    roster: Roster, civil_affairs: dict[str, tuple[str, str, str]]
) -> None:
    lost = []
    for code, (county_code, county_name, name) in civil_affairs.items():
        township = roster.by_code("mca-2026", code)
        if township is None:
            lost.append(name)
            continue
        county = roster.county_of(township.id)
        assert county == roster.by_code("mca-2026", county_code)
        assert county is not None
        assert county.name == county_name
    assert lost == ["北关街道（撤销）"]


def test_the_two_lists_disagree_on_forty_eight_shared_townships(
    roster: Roster, civil_affairs: dict[str, tuple[str, str, str]]
) -> None:
    """Counted from the lists alone by county and name, then asked of our cross-walk: all lead to one place."""
    by_name = {(county[:6], name): code for code, (county, _, name) in civil_affairs.items()}
    shared = [row for row in rows("streets_1402.csv") if (row["areaCode"], row["name"]) in by_name]
    differ = [row for row in shared if row["code"] + "000" != by_name[row["areaCode"], row["name"]]]
    assert (len(shared), len(differ)) == (123, 48)
    for row in shared:
        place = roster.by_code("nbs-2023", row["code"])
        assert place == roster.by_code("mca-2026", by_name[row["areaCode"], row["name"]])


def test_the_same_digits_name_different_townships_twenty_one_times(roster: Roster) -> None:
    """Whoever asks by code must say by which list."""
    traps = 0
    for row in rows("streets_1402.csv"):
        other = roster.by_code("mca-2026", row["code"])
        traps += other is not None and other != roster.by_code("nbs-2023", row["code"])
    assert traps == 21


def test_renamed_townships_are_one_place(roster: Roster, civil_affairs: dict[str, tuple[str, str, str]]) -> None:
    codes = {name: code for code, (_, _, name) in civil_affairs.items()}
    for ours, theirs in (("卅里铺乡", "三十里铺乡"), ("清泉街街道", "清泉街道"), ("平盛路街道", "平盛街道")):
        found = roster.by_code("mca-2026", codes[theirs])
        assert found is not None
        assert found.name == ours


def test_stations_are_the_published_eight(roster: Roster) -> None:
    listed = {row["site"]: row for row in rows("cma_stations_datong_st_met2176_hourly.csv")}
    assert len(roster.stations) == 8
    for station in roster.stations.values():
        row = listed[station.id]
        assert (station.name, station.lon, station.lat) == (row["name"], float(row["lon"]), float(row["lat"]))
        assert station.altitude_m == float(row["alt"])
        assert row["prov"] == "山西"
