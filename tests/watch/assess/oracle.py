"""独立核算 — the crossings of CMA16-2007 over a storm CSV, by hand and without any judging code of the product.

A level holds when the known hours of its window reach the amount; it is over when every hour is known and they
do not.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from shouye.watch.observe import Reading

WINDOWS = {"BLUE": (12, 50), "YELLOW": (6, 50), "ORANGE": (3, 50), "RED": (3, 100)}
Crossing = tuple[str, str, datetime, datetime | None]
"""(station, level, first instant, end or None)."""


def read(path: Path) -> dict[str, dict[datetime, Decimal | None]]:
    rain: dict[str, dict[datetime, Decimal | None]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            value = Decimal(row["rain_1h_mm"]) if row["rain_1h_mm"] else None
            rain.setdefault(row["station"], {})[datetime.fromisoformat(row["time"])] = value
    return rain


def exact(readings: Iterable[Reading]) -> dict[datetime, Decimal | None]:
    """Readings of one gauge as the numbers that were sent."""
    return {one.time: None if one.value is None else Decimal(str(one.value)) for one in readings}


def crossings(rain: Mapping[str, Mapping[datetime, Decimal | None]]) -> set[Crossing]:
    found: set[Crossing] = set()
    for station, hours in rain.items():
        for level, (length, amount) in WINDOWS.items():
            begun = None
            for time in sorted(hours):
                window = [hours.get(time - timedelta(hours=back)) for back in range(length)]
                known = [value for value in window if value is not None]
                if sum(known) >= amount:
                    begun = begun or time
                elif begun and len(known) == length:
                    found.add((station, level, begun, time))
                    begun = None
            if begun:
                found.add((station, level, begun, None))
    return found
