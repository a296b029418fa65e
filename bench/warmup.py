"""恢复 — `python -m bench.warmup`: a judge that starts over three days of minute rain, until it judges again.

The rows are put into the tables directly, as an earlier process would have left them; then a new process's judge
is installed and its jobs run, in portions, as they do beside calls and answers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from bench import machine
from bench.ingest import ACTIVE, MINUTE, NIGHT
from shouye.base.kernel import Database, Mode, SimClock, run_due, to_ms
from shouye.base.rules import load_tables
from shouye.watch import assess, observe
from shouye.watch.stations import watch

READY_S = 10.0
"""Target."""


def fill(database: Database, stations: int, minutes: int) -> int:
    """Days of rain, a tenth of the minutes wet; every gauge's first and last minute come in by the front door."""
    names = [f"s{station:05}" for station in range(stations)]
    clock = database.clock
    assert isinstance(clock, SimClock)
    with database.begin() as tx:
        observe.store_batch(tx, [minute(name, NIGHT) for name in names])
    while run_due(database):
        pass
    raw: Any = database.engine.raw_connection()
    dice = np.random.default_rng(1)
    numbers = raw.execute("SELECT id, station FROM series ORDER BY id").fetchall()
    base, batch = to_ms(NIGHT), raw.execute("SELECT max(id) FROM batch").fetchone()[0]
    raw.execute("BEGIN")
    for number, station in numbers:
        wet = np.where(dice.random(minutes) < 0.1, dice.gamma(1.2, 3.0, minutes).round() / 10, 0.0).tolist()
        rows = [(number, base + 60_000 * (at + 1), 0, value, station, batch) for at, value in enumerate(wet)]
        raw.executemany("INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?)", rows)
    raw.commit()
    raw.close()
    end = NIGHT + (minutes + 1) * MINUTE
    clock.move_to(end)
    with database.begin() as tx:
        observe.store_batch(tx, [minute(name, end) for name in names])
    while run_due(database):
        pass
    return len(numbers)


def minute(name: str, at: datetime) -> observe.Reading:
    return observe.Reading(name, "rain_mm", at, 0.0, MINUTE, 0, name)


def measure(stations: int, days: float) -> dict[str, Any]:
    minutes = round(days * timedelta(days=1) / MINUTE)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'warm.db'}", SimClock(NIGHT))
        database.create(Mode.SIMULATION, "bench")
        with database.begin() as tx:
            names = {f"s{station:05}": f"county-{station % 10}" for station in range(stations)}
            watch(tx, names, names.values())
            assess.install(tx, assess.Assessor.of(load_tables(), ACTIVE))
        gauges = fill(database, stations, minutes)
        begun = time.perf_counter()
        with database.begin() as tx:
            assess.install(tx, assess.Assessor.of(load_tables(), ACTIVE))
        longest = 0.0
        installed = time.perf_counter() - begun
        portion = time.perf_counter()
        while run_due(database, limit=1):
            longest = max(longest, time.perf_counter() - portion)
            portion = time.perf_counter()
        took = time.perf_counter() - begun
        with database.read() as tx:
            left = assess.recovering(tx)
        database.close()
    return {
        "machine": machine.machine(),
        "workload": f"{gauges} gauges, {days:g} days of 1-min rain, {gauges * minutes} rows",
        "installed_s": installed,
        "longest_portion_s": longest,
        "warm_s": took,
        "still_recovering": left,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=1_000)
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-warmup.json")
    wanted = parser.parse_args()
    found = measure(wanted.stations, wanted.days)
    console = Console(width=110)
    for name, value in found.items():
        console.print(f"{name}: {value:,.2f}" if isinstance(value, float) else f"{name}: {value}")
    held = "met" if found["warm_s"] <= READY_S and not found["still_recovering"] else "NOT met"
    console.print(f"target: warm within {READY_S:g} s: {held}")
    if wanted.keep:
        print(machine.keep("warmup", found))


if __name__ == "__main__":
    main()
