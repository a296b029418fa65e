"""What every test shares: property tests draw the same examples each time, and databases are closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from shouye.base.kernel import Database

settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _databases_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python 3.13 warns of a connection left open, 3.11 does not: what a test opened is closed after it."""
    opened: list[Database] = []
    make = Database.__init__

    def make_and_note(self: Database, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        opened.append(self)

    monkeypatch.setattr(Database, "__init__", make_and_note)
    yield
    for database in opened:
        database.close()
