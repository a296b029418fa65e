"""强杀演练 — the command as typed, killed -9 wherever it happens to be, ends as if nobody had disturbed it."""

from __future__ import annotations

from collections.abc import Iterator
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


KILLS = 90


def test_killed_drills_end_as_the_undisturbed_one(night: Night) -> None:
    tally, seed = Tally(), 2013
    while tally.kills < KILLS:
        killed(night, seed, 20, tally)
        seed += 1
    assert {"time", "sealing"} <= set(tally.at)
