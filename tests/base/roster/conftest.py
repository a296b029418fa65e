"""The reference city, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from shouye.base.roster import CityFiles, Roster, load_city

DATONG = Path(__file__).parents[3] / "cities" / "datong"


@pytest.fixture(scope="session")
def datong_folder() -> Path:
    return DATONG


@pytest.fixture(scope="session")
def datong() -> CityFiles:
    return load_city(DATONG)


@pytest.fixture(scope="session")
def roster(datong: CityFiles) -> Roster:
    return Roster.from_files(datong)
