"""Law 5 on the real store and judge: however readings arrive, the same Situations and standing findings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.access import WHOLE
from shouye.watch import assess
from shouye.watch.assess import StationFacts
from shouye.watch.observe import Reading
from tests.watch.assess.night import EVENING, HOUR, Night, hourly
from tests.watch.assess.test_natures import ALL, FACTS, said, samples

ACTIVE = {"rainstorm": "CMA16-2007", "flash_flood": "proposed"}
PLACES = {"a": "east", "b": "east", "c": "west"}
amounts = st.sampled_from([None, -9999.0, 500.0, 0.0, 0.1, 12.5, 25.0, 49.9, 50.0, 103.0])
readings = st.lists(
    st.builds(
        lambda station, hour, value, revision: hourly(station, value, first=hour, revision=revision)[0],
        st.sampled_from(sorted(PLACES)),
        st.integers(1, 20),
        amounts,
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=30,
)


def ended(
    batches: list[list[Reading]],
    engine: str,
    restart_after: int = -1,
    active: dict[str, str] = ACTIVE,
    facts: Mapping[str, StationFacts] = MappingProxyType({}),
) -> Any:
    """What stands when all of this has arrived, told so that only the observations can make a difference."""
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder), PLACES, active, engine=engine, facts=facts)
        for number, batch in enumerate(batches):
            if batch:
                night.hear(batch, at=EVENING + 21 * HOUR)
            if number == restart_after:
                night.start_judge()
        with night.look() as tx:
            situations = [
                (one.hazard, one.division, one.level, one.since, one.stations, one.best, one.unheard)
                for one in assess.situations(tx, WHOLE)
            ]
            standing = [
                (one.hazard, one.level, one.station, one.first_at, one.until, one.text, one.values, one.missing)
                for one in assess.findings(tx, WHOLE)
                if one.retracted_at is None
            ]
        night.close()
    return sorted(situations), standing


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@settings(max_examples=20)
@given(sent=readings, data=st.data())
def test_the_night_ends_alike(engine: str, sent: list[Reading], data: st.DataObject) -> None:
    batches, restart = shuffled(sent, data)
    assert ended(batches, engine, restart) == ended([sent], "plain")


def shuffled(sent: list[Reading], data: st.DataObject) -> tuple[list[list[Reading]], int]:
    """The same readings in another order, some twice, in other batches; and after which of them to start anew."""
    arrived = data.draw(st.permutations(sent)) + data.draw(st.lists(st.sampled_from(sent), max_size=4))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrived)), max_size=4)))
    batches = [arrived[low:high] for low, high in pairwise([0, *cuts, len(arrived)])]
    return batches, data.draw(st.integers(-1, len(batches) - 1))


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@settings(max_examples=15)
@given(drawn=st.lists(samples, min_size=1, max_size=25), data=st.data())
def test_every_nature_ends_alike(engine: str, drawn: list[Any], data: st.DataObject) -> None:
    """Rain by a counter, a river, a mine, a gale at one station, plain rain at the other; bad values."""
    sent = said(drawn)
    batches, restart = shuffled(sent, data)
    assert ended(batches, engine, restart, ALL, FACTS) == ended([sent], "plain", -1, ALL, FACTS)
