"""入库到研判 — `python -m bench.ingest`: durable store and judge beside the bare store, and the time between.

The store is the product's, on SQLite with synchronous=FULL; a bare store is the same batches without the judge. A
live run offers readings at a steady rate and measures from the offer of a batch to the end of its judgement.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine
from bench.workload import Arrivals, arrivals
from shouye.base.kernel import BEIJING, Database, Mode, SimClock, run_due
from shouye.base.rules import load_tables
from shouye.watch import assess, observe
from shouye.watch.observe import Reading
from shouye.watch.stations import watch

NIGHT = datetime(2026, 7, 20, tzinfo=BEIJING)
MINUTE = timedelta(minutes=1)
ACTIVE = {"rainstorm": "CMA16-2007", "flash_flood": "proposed"}


def readings(batch: Arrivals) -> list[Reading]:
    columns = (batch.minute.tolist(), batch.value.tolist(), batch.revision.tolist())
    names = [f"s{station:05}" for station in batch.station.tolist()]
    return [
        Reading(name, "rain_mm", NIGHT + minute * MINUTE, value / 10, MINUTE, revision, name)
        for name, minute, value, revision in zip(names, *columns, strict=True)
    ]


@contextmanager
def house(stations: int, judged: bool) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}", SimClock(NIGHT))
        database.create(Mode.SIMULATION, "bench")
        database.install(observe.Fresh())
        counties = {f"s{station:05}": f"county-{station % 10}" for station in range(stations)}
        with database.begin() as tx:
            watch(tx, counties, counties.values())
            if judged:
                assess.install(tx, assess.Assessor.of(load_tables(), ACTIVE))
        yield database
        database.close()


def hear(database: Database, batch: list[Reading], judged: bool) -> None:
    clock = database.clock
    assert isinstance(clock, SimClock)
    clock.move_to(max(reading.time for reading in batch))
    with database.begin() as tx:
        observe.store_batch(tx, batch)
    while judged and run_due(database):
        pass


def rates(batches: list[list[Reading]], stations: int) -> dict[str, float]:
    """Readings a second of the wall clock and of processor time, bare and judged, after the first batch.

    Batch by batch the two take turns, so that what else the machine does meets both alike.
    """
    wall, core = {False: 0.0, True: 0.0}, {False: 0.0, True: 0.0}
    with house(stations, judged=False) as bare, house(stations, judged=True) as whole:
        for number, batch in enumerate(batches):
            for judged, database in ((False, bare), (True, whole)):
                begun = time.perf_counter(), time.process_time()
                hear(database, batch, judged)
                if number:  # the first batch meets every gauge
                    wall[judged] += time.perf_counter() - begun[0]
                    core[judged] += time.process_time() - begun[1]
    many = sum(map(len, batches[1:]))
    return {
        "bare_store_per_s": many / wall[False],
        "store_and_judge_per_s": many / wall[True],
        "share_of_the_bare_store": wall[False] / wall[True],
        "bare_store_per_core_s": many / core[False],
        "store_and_judge_per_core_s": many / core[True],
        "share_of_the_bare_store_in_core_time": core[False] / core[True],
    }


def delays(batches: list[list[Reading]], stations: int, per_s: int) -> list[float]:
    """Seconds from the offer of a tenth of a second's readings to the end of their judgement."""
    found = []
    size = per_s // 10
    with house(stations, judged=True) as database:
        hear(database, batches[0], judged=True)
        stream = [reading for batch in batches[1:] for reading in batch]
        parts = [stream[low : low + size] for low in range(0, len(stream), size)]
        begun = time.perf_counter()
        for number, part in enumerate(parts):
            due = begun + number * 0.1
            time.sleep(max(0.0, due - time.perf_counter()))
            hear(database, part, judged=True)
            found.append(time.perf_counter() - due)
    return sorted(found)


def measure(stations: int, minutes: int, per_s: int) -> dict[str, Any]:
    batches = [readings(batch) for batch in arrivals(stations, minutes)]
    found = rates(batches, stations)
    waits = delays(batches[: 1 + max(1, 20 * per_s // stations)], stations, per_s)
    return {
        "machine": machine.machine(),
        "workload": f"{stations} stations, 1-min rain, {sum(map(len, batches))} readings, batches of one minute",
        **found,
        "offered_per_s": per_s,
        "reading_to_judgement_p50_ms": waits[len(waits) // 2] * 1000,
        "reading_to_judgement_p99_ms": waits[len(waits) * 99 // 100] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--per-second", type=int, default=1_000)
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-ingest.json")
    wanted = parser.parse_args()
    found = measure(wanted.stations, wanted.minutes, wanted.per_second)
    console = Console(width=110)
    for name, value in found.items():
        console.print(f"{name}: {value:,.2f}" if isinstance(value, float) else f"{name}: {value}")
    share, wait = found["share_of_the_bare_store"], found["reading_to_judgement_p99_ms"]
    console.print(f"target: >= 80 % of the bare store: {'met' if share >= 0.8 else 'NOT met'}")
    console.print(f"target: p99 <= 1 s at {wanted.per_second}/s: {'met' if wait <= 1000 else 'NOT met'}")
    if wanted.keep:
        print(machine.keep("ingest", found))


if __name__ == "__main__":
    main()
