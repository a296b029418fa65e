"""检查项货架 — one file, one question asked of a city's data; each offers `LINT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from shouye.base.kernel import load_shelf
from shouye.base.roster.model import CityFiles, Problem, Severity


@dataclass(frozen=True)
class Lint:
    """检查项 — what is asked, and whether an error here forbids the import; the day matters to vacancies only."""

    term: str
    check: Callable[[CityFiles, date | None], Iterable[Problem]]
    forbids_import: bool = True


def ask(city: CityFiles, on: date | None, *, forbids_import: bool) -> Iterator[Problem]:
    """Ask the lints that forbid an import, or those that only tell."""
    for item in load_shelf(sys.modules[__name__], "LINT", Lint).values():
        if item.forbids_import is forbids_import:
            yield from item.check(city, on)


def lint(city: CityFiles, on: date | None = None) -> list[Problem]:
    """检查 — everything wrong with a city, vacancies too, errors first; `on` asks who holds posts on that day."""
    found = [*city.problems, *ask(city, on, forbids_import=False)]
    return sorted(found, key=lambda problem: problem.severity is Severity.WARNING)
