"""检查项货架 — one file, one question asked of a city's data; each offers `LINT`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from shouye.base.roster.model import CityFiles, Problem


@dataclass(frozen=True)
class Lint:
    """检查项 — what is asked, and whether an error here forbids the import; the day matters to vacancies only."""

    term: str
    check: Callable[[CityFiles, date | None], Iterable[Problem]]
    forbids_import: bool = True
