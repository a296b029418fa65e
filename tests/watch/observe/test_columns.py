"""存数的列 — they hold what the readings hold, and a gauge with a doubt or two series is left to the readings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.access import OPERATOR
from shouye.watch import observe
from shouye.watch.assess.kernels import past_of
from shouye.watch.observe import Quality, Reading
from tests.watch.assess.night import EVENING, HOUR, Night, hourly

values = st.one_of(st.none(), st.integers(0, 400).map(lambda tenths: tenths / 10))


def test_columns_hold_what_the_readings_hold(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": "east", "b": "east", "c": "west"})
    sent = [*hourly("a", 1.5, None, 3.0), *hourly("a", 4.0, first=2, revision=1), *hourly("b", 1.0, 2.0)]
    half = Reading("b", "rain_mm", EVENING + 3 * HOUR, 1.0, timedelta(minutes=30), 0, "b")
    night.hear([*sent, half, *hourly("c", 5.0, 6.0)], at=EVENING + 4 * HOUR)
    since = EVENING - HOUR
    with night.database.begin() as tx:
        found = observe.blocks(tx, ["a", "b", "c"], "rain_mm", since)
        assert sorted(found) == ["a", "c"], "b sends two intervals"
        for station, block in found.items():
            assert block.readings() == observe.history(tx, [station], "rain_mm", since)
        observe.mark_readings(tx, OPERATOR, "c", "rain_mm", EVENING, None, Quality.BAD, "冲洗")
        assert sorted(observe.blocks(tx, ["a", "b", "c"], "rain_mm", since)) == ["a"], "a person doubts c"
    night.close()


@given(st.dictionaries(st.tuples(st.integers(1, 20), st.integers(0, 2)), values, min_size=1, max_size=30))
def test_a_ring_is_given_the_same_columns_from_either(rows: dict[tuple[int, int], float | None]) -> None:
    sent = [
        Reading("a", "rain_mm", EVENING + at * HOUR, value, HOUR, revision, "a")
        for (at, revision), value in sorted(rows.items())
    ]
    block = observe.Block(
        "a",
        "rain_mm",
        3600,
        "a",
        np.array([int(one.time.timestamp() * 1000) for one in sent]),
        np.array([one.revision for one in sent]),
        np.array([np.nan if one.value is None else one.value for one in sent]),
    )
    one, other = past_of(sent, 3600, "a"), past_of(block, 3600, "a")
    assert one is not None
    assert other is not None
    assert [column.tolist() for column in one] == [column.tolist() for column in other]


def test_what_is_not_regular_fits_no_ring() -> None:
    ms = np.array([int((EVENING + HOUR).timestamp() * 1000)])
    for value, revision, shift in ((0.05, 0, 0), (-1.0, 0, 0), (3300.0, 0, 0), (1.0, 128, 0), (1.0, 0, 1000)):
        block = observe.Block("a", "rain_mm", 3600, "a", ms + shift, np.array([revision]), np.array([value]))
        assert past_of(block, 3600, "a") is None, (value, revision, shift)
