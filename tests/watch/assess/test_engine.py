"""The plain engine: windows and their bounds, and the same episodes for any order, split or repetition."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.watch.assess import Assessor, Episode
from shouye.watch.observe import Reading
from tests.watch.assess.folding import BOOK, Folding
from tests.watch.assess.night import EVENING, HOUR, RAIN, hourly
from tests.watch.assess.oracle import crossings

BOTH = RAIN | {"flash_flood": "proposed"}


def fold(*batches: list[Reading], active: dict[str, str] = RAIN) -> list[Episode]:
    """All episodes after these batches."""
    by = Folding(active)
    for batch in batches:
        by.hear(batch)
    return by.episodes


def crossed(*values: float | None) -> list[tuple[str, float, float | None]]:
    """(level, hour of the first instant, hour of the end)."""
    return [
        (
            episode.level,
            (episode.first_at - EVENING) / HOUR,
            None if episode.until is None else (episode.until - EVENING) / HOUR,
        )
        for episode in fold(hourly("a", *values))
    ]


def test_a_jump_records_every_level_it_passes() -> None:
    assert crossed(0, 0, 55) == [("BLUE", 3, None), ("YELLOW", 3, None), ("ORANGE", 3, None)]


def test_the_amount_itself_counts_and_a_tenth_less_does_not() -> None:
    assert crossed(16.7, 16.7, 16.6)[-1] == ("ORANGE", 3, None)
    assert crossed(16.7, 16.7, 16.5) == []
    assert crossed(*[0.1] * 2, 49.8)[-1] == ("ORANGE", 3, None), "0.1 + 0.1 + 49.8 is 50 exactly"


def test_a_level_ends_when_it_is_known_not_to_hold() -> None:
    assert ("ORANGE", 3, 6) in crossed(0, 0, 60, 0, 0, 0, 0)
    assert crossed(0, 0, 60, *[0] * 12)[0] == ("BLUE", 3, 15)


def test_missing_neither_raises_nor_clears() -> None:
    assert crossed(None, None, 49) == []
    assert ("ORANGE", 3, None) in crossed(0, 0, 60, None, None, None)
    assert ("ORANGE", 3, 9) in crossed(0, 0, 60, 0, 0, None, 0, 0, 0), "the window of hour 9 is known again"
    assert ("ORANGE", 1, None) in crossed(60), "so much at least, whatever fell before we listened"


def test_a_lower_bound_is_said_to_be_one() -> None:
    blue = fold(hourly("a", 20, None, 40))[0]
    assert blue.ground.values["rain_12h_mm"] == 60
    assert "rain_12h_mm" in blue.ground.missing
    assert "≥60" in blue.ground.text


def test_the_reason_quotes_the_table() -> None:
    orange = fold(hourly("a", 20, 20.1, 44))[-1]
    assert orange.ground.text == "3小时降雨量 84.1 mm，达到“3小时内降雨量50毫米以上”（CMA16-2007 暴雨·橙色）"
    proposed = fold(hourly("a", 25), active={"flash_flood": "proposed"})[0]
    assert proposed.ground.mark == "X"
    assert "建议值" in proposed.ground.text


def test_a_long_reading_answers_no_shorter_window() -> None:
    six_hours = Reading("a", "rain_mm", EVENING + 6 * HOUR, 120.0, timedelta(hours=6))
    assert [episode.level for episode in fold([six_hours])] == ["BLUE", "YELLOW"]


def test_ten_minute_readings_fill_hours_exactly() -> None:
    step = timedelta(minutes=10)
    rain = [Reading("a", "rain_mm", EVENING + (n + 1) * step, 2.8, step) for n in range(20)]
    orange = fold(rain)[-1]
    assert orange.level == "ORANGE"
    assert orange.first_at == EVENING + 18 * step
    assert orange.ground.values["rain_3h_mm"] == 50.4


def test_readings_that_overlap_are_not_added_twice() -> None:
    """A sliding hour sent every half hour: only every second one counts."""
    sliding = [Reading("a", "rain_mm", EVENING + n * HOUR / 2, 20.0, HOUR) for n in range(2, 5)]
    assert fold(sliding) == []


def test_rain_sent_in_two_intervals_counts_once() -> None:
    """Where ten-minute values are known the hourly one is a check; where they are not it fills the hole."""
    step = timedelta(minutes=10)
    fine = [Reading("a", "rain_mm", EVENING + (n + 1) * step, 5.0, step) for n in range(6)]
    assert fold(fine, hourly("a", 30)) == fold(fine) == []
    assert fold(hourly("a", 60), fine) == fold(fine), "whichever came first"
    before = hourly("a", 20.0, first=0)
    assert fold(fine, before)[-1].ground.values == {"rain_3h_mm": 50, "rain_6h_mm": 50, "rain_12h_mm": 50}
    dead = [Reading("a", "rain_mm", EVENING + HOUR, None, step)]
    assert fold(dead, hourly("a", 50), dead)[0].first_at == EVENING + HOUR


def test_intervals_that_contradict_each_other_are_a_lower_bound() -> None:
    """Twelve hours say 60, two hours within say 80: at least 80, and no more is known."""
    half_day = Reading("a", "rain_mm", EVENING + 12 * HOUR, 60.0, 12 * HOUR)
    told = fold([half_day], hourly("a", 20.0, 20.0, first=10), hourly("a", 60.0, first=11, revision=1))
    assert [(one.level, one.until) for one in told] == [("BLUE", None), ("YELLOW", None), ("ORANGE", None)]
    assert fold(hourly("a", 20.0, 60.0, 0.0, first=10), [half_day])[0].ground.values["rain_12h_mm"] == 80


def test_flash_flood_waits_for_the_days_before() -> None:
    """16 mm/h is enough on wet ground only; unknown days before prove nothing."""
    active = {"flash_flood": "proposed"}
    wet = hourly("a", *[0.5] * 72, *[0] * 5, 16.0, first=-77)
    dry = hourly("a", *[0.0] * 77, *[5] * 5, 16.0, first=-82)
    assert [episode.level for episode in fold(wet, active=active)] == ["PREPARE"]
    assert fold(dry, active=active) == []
    assert fold(hourly("a", 16.0), active=active) == []


def test_a_local_table_that_knows_one_line_judges_that_line() -> None:
    told = fold(hourly("a", *[5] * 24), active={"rainstorm": "SX-local"})
    assert [(episode.level, episode.first_at) for episode in told] == [("BLUE", EVENING + 10 * HOUR)]


amounts = st.sampled_from([None, 0.0, 0.1, 4.2, 12.5, 16.7, 25.0, 49.9, 50.0, 103.0])
nights = st.lists(amounts, min_size=1, max_size=30)


@given(nights)
def test_the_engine_equals_the_oracle(values: list[float | None]) -> None:
    rain = {
        reading.time: None if reading.value is None else Decimal(str(reading.value))
        for reading in hourly("a", *values)
    }
    told = {(one.station, one.level, one.first_at, one.until) for one in fold(hourly("a", *values))}
    assert told == crossings({"a": rain})


readings = st.builds(
    lambda station, hour, value, revision, step: replace(
        hourly(station, value, first=hour, revision=revision)[0], step=step
    ),
    st.sampled_from(["a", "b"]),
    st.integers(1, 20),
    amounts,
    st.integers(0, 1),
    st.sampled_from([HOUR, HOUR, 3 * HOUR, HOUR / 2]),
)


@given(st.lists(readings, min_size=1, max_size=40), st.data())
def test_order_split_and_repetition_change_nothing(sent: list[Reading], data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(sent)) + data.draw(st.lists(st.sampled_from(sent), max_size=5))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrived)), max_size=6)))
    batches = [arrived[low:high] for low, high in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]
    assert fold(*batches, active=BOTH) == fold(sent, active=BOTH)


def test_gauges_it_was_not_fed_are_strangers() -> None:
    by = Assessor.of(BOOK, RAIN).engine
    assert list(by.feed(hourly("a", 60))) == ["a"]
    assert by.strangers(hourly("a", 0, first=2)) == {}
    assert by.strangers(hourly("a", 0, first=0)) == {"a": EVENING}, "older than what it can fold again"
    assert by.strangers(hourly("b", 1)) == {"b": EVENING + HOUR}
    assert by.feed(hourly("a", 60)) == {}, "nothing has changed"


def test_an_unknown_hazard_is_refused_by_name() -> None:
    with pytest.raises(Exception, match="没有这个灾种：flood"):
        Assessor.of(BOOK, {"flood": "x"})
