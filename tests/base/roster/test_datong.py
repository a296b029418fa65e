"""The data of 大同市 is whole, and its figures are the published ones."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

from shouye.base.kernel import BEIJING
from shouye.base.roster import CityFiles, DivisionLevel, Roster, lint, load_city

NIGHT = datetime(2026, 7, 20, 2, 30, tzinfo=BEIJING)
DAY = datetime(2013, 8, 11, 14, 0, tzinfo=BEIJING)


def test_nothing_is_wrong_with_it(datong: CityFiles) -> None:
    assert lint(datong) == []


def test_its_divisions_are_the_published_ones(roster: Roster) -> None:
    kinds = Counter((division.level.value, division.kind) for division in roster.divisions.values())
    assert kinds == {
        ("city", "city"): 1,
        ("county", "district"): 4,
        ("county", "county"): 6,
        ("county", "zone"): 1,
        ("township", "street"): 39,
        ("township", "town"): 37,
        ("township", "township"): 50,
        ("township", "zone"): 1,
        ("village", "village"): 1426,
        ("village", "community"): 401,
    }


def test_ids_count_up_in_the_order_of_the_list(roster: Roster) -> None:
    expected = ["dt", *(f"dt-c{n:02}" for n in range(1, 12)), *(f"dt-t{n:03}" for n in range(1, 128))]
    assert list(roster.divisions) == expected + [f"dt-v{n:04}" for n in range(1, 1828)]


def test_a_full_name_means_one_place(roster: Roster) -> None:
    names = Counter(roster.full_name(division_id) for division_id in roster.divisions)
    assert max(names.values()) == 1
    assert not [name for name in names if "村委会" in name or "居民委员会" in name]


def test_posts_by_level(roster: Roster) -> None:
    each = Counter((post.level, post.division) for post in roster.posts.values())
    assert {level: {n for (at, _), n in each.items() if at is level} for level in DivisionLevel} == {
        DivisionLevel.CITY: {8},
        DivisionLevel.COUNTY: {6},
        DivisionLevel.TOWNSHIP: {3},
        DivisionLevel.VILLAGE: {2},
    }
    assert len(roster.posts) == 8 + 11 * 6 + 127 * 3 + 1827 * 2
    assert {post.mark for post in roster.posts.values()} == {"proposed"}


def test_the_way_up_from_a_village(roster: Roster) -> None:
    village = roster.by_code("nbs-2023", "140212100201")
    assert village is not None
    assert roster.full_name(village.id) == "新荣区新荣镇新荣村"
    post, way = roster.posts[f"{village.id}/village_warner"], []
    while post.superior:
        post = roster.posts[post.superior]
        way.append(post.id)
    assert way == ["dt-t001/township_duty", "dt-c01/county_duty", "dt/city_duty"]


def test_everybody_is_fictional_and_no_number_can_be_real(datong: CityFiles) -> None:
    assert all(person.fictional for person in datong.records.persons)
    numbers = [contact.value for contact in datong.records.contacts]
    assert len(set(numbers)) == len(numbers) == len(datong.records.persons)
    assert all(len(number) == 11 and number.startswith("000") and number.isdigit() for number in numbers)


def test_every_post_is_held_by_two_people_at_every_hour(roster: Roster) -> None:
    for post_id in roster.posts:
        for at in (NIGHT, DAY):
            assert len(roster.holders(post_id, at)) == 2, post_id


def test_a_desk_changes_hands_between_day_and_night(roster: Roster) -> None:
    desk = "dt-c01/county_duty"
    assert not set(roster.holders(desk, NIGHT)) & set(roster.holders(desk, DAY))
    assert len(roster.holders("dt/flood_office_director", NIGHT)) == 2


def test_villages_share_people_as_in_life(roster: Roster) -> None:
    shapes: Counter[str] = Counter()
    for village in roster.descendants("dt", DivisionLevel.VILLAGE):
        head, warner = (roster.holders(post.id, NIGHT) for post in roster.posts_of(village.id))
        if head[0] == warner[0]:
            shapes["one person"] += 1
            assert {post.division for post in roster.posts_held(head[0].id)} == {village.id}
            assert len(roster.posts_held(head[0].id)) == 2
        elif head == tuple(reversed(warner)):
            shapes["crossed"] += 1
        else:
            assert len({*head, *warner}) == 4
            shapes["four"] += 1
    assert 0.30 < shapes["one person"] / 1827 < 0.36
    assert 0.09 < shapes["crossed"] / 1827 < 0.15


def test_the_same_seed_invents_the_same_people(datong: CityFiles, datong_folder: Path) -> None:
    """Another name in the last line would mean that drills made before cannot be repeated."""
    assert load_city(datong_folder) == datong
    first = datong.records.persons[0]
    assert (first.id, first.name) == (1, "曾云松")


def test_stations_stand_in_their_counties(roster: Roster) -> None:
    assert {station.id: roster.division(station.county).name for station in roster.stations.values()} == {
        "53486": "阳高县",
        "53487": "云州区",
        "53488": "云州区",
        "53490": "天镇县",
        "53573": "左云县",
        "53582": "浑源县",
        "53590": "广灵县",
        "53594": "灵丘县",
    }


def test_the_crosswalk_says_what_the_codes_say(datong: CityFiles, datong_folder: Path) -> None:
    codes = {(code.division, code.scheme): code for code in datong.records.codes}
    with (datong_folder / "code_crosswalk.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["match"] for row in rows) == {
        "same": 75,
        "recoded": 48,
        "renamed": 1,
        "renamed_recoded": 2,
        "only_nbs": 1,
        "only_mca": 1,
    }
    townships = [division for division in datong.records.divisions if division.level is DivisionLevel.TOWNSHIP]
    assert [row["division"] for row in rows if row["division"]] == [township.id for township in townships]
    for row in rows:
        if row["match"] == "only_mca":
            assert (row["division"], row["nbs_code"], row["name_in_mca"]) == ("", "", "北关街道（撤销）")
            continue
        nbs, mca = codes[row["division"], "nbs-2023"], codes.get((row["division"], "mca-2026"))
        assert (row["nbs_code"], row["name_in_nbs"]) == (nbs.code, nbs.name_in_list)
        assert (row["mca_code"], row["name_in_mca"]) == ((mca.code, mca.name_in_list) if mca else ("", ""))
        same_name, same_code = row["name_in_nbs"] == row["name_in_mca"], f"{nbs.code}000" == row["mca_code"]
        shape = {(True, True): "same", (True, False): "recoded", (False, True): "renamed"}
        expected = shape.get((same_name, same_code), "renamed_recoded") if mca else "only_nbs"
        assert row["match"] == expected
