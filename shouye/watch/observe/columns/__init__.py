"""存数的列 — what is stored of many gauges as columns of numbers, for an engine that begins with days of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import Tx, from_ms
from shouye.watch import marks
from shouye.watch.marks import Quality
from shouye.watch.observe import store
from shouye.watch.observe.model import Reading


@dataclass(frozen=True, eq=False)
class Block:
    """一段序列 — one series of one source as columns, in order of (time, revision); nan is 缺测."""

    station: str
    element: str
    step_s: int
    source: str
    ms: NDArray[np.int64]
    revision: NDArray[np.int64]
    value: NDArray[np.float64]

    def readings(self) -> list[Reading]:
        step = timedelta(seconds=self.step_s)
        rows = zip(self.ms.tolist(), self.revision.tolist(), self.value.tolist(), strict=True)
        return [
            Reading(
                self.station,
                self.element,
                from_ms(ms),
                None if isnan(value) else value,
                step,
                revision,
                self.source,
            )
            for ms, revision, value in rows
        ]


def blocks(tx: Tx, stations: Iterable[str], element: str, since: datetime) -> dict[str, Block]:
    """存数的列 — `history` of those stations that send the element in one series and whose values all count."""
    asked = sorted(stations)
    flags = store.flags_of(tx, asked, element, since, None)
    doubted = {key[0] for key, some in flags.items() if any(one.quality is Quality.BAD for one in some)}
    doubted |= {one.station for one in marks.said(tx, since, element=element)}
    found: dict[str, list[Block]] = {}
    for station, step_s, rows in store.rows_of(tx, [one for one in asked if one not in doubted], element, since):
        source, ms, revision, value = zip(*rows, strict=True)
        columns = (np.array(ms, np.int64), np.array(revision, np.int64), np.array(value, np.float64))
        some = found.setdefault(station, [])
        some += [Block(station, element, step_s, source[0], *columns)] * len(set(source))
    return {station: some[0] for station, some in found.items() if len(some) == 1}
