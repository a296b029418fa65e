"""刚入库的 — readings with their columns, and what this process has just stored, for its judge to take."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from math import nan
from threading import Lock
from typing import overload

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import Tx, to_ms
from shouye.watch.observe.model import Reading

SourcedSeries = tuple[str, str, timedelta, str]
"""(station, element, interval, source)."""


class Heard(Sequence[Reading]):
    """一批读数 — a batch as readings and as columns; what is worked out for a series is worked out once."""

    def __init__(self, readings: Sequence[Reading], ms: Sequence[int] | None = None) -> None:
        self._readings = readings
        self._ms = ms

    @classmethod
    def of(cls, batch: Sequence[Reading]) -> Heard:
        return batch if isinstance(batch, Heard) else cls(batch)

    def __len__(self) -> int:
        return len(self._readings)

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._readings)

    @overload
    def __getitem__(self, at: int) -> Reading: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Reading]: ...

    def __getitem__(self, at: int | slice) -> Reading | Sequence[Reading]:
        return self._readings[at]

    @cached_property
    def _numbered(self) -> tuple[list[SourcedSeries], NDArray[np.int64]]:
        numbers: dict[SourcedSeries, int] = {}
        number = [
            numbers.setdefault((one.station, one.element, one.step, one.source), len(numbers))
            for one in self._readings
        ]
        return list(numbers), np.array(number, dtype=np.int64)

    @property
    def series(self) -> list[SourcedSeries]:
        """Those that speak in it."""
        return self._numbered[0]

    @property
    def number(self) -> NDArray[np.int64]:
        """Of each reading the place of its series in `series`."""
        return self._numbered[1]

    @cached_property
    def ms(self) -> NDArray[np.int64]:
        given = self._ms if self._ms is not None else [to_ms(one.time) for one in self._readings]
        return np.array(given, dtype=np.int64)

    @cached_property
    def revision(self) -> NDArray[np.int64]:
        return np.array([one.revision for one in self._readings], dtype=np.int64)

    @cached_property
    def value(self) -> NDArray[np.float64]:
        """nan is 缺测."""
        return np.array([nan if one.value is None else one.value for one in self._readings], dtype=np.float64)

    def only(self, wanted: Callable[[str, str], bool]) -> Heard:
        """Those of the stations and elements that are wanted; itself when that is all."""
        keep = [wanted(station, element) for station, element, *_ in self.series]
        if all(keep):
            return self
        rows = np.flatnonzero(np.array(keep, dtype=np.bool_)[self.number]).tolist()
        return Heard([self._readings[row] for row in rows], self.ms[rows].tolist())


class Fresh:
    """刚入库的 — batches of this process that were stored whole, for its judge to take.

    Only what was committed is remembered, and only the newest batches; any other is read from where it is stored.
    """

    def __init__(self) -> None:
        self._batches: OrderedDict[int, Heard] = OrderedDict()
        self._lock = Lock()

    def put(self, batch: int, heard: Heard) -> None:
        with self._lock:
            self._batches[batch] = heard
            while len(self._batches) > FRESH_BATCHES:
                self._batches.popitem(last=False)

    def take(self, batch: int) -> Heard | None:
        with self._lock:
            return self._batches.pop(batch, None)


FRESH_BATCHES = 64


def remember(tx: Tx, batch: int, heard: Heard) -> None:
    fresh = tx.installed.get(Fresh)
    if fresh is not None:
        tx.after_commit(lambda: fresh.put(batch, heard))


def recall(tx: Tx, batch: int) -> Heard | None:
    fresh = tx.installed.get(Fresh)
    return fresh.take(batch) if fresh is not None else None
