"""邻站与同址比对 — what a batch changes in how stations look beside each other, found after it is written.

Asked for are only those readings of which other stations have a say: at the instants of the batch, in one read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, nan, sqrt
from operator import itemgetter

import numpy as np

from shouye.base.kernel import Tx
from shouye.watch.observe import store
from shouye.watch.observe.checks import Columns, all_checks
from shouye.watch.observe.elements import Elements
from shouye.watch.observe.model import Arrived, Series
from shouye.watch.observe.quality import Verdict

Spot = tuple[str, int]
"""(station, ms)."""


def compare(
    tx: Tx, elements: Elements, series: Sequence[Series], arrived: Sequence[Arrived], verdict: Verdict
) -> None:
    """邻站与同址比对 — adds to the verdict, kind by kind."""
    if not (elements.near or elements.twins):
        return
    alone = [
        elements[own.element].limits.isolated_1h == inf and own.station not in elements.twins for own in series
    ]
    kinds: dict[tuple[str, int], list[Arrived]] = {}
    for one in arrived:
        if not alone[one.number]:
            own = series[one.number]
            kinds.setdefault((own.element, own.step_s), []).append(one)
    for (element, step_s), some in kinds.items():
        focus = _focus(tx, elements, element, step_s, [(series[one.number], one) for one in some])
        if focus:
            _set_flags(tx, elements, element, step_s, sorted(focus), verdict)


def _focus(
    tx: Tx, elements: Elements, element: str, step_s: int, some: Sequence[tuple[Series, Arrived]]
) -> set[Spot]:
    """Where the comparison may come out otherwise now."""
    floor = elements[element].limits.isolated_1h * sqrt(step_s / 3600)
    focus: set[Spot] = set()
    came: dict[int, set[str]] = {}
    first: dict[int, set[str]] = {}
    """By instant the stations that spoke, and those of them that had said nothing of it or later before."""
    for own, one in some:
        came.setdefault(one.ms, set()).add(own.station)
        if own.tail is None or own.tail.ms < one.ms:
            first.setdefault(one.ms, set()).add(own.station)
        value = one.reading.value
        if one.reading.revision or own.station in elements.twins or (value is not None and value >= floor):
            focus.add((own.station, one.ms))
    for ms, stations in came.items():
        focus.update((twin, ms) for station in stations for twin in elements.twins.get(station, ()))
    if floor < inf:
        asked = [
            (other, ms)
            for ms, stations in came.items()
            for other in set().union(*(elements.beside.get(one, ()) for one in stations)) - first.get(ms, set())
        ]
        said = store.said_at(tx, asked, element, step_s)
        focus.update((other, ms) for other, _, ms, _, value in said if value is not None and value >= floor)
    return focus


def _set_flags(
    tx: Tx, elements: Elements, element: str, step_s: int, focus: Sequence[Spot], verdict: Verdict
) -> None:
    """Set the flags of these readings beside what the stations around and the twins say at the same instant."""
    near, twins = elements.near, elements.twins
    spots = {(one, ms) for name, ms in focus for one in (name, *near.get(name, ()), *twins.get(name, ()))}
    rows_at = sorted(store.said_at(tx, sorted(spots), element, step_s), key=itemgetter(3))
    said = {(name, ms): (number, value) for name, number, ms, _, value in rows_at}  # the last revision stands
    least = elements[element].limits.low

    def told(stations: Iterable[str], ms: int) -> list[float]:
        values = (said[one, ms][1] for one in stations if (one, ms) in said)
        return [value for value in values if value is not None and value >= least]

    rows = [(said[name, ms][0], ms, name, said[name, ms][1]) for name, ms in focus if (name, ms) in said]
    around = [told(near.get(name, ()), ms) for _, ms, name, _ in rows]
    columns = Columns(
        series=np.arange(len(rows)),
        time_s=np.array([ms / 1000 for _, ms, _, _ in rows]),
        value=np.array([nan if mine is None else mine for *_, mine in rows]),
        step_s=np.full(len(rows), float(step_s)),
        kind=np.arange(len(rows)),
        limits=[elements.limits(name, element) for _, _, name, _ in rows],
        near_top=np.array([max(some, default=nan) for some in around]),
        near_count=np.array([len(some) for some in around], dtype=np.int64),
        twin_value=np.array([_farthest(mine, told(twins.get(name, ()), ms)) for _, ms, name, mine in rows]),
    )
    stored = {
        (number, ms, key): (quality, why)
        for number, ms, key, quality, why in store.flags_within(tx, [(row[0], row[1], row[1]) for row in rows])
    }
    for key, check in all_checks().items():
        if not check.around:
            continue
        for (number, ms, _, mine), hit in zip(rows, check.examine(columns).tolist(), strict=True):
            flag = (check.quality.value, f"{elements[element].say(mine)}：{check.why}")
            old = stored.get((number, ms, key))
            if old is not None and (not hit or old != flag):
                verdict.gone.append((number, ms, key))
            if hit and old != flag:
                verdict.new.append((number, ms, key, *flag))


def _farthest(mine: float | None, said: Sequence[float]) -> float:
    """Of the twins' values the one that differs most."""
    return max(said, key=lambda one: abs(one - mine), default=nan) if mine is not None else nan
