"""bytewax 流 — the same semantics as its user writes them: a keyed stateful_map whose state is the plain ring."""

from __future__ import annotations

import time
from typing import Any

from bench.plain_ring import PlainRing
from bench.workload import Arrivals

Item = tuple[str, tuple[int, int, int]]


def items(batches: list[Arrivals]) -> list[Item]:
    """(station, (minute, value, revision)), as they arrive."""
    return [
        (str(station), (minute, value, revision))
        for batch in batches
        for station, minute, value, revision in zip(
            batch.station.tolist(),
            batch.minute.tolist(),
            batch.value.tolist(),
            batch.revision.tolist(),
            strict=True,
        )
    ]


def run(stream: list[Item]) -> tuple[float, dict[str, list[tuple[int, int]]]]:
    """Seconds that the flow took, and the steps that stand per station. Raises ImportError without bytewax."""
    import bytewax.operators as op
    from bytewax import testing
    from bytewax.dataflow import Dataflow

    rings: dict[str, PlainRing] = {}

    def judge(ring: PlainRing | None, reading: tuple[int, int, int]) -> tuple[PlainRing, PlainRing | None]:
        ring = PlainRing() if ring is None else ring
        mask, steps = ring.mask, len(ring.steps)
        ring.take(*reading)
        return ring, ring if (ring.mask, len(ring.steps)) != (mask, steps) else None

    changed: list[Any] = []
    flow = Dataflow("rain")
    readings = op.input("in", flow, testing.TestingSource(stream, batch_size=1000))
    judged = op.stateful_map("judge", readings, judge)
    steps = op.filter("changed", judged, lambda one: one[1] is not None)
    op.output("out", steps, testing.TestingSink(changed))
    run_flow: Any = testing.run_main
    begun = time.perf_counter()
    run_flow(flow)
    seconds = time.perf_counter() - begun
    rings.update(changed)
    return seconds, {station: ring.steps for station, ring in rings.items() if ring.steps}
