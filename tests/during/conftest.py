"""小石市的一天 — a town for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BACKENDS
from tests.during.town import Town
from tests.servers import Postgres


@pytest.fixture(params=BACKENDS)
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    if request.param == "sqlite":
        yield Town(tmp_path)
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    town = Town(tmp_path, server=server)
    yield town
    server.drop(str(town.database.engine.url.database))
