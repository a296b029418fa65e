"""State, latch and extreme; hysteresis and holds; counters and the element in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import Refusal
from shouye.watch.assess import Reset, StationFacts, read_station_facts
from shouye.watch.assess.natures import increment
from shouye.watch.observe import Reading
from tests.watch.assess.folding import Folding
from tests.watch.assess.night import EVENING, HOUR, RAIN, hourly

MINUTE = timedelta(minutes=1)
RIVER = {"river_flood": "MWR-2013"}
LIMITS = StationFacts({"warning_stage_m": 100.0, "guarantee_stage_m": 101.5, "highest_stage_m": 102.3})
MINE = {"mine_gas": "AQ1029"}
FACE = StationFacts({"place": "T1"}, measures=("ch4_pct",))
RETURN = StationFacts({"place": "T2"}, measures=("ch4_pct",))
GALE = {"gale": "CMA16-2007"}


def every(step: timedelta, element: str, *values: float | None, station: str = "a") -> list[Reading]:
    return [
        Reading(station, element, EVENING + (n + 1) * step, value, step, source=station)
        for n, value in enumerate(values)
    ]


def told(by: Folding, step: timedelta) -> list[tuple[str, float, float | None]]:
    """(level, step number of the first instant, step number of the end)."""
    return [
        (one.level, (one.first_at - EVENING) / step, None if one.until is None else (one.until - EVENING) / step)
        for one in by.episodes
    ]


def river(*stages: float | None, facts: StationFacts = LIMITS) -> list[tuple[str, float, float | None]]:
    step = timedelta(minutes=10)
    return told(Folding(RIVER, facts={"a": facts}).hear(every(step, "stage_m", *stages)), step)


def test_a_river_is_judged_by_its_own_limits() -> None:
    assert river(99.49) == []
    assert river(99.5) == [("BLUE", 1, None)]
    assert river(100.0) == [("BLUE", 1, None), ("YELLOW", 1, None)], "D01"
    assert [level for level, _, _ in river(99, 102.3)] == ["BLUE", "YELLOW", "ORANGE", "RED"]
    assert river(150, facts=StationFacts()) == [], "without its limits nothing is judged"
    some = StationFacts({"warning_stage_m": 100.0})
    assert [level for level, _, _ in river(150, facts=some)] == ["BLUE", "YELLOW"]


def test_a_level_ends_below_its_margin_after_its_hold() -> None:
    """0.1 m under the limit, known for half an hour (both proposed)."""
    assert river(100, *[99.95] * 9)[1] == ("YELLOW", 1, None), "within the margin"
    assert river(100, *[99.89] * 3)[1] == ("YELLOW", 1, None)
    assert river(100, *[99.89] * 4)[1] == ("YELLOW", 1, 5)
    assert river(100, 99.8, 99.8, 99.95, *[99.8] * 4)[1] == ("YELLOW", 1, 8), "the hold begins again"
    assert river(100, 99.8, 99.8, None, *[99.8] * 3)[1] == ("YELLOW", 1, None), "so it does after a hole"


def test_a_flow_that_is_measured_is_asked() -> None:
    step = timedelta(minutes=10)
    facts = StationFacts({**LIMITS.values, "warning_flow_m3s": 500.0})
    stages, flows = every(step, "stage_m", 98, 98, 98), every(step, "flow_m3s", 460, 100, 100)
    by = Folding(RIVER, facts={"a": facts}).hear([*stages, *flows])
    assert told(by, step) == [("BLUE", 1, None)]
    assert "流量" in by.episodes[0].ground.text


def test_a_reservoir_over_its_flood_limit() -> None:
    facts = {"a": StationFacts({"flood_limit_stage_m": 956.0})}
    by = Folding({"reservoir": "proposed"}, facts=facts)
    by.hear(every(HOUR, "pool_stage_m", 955.99, 956.0, 955.9, 955.8))
    assert told(by, HOUR) == [("YELLOW", 2, 4)], "D04; half an hour under it ends it"
    assert "建议值" in by.episodes[0].ground.text


def mine(*values: float | None, resets: tuple[int, ...] = (), facts: StationFacts = FACE) -> Folding:
    by = Folding(MINE, facts={"a": facts})
    by.hear(every(MINUTE, "ch4_pct", *values))
    return by.hear(resets=[Reset("mine_gas", "a", EVENING + n * MINUTE) for n in resets])


def test_gas_alarms_and_cuts() -> None:
    assert told(mine(1.2), MINUTE) == [("ALARM", 1, None)], "D08"
    assert told(mine(1.5), MINUTE) == [("ALARM", 1, None), ("CUT", 1, None)], "D09"
    assert told(mine(1.0, facts=RETURN), MINUTE) == [("ALARM", 1, None), ("CUT", 1, None)], "D10"
    assert told(mine(0.9, 1.2, 0.9), MINUTE) == [("ALARM", 2, 3)]


def test_carbon_monoxide_over_its_limit() -> None:
    by = Folding(MINE, facts={"a": StationFacts({"place": "T1"}, measures=("co_ppm",))})
    assert told(by.hear(every(MINUTE, "co_ppm", 24, 24.1, 24)), MINUTE) == [("ALARM", 2, 3)], "D12"


def test_a_cut_stays_until_it_is_low_and_a_person_resets() -> None:
    assert told(mine(1.5, 0.5, 0.4), MINUTE) == [("ALARM", 1, 2), ("CUT", 1, None)]
    assert told(mine(1.5, 1.1, resets=(2,)), MINUTE)[1] == ("CUT", 1, None), "D09: not below 1.0"
    assert told(mine(1.5, 0.99, resets=(2,)), MINUTE)[1] == ("CUT", 1, 2), "D09: by hand"
    assert told(mine(1.5, 0.5, resets=(30,)), MINUTE)[1] == ("CUT", 1, None), "no reading, no reset"
    again = told(mine(1.5, 0.5, 1.6, 0.5, resets=(2,)), MINUTE)
    assert [one for one in again if one[0] == "CUT"] == [("CUT", 1, 2), ("CUT", 3, None)]


def test_a_correction_takes_the_ground_of_a_reset_away() -> None:
    by = mine(1.5, 0.9, 0.9, resets=(2,))
    assert told(by, MINUTE)[1] == ("CUT", 1, 2)
    by.hear([replace(every(MINUTE, "ch4_pct", 0, 1.3)[1], revision=1)])
    assert ("CUT", 1, None) in told(by, MINUTE)


def test_the_largest_wind_of_the_hour_stands_for_the_hour() -> None:
    step = timedelta(minutes=10)
    gust = every(step, "wind_gust_ms", *[10.0] * 6, 14.0, *[10.0] * 6)
    mean = every(step, "wind_mean_ms", *[5.0] * 13)
    by = Folding(GALE).hear([*gust, *mean])
    assert told(by, step) == [("BLUE", 7, 13)], "gust of force 7"
    assert "阵风风力 7 级" in by.episodes[0].ground.text
    holes = [one for one in mean if one.time != EVENING + 9 * step]
    assert told(Folding(GALE).hear([*gust, *holes]), step) == [("BLUE", 7, None)], "a hole ends nothing"


def test_a_counter_becomes_increments_between_neighbours() -> None:
    facts = {"a": StationFacts(in_force={"rain_mm": "rain_total_mm"}, wraps={"rain_total_mm": 1000.0})}
    totals = every(HOUR, "rain_total_mm", 960.0, 980.0, 999.0, 10.0, 12.0)
    by = Folding(RAIN, facts=facts).hear(totals)
    assert told(by, HOUR)[-1] == ("ORANGE", 4, 5), "20 + 19 + 11 over the turn of the register"
    assert by.episodes[-1].ground.values["rain_3h_mm"] == 50
    late = Folding(RAIN, facts=facts).hear([*totals[:2], *totals[3:]])
    assert [level for level, _, _ in told(late, HOUR)] == ["BLUE", "YELLOW", "ORANGE"], "one reading less"
    assert late.hear(totals[2:3]).episodes == by.episodes
    others = hourly("a", *[90.0] * 5)
    assert by.hear(others).episodes == late.episodes, "the element in force is judged, the others check it"


@pytest.mark.parametrize(
    ("before", "now", "wrap", "grown"),
    [
        (5, 5, 0, 0),
        (5, 9, 0, 4),
        (9, 1, 0, None),
        (9, 1, 10, 2),
        (8, 2, 10, 4),
        (7, 1, 10, None),
        (9, 3, 10, None),
    ],
)
def test_a_fall_is_a_turn_or_an_unknown(before: int, now: int, wrap: int, grown: int | None) -> None:
    assert increment(before, now, wrap) == grown


SCALES = {
    "ch4_pct": (0.0, 0.1),
    "stage_m": (98.5, 0.15),
    "rain_total_mm": (0.0, 16.0),
    "wind_gust_ms": (8.0, 1.0),
    "wind_mean_ms": (9.0, 0.5),
}
"""element: (lowest value, step)."""
samples = st.tuples(
    st.sampled_from(sorted(SCALES)),
    st.integers(1, 30),
    st.one_of(st.none(), st.integers(0, 30)),
    st.integers(0, 1),
)
ALL = RIVER | MINE | GALE | RAIN
FACTS = {
    "a": StationFacts(
        {**LIMITS.values, "place": "T1"},
        in_force={"rain_mm": "rain_total_mm"},
        wraps={"rain_total_mm": 500.0},
        measures=("ch4_pct", "stage_m", "wind_mean_ms", "wind_gust_ms"),
    )
}


def said(drawn: list[tuple[str, int, int | None, int]]) -> list[Reading]:
    """What station `a` sends; `b` stands beside it, regular and with plain rain: it fits the compiled rings."""
    step = timedelta(minutes=10)
    sent = []
    for name, n, v, revision in drawn:
        value = None if v is None else round(SCALES[name][0] + v * SCALES[name][1], 3)
        sent.append(Reading("a", name, EVENING + n * step, value, step, revision, "a"))
        plain = None if v is None else v * 1.5
        sent.append(Reading("b", "rain_mm", EVENING + n * step, plain, step, revision, "b"))
    return sent


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@given(st.lists(samples, min_size=1, max_size=40), st.lists(st.integers(1, 30), max_size=3), st.data())
def test_order_split_and_repetition_change_nothing_in_any_nature(
    engine: str, drawn: list[tuple[str, int, int | None, int]], back: list[int], data: st.DataObject
) -> None:
    step, sent = timedelta(minutes=10), said(drawn)
    resets = [Reset("mine_gas", "a", EVENING + n * step) for n in back]
    straight = Folding(ALL, facts=FACTS).hear(sorted(sent, key=lambda one: one.time), resets)
    arrived = data.draw(st.permutations(sent)) + data.draw(st.lists(st.sampled_from(sent), max_size=5))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrived)), max_size=6)))
    shuffled = Folding(ALL, engine, facts=FACTS)
    for number, (low, high) in enumerate(pairwise([0, *cuts, len(arrived)])):
        shuffled.hear(arrived[low:high], resets if number == 1 else [])
    if not cuts:
        shuffled.hear(resets=resets)
    assert shuffled.episodes == straight.episodes


def test_a_stations_own_limits_are_read_with_their_source_and_a_slip_is_named(tmp_path: Path) -> None:
    table = tmp_path / "station_facts.toml"
    table.write_text('["53594"]\nvalues = { warning_stage_m = 1040.0 }\nsource = "测站任务书"\n', encoding="utf-8")
    found = read_station_facts(table)["53594"]
    assert (found.values, found.source) == ({"warning_stage_m": 1040.0}, "测站任务书")
    table.write_text("[station.53594]\nmeasures = ['stage_m']\n", encoding="utf-8")
    with pytest.raises(Refusal, match=r"\[station\] 里不认识 53594"):
        read_station_facts(table)
