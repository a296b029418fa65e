"""听不到的 — grouped by cause and counted, on the desk, on the state line and on its own page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shouye.doors.web.unheard import NO_GAUGE, Unheard, unheard
from shouye.watch.assess import Situation
from shouye.watch.observe import Cause, Silence
from tests.doors.web.conftest import Console

SINCE = datetime(2026, 7, 1, tzinfo=UTC)
CALM = Situation(
    hazard="rainstorm",
    term="暴雨",
    rules="",
    division="",
    level=None,
    rank=0,
    word="未知",
    since=None,
    changed_at=None,
    review_at=None,
    findings=(),
    stations=(),
    sources=0,
    best="",
    unknown=True,
    unheard=(),
    basis=NO_GAUGE,
)


def rain(division: str, *stations: str, unknown: bool = True, level: str | None = None) -> Situation:
    return replace(CALM, division=division, unheard=stations, unknown=unknown, level=level)


def flood(division: str, *stations: str) -> Situation:
    return replace(CALM, division=division, unheard=stations, hazard="flash_flood", term="山洪")


def test_places_without_a_gauge_are_one_group() -> None:
    found = unheard([rain("a"), flood("a"), rain("b"), flood("b"), rain("c", unknown=False)], [])
    assert found == [Unheard(NO_GAUGE, ("暴雨", "山洪"), False, ("a", "b"), (), None)]
    assert found[0].blind


def test_one_cause_over_two_counties_is_one_group_since_the_oldest() -> None:
    later = SINCE.replace(hour=1)
    silences = [Silence("a", Cause.LATE, ("1",), later), Silence("b", Cause.LATE, ("2", "3"), SINCE)]
    found = unheard([rain("a", "1"), rain("b", "2", "3")], silences)
    assert found == [Unheard("超时未到", ("暴雨",), False, ("a", "b"), ("1", "2", "3"), SINCE)]


def test_a_silent_gauge_among_others_is_listed_last_and_blinds_nobody() -> None:
    silences = [Silence("a", Cause.MISSING, ("1",), SINCE)]
    found = unheard([rain("a", "1", unknown=False), rain("b")], silences)
    assert [(one.cause, one.places, one.blind) for one in found] == [
        (NO_GAUGE, ("b",), True),
        ("来数缺测", ("a",), False),
    ]


def test_a_level_in_force_that_nobody_hears_of_is_no_row_of_its_own() -> None:
    silences = [Silence("a", Cause.NEVER, ("1",), None)]
    (found,) = unheard([rain("a", "1", level="RED")], silences)
    assert (found.terms, found.holds, found.blind, found.since) == ((), True, True, None)


@pytest.mark.parametrize(("path", "said"), [("/", "1 处 · 按原因归并"), ("/silence", "1 处 · 按原因归并")])
def test_the_pages_count_what_is_not_heard(looking: Console, path: str, said: str) -> None:
    text = looking.client("duty").get(path).text
    assert said in text
    assert "来数缺测 · 1 处" in text
    assert "天镇县：暴雨、山洪不能判定，未知不是平安" in text
    assert '<span class="sub">1 处不能判定</span>' in text
