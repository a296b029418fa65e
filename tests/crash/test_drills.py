"""强杀演练 — the command as typed, killed -9 wherever it happens to be, ends as if nobody had disturbed it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

import pytest

from bench.crash.drills import Night, Tally, killed, undisturbed, words, write_storm
from tests.during.town import write_town

DATONG = Path(__file__).parents[2] / "cities" / "datong"


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    with TemporaryDirectory(prefix="shouye-killed-") as name:
        folder, city = Path(name), Path(name) / "city"
        city.mkdir()
        write_town(city)
        for file in ("people.toml", "deciders.toml"):
            copy(DATONG / file, city / file)
        yield undisturbed(folder, words(write_storm(folder), str(city), 7))


KILLS, LANES = 90, 2
"""How many in all, and how many drills are killed side by side."""


def lane(night: Night, first: int) -> Tally:
    """One drill after another, until this lane has had its share."""
    tally, seed = Tally(), first
    while tally.kills < KILLS // LANES:
        killed(night, seed, 20, tally)
        seed += LANES
    return tally


def test_killed_drills_end_as_the_undisturbed_one(night: Night) -> None:
    with ThreadPoolExecutor(LANES) as pool:
        tallies = list(pool.map(partial(lane, night), range(2013, 2013 + LANES)))
    assert {"time", "sealing"} <= {point for tally in tallies for point in tally.at}
    assert sum(tally.kills for tally in tallies) >= KILLS
