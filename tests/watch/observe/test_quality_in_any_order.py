"""质控与到达次序无关 — the same readings in any order, cut and repeated, end in the same flags."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.access import WHOLE
from shouye.base.kernel import Database, Mode, SimClock, Tx
from shouye.watch import observe
from shouye.watch.observe import Element, Elements, Limits, Reading
from tests.watch.assess.night import EVENING

STEP = timedelta(minutes=5)
LIMITS = Limits(
    low=0,
    high=50,
    rate_per_h=60,
    jump=5,
    stuck_h=0.5,
    stuck_free=0,
    isolated_1h=35,
    twin_least=3,
    sentinels=(-9.0,),
)
NEAR = {"a": ("b", "c", "d"), "b": ("a", "c", "d"), "c": ("b",), "d": ("c",)}
"""Who is near to whom is not the same both ways."""
TABLE = Elements({"x": Element("x", "x", "m", limits=LIMITS)}, near=NEAR, twins={"a": ("b",), "b": ("a",)})

values = st.sampled_from([0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 12.0, 40.0, 60.0, -9.0, None])


def reading(station: str, slot: int, value: float | None, revision: int) -> Reading:
    return Reading(station, "x", EVENING + slot * STEP, value, STEP, revision)


sent = st.builds(reading, st.sampled_from("aaabcd"), st.integers(0, 9), values, st.sampled_from([0, 0, 0, 1]))


def told(batches: Sequence[Sequence[Reading]]) -> tuple[list[Reading], list[Reading]]:
    """Every reading with its flags, and what the judge sees, after these batches."""
    database = Database("sqlite://", SimClock(EVENING + timedelta(days=1)), durable=False)
    database.create(Mode.SIMULATION, "test")
    database.install(TABLE, observe.Fresh())
    for batch in filter(None, batches):
        with database.begin() as tx:
            observe.store_batch(tx, batch)
        with database.read() as tx:
            from_memory, from_disk = (judged(tx) for _ in range(2))  # what is remembered is given once
        assert from_memory == from_disk
    with database.read() as tx:
        curves = [
            one for station in "abcd" for one in observe.curve(tx, WHOLE, station, "x", EVENING - STEP, tx.now)
        ]
        return curves, observe.history(tx, "abcd", "x")


def judged(tx: Tx) -> set[tuple[str, datetime, int, float | None]]:
    """What the judge is given of the newest batch."""
    heard = observe.stored_in(tx, observe.newest_batch(tx))
    return {(one.station, one.time, one.revision, one.value) for one in heard}


@settings(max_examples=30)
@given(st.lists(sent, min_size=1, max_size=40), st.integers(0, 2**32))
def test_any_order_ends_in_the_same_flags(readings: list[Reading], seed: int) -> None:
    chance = Random(seed)
    shuffled = readings + chance.sample(readings, k=len(readings) // 3)
    chance.shuffle(shuffled)
    cuts = sorted(chance.sample(range(len(shuffled) + 1), k=min(6, len(shuffled))))
    parts = [shuffled[low:high] for low, high in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    assert told(parts) == told([readings])
