"""叫应矩阵和时限 — whom a notice of each level obliges in 大同, and by when; both are truth tables."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from shouye.base.kernel import BEIJING, BadInput
from shouye.base.roster import DivisionLevel, Roster, load_city
from shouye.during.call import CallPolicy, read_policy

DATONG = Path(__file__).parents[3] / "cities" / "datong"
TABLES = Path(__file__).parents[2] / "tables"
LINGQIU = "dt-c08"


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def datong() -> Roster:
    return Roster.from_files(load_city(DATONG))


@pytest.fixture(scope="module")
def policy() -> CallPolicy:
    return read_policy(DATONG / "wake.toml", DATONG / "ladder.toml")


def within_lingqiu(datong: Roster, short: str) -> str:
    """The division of this name in 灵丘县, or the county itself."""
    here = (datong.division(LINGQIU), *datong.descendants(LINGQIU))
    (found,) = [division.id for division in here if division.short == short]
    return found


@pytest.mark.parametrize("row", rows("wake_datong.csv"), ids=lambda row: f"{row['level']}-{row['division']}")
def test_who_is_woken(row: dict[str, str], datong: Roster, policy: CallPolicy) -> None:
    posts = policy.posts(datong, row["level"], LINGQIU, [within_lingqiu(datong, row["division"])])
    by_level = Counter(post.level for post in posts)
    assert {level: by_level[level] for level in DivisionLevel} == {
        level: int(row[level.value]) for level in DivisionLevel
    }
    assert sorted({post.kind for post in posts}) == row["kinds"].split()
    assert len({post.id for post in posts}) == len(posts)
    assert [post.level for post in posts] == sorted((post.level for post in posts), key=list(DivisionLevel).index)


def test_a_place_named_twice_is_woken_once(datong: Roster, policy: CallPolicy) -> None:
    township = within_lingqiu(datong, "武灵镇")
    village = datong.children(township)[0].id
    once = policy.posts(datong, "RED", LINGQIU, [township])
    again = policy.posts(datong, "RED", LINGQIU, [township, village])
    assert sorted(post.id for post in again) == sorted(post.id for post in once)


def test_nobody_of_another_county_is_woken(datong: Roster, policy: CallPolicy) -> None:
    posts = policy.posts(datong, "RED", LINGQIU, [LINGQIU])
    assert {"dt"} == {post.division for post in posts if not datong.within(post.division, LINGQIU)}


def test_a_level_that_the_matrix_lacks_is_refused(datong: Roster, policy: CallPolicy) -> None:
    with pytest.raises(BadInput, match="叫应矩阵没有 PURPLE 一级"):
        policy.posts(datong, "PURPLE", LINGQIU, [LINGQIU])


@pytest.mark.parametrize("row", rows("answer_within.csv"), ids=lambda row: f"{row['level']}-{row['case']}")
def test_by_when(row: dict[str, str], policy: CallPolicy) -> None:
    at = datetime.combine(datetime(2026, 7, 20, tzinfo=BEIJING), time.fromisoformat(row["at"]), BEIJING)
    allowed = policy.within(DivisionLevel(row["level"]), row["alert"], at)
    assert allowed == timedelta(minutes=int(row["minutes"]))
