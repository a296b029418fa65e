"""The snapshot answers who and where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING, NotFound
from shouye.base.roster import Division, DivisionLevel, Roster, Shift, load_city
from shouye.base.roster.model import in_force, lineage
from tests.base.roster.small import edit, write_city

NOON = datetime(2026, 7, 20, 12, 0, tzinfo=BEIJING)


def test_up_and_down_the_tree(roster: Roster) -> None:
    assert roster.city.name == "大同市"
    assert (roster.city.lon, roster.city.lat) == (113.30, 40.08)
    assert [county.short for county in roster.children("dt")][-1] == "开发区"
    assert len(roster.descendants("dt")) == 11 + 127 + 1827
    assert len(roster.descendants("dt", DivisionLevel.VILLAGE)) == 1827
    assert roster.descendants("dt-c01", DivisionLevel.TOWNSHIP) == roster.children("dt-c01")
    assert [above.id for above in roster.ancestors("dt-v0001")] == ["dt-t001", "dt-c01", "dt"]
    assert roster.children("dt-v0001") == ()


def test_own_county_and_township(roster: Roster) -> None:
    county, township = roster.division("dt-c01"), roster.division("dt-t001")
    assert roster.county_of("dt-v0001") == roster.county_of("dt-t001") == roster.county_of("dt-c01") == county
    assert roster.township_of("dt-v0001") == roster.township_of("dt-t001") == township
    assert roster.township_of("dt-c01") is None
    assert roster.county_of("dt") is None


def test_full_names(roster: Roster) -> None:
    found = {roster.full_name(division_id) for division_id in roster.divisions}
    assert {"大同市", "灵丘县", "灵丘县下关乡", "开发区乡级单位医药园区", "新荣区新荣镇御河东街居委会"} <= found


@pytest.mark.parametrize("verb", ["division", "ancestors", "county_of", "township_of", "full_name"])
def test_an_unknown_place_is_refused_in_chinese(roster: Roster, verb: str) -> None:
    with pytest.raises(NotFound, match="没有找到所指的对象。（区划 dt-x1）"):
        getattr(roster, verb)("dt-x1")


def test_within_agrees_with_descendants(roster: Roster) -> None:
    for scope in ("dt", "dt-c08", "dt-t050", "dt-v0007"):
        inside = {division_id for division_id in roster.divisions if roster.within(division_id, scope)}
        assert inside == {scope, *(division.id for division in roster.descendants(scope))}
    assert not roster.within("nowhere", "dt")


def test_codes_are_found_short_long_and_dated(roster: Roster) -> None:
    county = roster.division("dt-c08")
    assert roster.by_code("nbs-2023", "140224") == roster.by_code("nbs-2023", "140224000000") == county
    assert roster.by_code("mca-2026", "140224") == county
    assert roster.by_code("mca-2026", "140224", on=date(2026, 8, 31)) is None
    assert roster.by_code("mca-2026", "140224", on=date(2026, 9, 1)) == county
    assert roster.by_code("nbs-2023", "140299") is None
    assert roster.by_code("other", "140224") is None


def test_a_place_keeps_its_id_when_its_code_changes(tmp_path: Path) -> None:
    small = Roster.from_files(load_city(write_city(tmp_path)))
    for code, first, after in (("990121100", True, False), ("990121101", False, True)):
        assert (small.by_code("list-1", code, date(2023, 12, 31)) is not None) is first
        assert (small.by_code("list-1", code, date(2024, 1, 1)) is not None) is after
        found = small.by_code("list-1", code)
        assert found is not None
        assert found.id == "xs-t1"


def test_a_code_given_on_to_another_place_means_the_later_one(tmp_path: Path) -> None:
    row = "xs-v1,list-1,990121100201,上村村委会,2020-01-01,"
    again = row.replace("xs-v1", "xs-v2").replace("2020", "2024")
    edit(write_city(tmp_path), "division_codes.csv", row, f"{row}2024-01-01\n{again}")
    small = Roster.from_files(load_city(tmp_path))
    found = [small.by_code("list-1", "990121100201", on) for on in (None, date(2023, 1, 1), date(2024, 1, 1))]
    assert [division.id if division else None for division in found] == ["xs-v2", "xs-v1", "xs-v2"]


def test_posts_in_order_and_by_kind(roster: Roster) -> None:
    assert [post.kind for post in roster.posts_of("dt-t001")] == [
        "township_duty",
        "township_commander",
        "township_militia_head",
    ]
    assert [post.id for post in roster.posts_of("dt", {"flood_office_director"})] == ["dt/flood_office_director"]
    assert roster.posts_of("nowhere") == ()
    assert roster.posts["dt/city_duty"].superior is None


def test_the_registered_people_are_called_a_before_b(tmp_path: Path) -> None:
    write_city(tmp_path, registered=True)
    one = "xs-v1/village_warner,A,xs-v1/village_warnerA,mobile,13940000000,,,\n"
    edit(tmp_path, "holders.csv", one, "")
    with (tmp_path / "holders.csv").open("a", encoding="utf-8") as file:
        file.write("xs-v1/village_warner,A,xs-v1/village_flood_headA,mobile,13930000000,2026-07-20,,\n")
        file.write("xs-t1/township_duty,A,张三,mobile,13955555555,,2026-07-20,\n")
        file.write("xs-t1/township_duty,A,张三,landline,0352111222,,2026-07-20,\n")
    small = Roster.from_files(load_city(tmp_path))
    warners = small.holders("xs-v1/village_warner", NOON)
    assert [person.name for person in warners] == ["xs-v1/village_flood_headA", "xs-v1/village_warnerB"]
    assert not any(person.fictional for person in warners)
    assert small.contact(warners[0].id) == "13930000000"
    assert [post.kind for post in small.posts_held(warners[0].id)] == ["village_flood_head", "village_warner"]
    before = datetime(2026, 7, 19, 15, 59, tzinfo=UTC)
    assert [person.name for person in small.holders("xs-v1/village_warner", before)] == ["xs-v1/village_warnerB"]
    assert "张三" in {person.name for person in small.holders("xs-t1/township_duty", before)}
    assert "张三" not in {person.name for person in small.holders("xs-t1/township_duty", NOON)}


def test_nobody_where_nobody_is(roster: Roster) -> None:
    assert roster.holders("dt/nothing", NOON) == ()
    assert roster.contact(10**9) is None
    assert roster.posts_held(10**9) == ()


def test_a_snapshot_cannot_be_changed(roster: Roster) -> None:
    for part in (roster.divisions, roster.posts, roster.persons, roster.stations):
        assert not hasattr(part, "__setitem__")


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_a_shift_and_its_complement_share_the_day(start: int, end: int, minute: int) -> None:
    if start == end:
        assert Shift("all", "全天", start, end).covers(minute)
    else:
        assert Shift("a", "甲", start, end).covers(minute) != Shift("b", "乙", end, start).covers(minute)


@given(st.dates(), st.dates(), st.dates())
def test_the_day_of_handing_over_belongs_to_the_next(start: date, change: date, day: date) -> None:
    if start <= change:
        assert in_force(start, None, day) == (
            in_force(start, change, day) or in_force(max(start, change), None, day)
        )
    assert not (in_force(None, change, day) and in_force(change, None, day))


@given(st.lists(st.integers(0, 9), min_size=10, max_size=10))
def test_the_way_up_ends_even_in_a_circle(parents: list[int]) -> None:
    by_id = {
        str(n): Division(str(n), "", "", DivisionLevel.VILLAGE, "", str(parent), None, None, None, None)
        for n, parent in enumerate(parents)
    }
    for division in by_id.values():
        way = [step.id for step in lineage(division, by_id)]
        assert len(way) == len(set(way))
        assert by_id[way[-1]].parent in way
