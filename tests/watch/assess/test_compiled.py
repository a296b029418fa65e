"""The compiled engine gives the same episodes, bit for bit, as the plain one: any order, split, correction."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.watch.assess import StationFacts, kernels
from shouye.watch.observe import Reading
from tests.watch.assess.folding import Folding
from tests.watch.assess.night import EVENING, HOUR, RAIN, hourly
from tests.watch.assess.oracle import crossings, exact

BOTH = RAIN | {"flash_flood": "proposed"}
TEN = timedelta(minutes=10)
amounts = st.sampled_from([None, 0.0, 0.0, 0.1, 4.2, 12.5, 16.7, 25.0, 49.9, 50.0, 103.0])


Amounts = st.SearchStrategy[float | None]


def sent(step: timedelta, latest: int, values: Amounts) -> st.SearchStrategy[list[Reading]]:
    one = st.builds(
        lambda station, at, value, revision: Reading(
            station, "rain_mm", EVENING + at * step, value, step, revision, station
        ),
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, latest),
        values,
        st.integers(0, 2),
    )
    return st.lists(one, min_size=1, max_size=60)


def both(batches: list[list[Reading]], active: dict[str, str] = BOTH) -> tuple[Folding, Folding]:
    compiled, plain = Folding(active, "compiled"), Folding(active)
    for batch in batches:
        assert compiled.hear(batch).episodes == plain.hear(batch).episodes
    return compiled, plain


def cut(readings: list[Reading], data: st.DataObject) -> list[list[Reading]]:
    arrived = data.draw(st.permutations(readings)) + data.draw(st.lists(st.sampled_from(readings), max_size=5))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrived)), max_size=6)))
    return [arrived[low:high] for low, high in pairwise([0, *cuts, len(arrived)])]


@given(sent(HOUR, 30, amounts), st.data())
def test_hours_in_any_order(readings: list[Reading], data: st.DataObject) -> None:
    compiled, plain = both(cut(readings, data))
    assert compiled.episodes == plain.episodes == Folding(BOTH).hear(readings).episodes


@given(sent(TEN, 120, st.sampled_from([None, 0.0, 0.3, 1.0, 2.8, 6.0, 20.0])), st.data())
def test_ten_minutes_in_any_order(readings: list[Reading], data: st.DataObject) -> None:
    both(cut(readings, data))


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=100, max_size=200),
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), max_size=12),
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40), st.integers(0, 200)), max_size=4),
)
def test_a_stream_with_late_and_corrected_values(
    values: list[int | None], late: list[tuple[int, int]], wrong: list[tuple[int, int, int]]
) -> None:
    """A live night of ten-minute values: in order but for some that come up to forty slots later."""
    readings = [
        Reading("a", "rain_mm", EVENING + n * TEN, None if v is None else v / 10, TEN, source="a")
        for n, v in enumerate(values)
    ]
    arrival = {n: n for n in range(len(readings))} | {n: n + by for n, by in late}
    order = sorted(arrival, key=lambda n: (arrival[n], n))
    live = [(arrival[n], readings[n]) for n in order]
    live += [(n + by, replace(readings[n], value=v / 10, revision=1)) for n, by, v in wrong]
    live.sort(key=lambda one: one[0])
    both([[one] for _, one in live])


@given(st.lists(amounts, min_size=1, max_size=30))
def test_it_equals_the_independent_oracle(values: list[float | None]) -> None:
    readings = hourly("a", *values, source="a")
    told = {
        (one.station, one.level, one.first_at, one.until)
        for one in Folding(RAIN, "compiled").hear(readings).episodes
    }
    assert told == crossings({"a": exact(readings)})


ODD: list[dict[str, Any]] = [
    {"step": 3 * HOUR},
    {"source": "x"},
    {"value": 0.05},
    {"revision": 200},
    {"time": EVENING + HOUR / 2},
    {"time": EVENING - 90 * HOUR},
    {"time": EVENING + 90 * HOUR},
    {"value": 4000.0},
    {"element": "stage_m"},
    {},
    {},
]
hours = st.tuples(st.integers(1, 20), amounts, st.sampled_from(ODD))


@given(st.lists(hours, min_size=1, max_size=30), st.data())
def test_what_is_not_regular_gives_the_same(
    drawn: list[tuple[int, float | None, dict[str, Any]]], data: st.DataObject
) -> None:
    readings = [replace(hourly("a", value, first=hour)[0], **change) for hour, value, change in drawn]
    readings += hourly("b", *[20.0] * 5)
    facts = {"b": StationFacts(in_force={"rain_mm": "rain_mm"})}
    compiled, plain = Folding(BOTH, "compiled", facts), Folding(BOTH, facts=facts)
    for batch in cut(readings, data):
        assert compiled.hear(batch).episodes == plain.hear(batch).episodes


def test_many_gauges_and_days_reuse_their_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns grow, rows are used again, the log is compacted; a storm a day."""
    monkeypatch.setattr(kernels, "_LOG", 1)
    gauges = [f"g{number:02}" for number in range(40)]
    compiled, plain = Folding(RAIN, "compiled"), Folding(RAIN)
    for hour in range(24 * 12):
        rain = 30.0 if hour % 24 in (3, 4) else 0.0
        batch = [hourly(name, rain, first=hour)[0] for name in gauges if (hour + int(name[1:])) % 7]
        if hour % 24 == 20:
            batch += [hourly(name, 31.0, first=hour - 16, revision=1)[0] for name in gauges[::3]]
        compiled.hear(batch)
        plain.hear(batch)
    assert compiled.episodes == plain.episodes
    assert len(compiled.episodes) > 700


def test_other_hazards_of_a_gauge_stay_with_it() -> None:
    active = RAIN | {"river_flood": "MWR-2013"}
    facts = {"a": StationFacts({"warning_stage_m": 10.0})}
    compiled, plain = Folding(active, "compiled", facts), Folding(active, facts=facts)
    for hour in range(1, 8):
        stage = Reading("a", "stage_m", EVENING + hour * HOUR, 9.0 + hour % 3, HOUR)
        for by in (compiled, plain):
            by.hear([stage, *hourly("a", 20.0 * (hour % 4), first=hour)])
        assert compiled.episodes == plain.episodes
    assert {one.hazard for one in compiled.episodes} == {"rainstorm", "river_flood"}


def test_a_command_that_judges_nothing_does_not_load_numba() -> None:
    code = "import sys; from shouye.main import cli; import shouye.doors.cli; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("kind", ["plain", "compiled"])
def test_both_are_on_the_shelf(kind: str) -> None:
    assert Folding(RAIN, kind).hear(hourly("a", 60)).episodes[-1].level == "ORANGE"
