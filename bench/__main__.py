"""测速 — `python -m bench`: the kernel beside the plain ring, a bytewax flow and the memory floor, in one run."""

from __future__ import annotations

import argparse
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import floor, flow, machine
from bench.kernel import SLOTS, Run, Steps, cut
from bench.plain_ring import PlainRing
from bench.workload import Arrivals, arrivals

KERNEL_TARGET = 20e6
FLOW_TARGET = 100


def kernel(stations: int, hours: int, parts: int = 1) -> Run:
    """Hour by hour: an hour is made, then taken; only the taking is timed."""
    run = Run(stations, SLOTS)
    hour: list[Arrivals] = []
    for batch in arrivals(stations, hours * 60, first=SLOTS):
        hour.append(batch)
        if len(hour) == 60:
            run.feed(hour if parts == 1 else cut(hour, parts))
            hour = []
    return run


def plain(batches: list[Arrivals]) -> tuple[float, Steps]:
    """Readings a second of the plain ring, and the steps that stand."""
    rows = [
        row
        for one in batches
        for row in zip(
            one.station.tolist(), one.minute.tolist(), one.value.tolist(), one.revision.tolist(), strict=True
        )
    ]
    rings: dict[int, PlainRing] = {}
    begun = time.thread_time()
    for station, minute, value, revision in rows:
        ring = rings.get(station)
        if ring is None:
            ring = rings[station] = PlainRing()
        ring.take(minute, value, revision)
    rate = len(rows) / (time.thread_time() - begun)
    return rate, {station: ring.steps for station, ring in sorted(rings.items()) if ring.steps}


def measure(stations: int, hours: int) -> dict[str, Any]:
    small = list(arrivals(400, 12 * 60, first=SLOTS))
    check = Run(400, SLOTS)
    check.feed(small)
    plain_rate, told = plain(small)
    if check.collect() != told:
        raise SystemExit("内核与普通 Python 环的结果不同，测速无意义")
    found: dict[str, Any] = {
        "machine": machine.machine(),
        "workload": f"{stations} stations, {hours} h of 1-min rain, 2% late, 1% twice, 0.2% corrected; 24 levels",
        "checked": f"{sum(map(len, small))} readings, {sum(map(len, told.values()))} steps as the plain ring",
        "plain_ring_per_s": plain_rate,
    }
    run = kernel(stations, hours)
    found["kernel_minute_batches_per_s"] = run.readings / run.core_seconds
    found["kernel_minute_batches_wall_per_s"] = run.readings / run.seconds
    seconds = kernel(stations, max(1, hours // 4), parts=60)
    found["kernel_second_batches_per_s"] = seconds.readings / seconds.core_seconds
    hour = list(arrivals(stations, 60, first=SLOTS))
    found["floor_read_per_s"] = floor.read_rate(hour)
    found["floor_read_and_state_line_per_s"] = floor.state_rate(hour, stations)
    try:
        stream = flow.items(list(arrivals(400, 6 * 60, first=SLOTS)))
        took, steps = flow.run(stream)
        found["bytewax_flow_per_s"] = len(stream) / took
        expected = plain(list(arrivals(400, 6 * 60, first=SLOTS)))[1]
        if steps != {str(station): one for station, one in expected.items()}:
            raise SystemExit("bytewax 流的结果不同，测速无意义")
    except ImportError:
        found["bytewax_flow_per_s"] = None
    return found


def show(found: dict[str, Any]) -> None:
    ours = found["kernel_minute_batches_per_s"]
    table = Table(title=f"每秒读数（单核） — {found['workload']}", title_justify="left")
    table.add_column("what")
    table.add_column("readings/s", justify="right")
    table.add_column("kernel is × of it", justify="right")
    for name, value in found.items():
        if name.endswith("_per_s"):
            rate = f"{value:,.0f}" if value else "not installable here"
            table.add_row(
                name.removesuffix("_per_s").replace("_", " "), rate, f"{ours / value:,.2f}" if value else ""
            )
    console = Console(width=110)
    console.print(table)
    console.print(found["machine"], found["checked"], sep="\n")
    good = ours >= KERNEL_TARGET
    console.print(f"target: kernel >= {KERNEL_TARGET:,.0f}/s per core: {'met' if good else 'NOT met'}")
    if beside := found["bytewax_flow_per_s"]:
        held = "met" if ours >= FLOW_TARGET * beside else "NOT met"
        console.print(f"target: >= {FLOW_TARGET} x the bytewax flow: {held}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=20_000)
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-kernel.json")
    wanted = parser.parse_args()
    found = measure(wanted.stations, wanted.hours)
    show(found)
    if wanted.keep:
        print(machine.keep("kernel", found))


if __name__ == "__main__":
    main()
