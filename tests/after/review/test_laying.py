"""落站 — where a storm's gauges stand in the city: no rain is lost, and what gets no rain is unknown, not calm."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.after.review import Laying, lay_out
from shouye.base.kernel import BEIJING, BadInput
from shouye.base.roster import CityRecords, Division, DivisionLevel, Roster, Station
from shouye.watch.intake import Declared, DeclaredStation, Storm
from shouye.watch.intake.files import Series

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
HOUR = timedelta(hours=1)


def city(*stations: str) -> Roster:
    county = Division("c1", "东县", "东县", DivisionLevel.COUNTY, "county", "xs", None, None, None, None)
    whole = Division("xs", "小石市", "小石市", DivisionLevel.CITY, "city", None, None, None, None, None)
    gauges = tuple(Station(name, f"{name}站", 110.0, 35.0, None, "c1", "rain") for name in stations)
    river = Station("R1", "河口站", 110.0, 35.0, None, "c1", "river")
    return Roster(CityRecords((whole, county), (), (), (), (), (), (), (*gauges, river)))


def storm(*stations: str, merged: tuple[tuple[str, ...], ...] = ()) -> Storm:
    hidden = {name for group in merged for name in group[1:]}
    series: dict[str, Series] = {
        name: ((NOON + HOUR, float(at)),) for at, name in enumerate(stations) if name not in hidden
    }
    return Storm("test", "rain_mm", HOUR, stations, series, merged)


def where(laying: Laying) -> dict[str, str]:
    return {item.gauge: item.station.id for item in laying.stations}


def test_the_citys_own_gauges_stay_where_they_are() -> None:
    laying = lay_out(storm("S3", "S1"), city("S1", "S2", "S3"))
    assert where(laying) == {"S3": "S3", "S1": "S1"}
    assert not laying.transposed
    assert [station.id for station in laying.idle] == ["S2"]
    assert not any(item.virtual for item in laying.stations)


def test_a_foreign_storm_falls_on_the_stations_in_their_order() -> None:
    laying = lay_out(storm("B2", "B1"), city("S2", "S1", "S3"))
    assert where(laying) == {"B2": "S1", "B1": "S2"}
    assert laying.transposed
    assert [station.id for station in laying.idle] == ["S3"]


def test_among_foreign_gauges_our_own_still_stay() -> None:
    """A foreign gauge that stands before ours in the file does not push it aside."""
    laying = lay_out(storm("A1", "S1", "A2"), city("S1", "S2", "S3"))
    assert where(laying) == {"S1": "S1", "A1": "S2", "A2": "S3"}
    assert laying.transposed
    assert laying.idle == ()


def test_more_gauges_than_stations_stand_beside_them_as_virtual() -> None:
    laying = lay_out(storm("B1", "B2", "B3", "B4", "B5"), city("S1", "S2"))
    assert where(laying) == {"B1": "S1", "B2": "S2", "B3": "S1+2", "B4": "S2+2", "B5": "S1+3"}
    assert [item.virtual for item in laying.stations] == [False, False, True, True, True]
    assert {item.station.county for item in laying.stations} == {"c1"}
    assert [item.station.name for item in laying.stations][2:] == ["S1站附2", "S2站附2", "S1站附3"]


def test_identical_gauges_are_one_source_and_said_so() -> None:
    laying = lay_out(storm("B1", "B2", "B3", merged=(("B1", "B3"),)), city("S1", "S2", "S3"))
    assert where(laying) == {"B1": "S1", "B2": "S2"}
    assert {item.gauge: item.merged for item in laying.stations} == {"B1": ("B3",), "B2": ()}


def test_own_gauges_that_are_identical_both_stay() -> None:
    """Two real places reported the same: each keeps its place, the source behind them is one."""
    laying = lay_out(storm("S1", "S2", merged=(("S1", "S2"),)), city("S1", "S2"))
    assert where(laying) == {"S1": "S1", "S2": "S2"}


def test_declared_stations_stand_where_they_were_declared() -> None:
    said = Declared(
        reconstructed=True,
        stations=(DeclaredStation("V1", "虚拟站", "c1", 110.2, 35.2, virtual=True),),
    )
    laying = lay_out(replace(storm("S1", "V1"), declared=said), city("S1", "S2"))
    assert {item.station.id: item.virtual for item in laying.stations} == {"S1": False, "V1": True}
    assert laying.transposed, "a reconstructed storm is never the city's own"


def test_a_city_without_rain_gauges_takes_no_storm() -> None:
    with pytest.raises(BadInput, match="没有雨量站"):
        lay_out(storm("B1"), city())


@given(
    st.lists(st.sampled_from(["S1", "S2", "S3", "B1", "B2", "B3", "B4", "B5"]), min_size=1, unique=True),
    st.lists(st.sampled_from(["S1", "S2", "S3"]), min_size=1, unique=True),
)
def test_no_rain_is_lost_and_no_place_gets_two(gauges: list[str], stations: list[str]) -> None:
    laying = lay_out(storm(*gauges), city(*stations))
    places = [item.station.id for item in laying.stations]
    assert sorted(item.gauge for item in laying.stations) == sorted(gauges)
    assert len(set(places)) == len(places)
    assert all(item.station.id == item.gauge for item in laying.stations if item.gauge in stations)
    assert {station.id for station in laying.idle} == set(stations) - set(places)
    assert laying.transposed == any(gauge not in stations for gauge in gauges)


def test_a_declared_gauge_without_coordinates_stands_at_its_countys_centre_or_is_refused() -> None:
    """No gauge is ever drawn at 0°, 0°: a wrong place is worse than none."""
    declared = Declared(stations=(DeclaredStation("D1", "演练站", "c1"),))
    with pytest.raises(BadInput, match="D1 没有坐标"):
        lay_out(replace(storm("D1"), declared=declared), city("S1"))
    placed = city("S1")
    centred = replace(placed.division("c1"), lon=110.6, lat=35.6)
    records = CityRecords((placed.city, centred), (), (), (), (), (), (), tuple(placed.stations.values()))
    (laid,) = lay_out(replace(storm("D1"), declared=declared), Roster(records)).stations
    assert (laid.station.lon, laid.station.lat) == (110.6, 35.6)
