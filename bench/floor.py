"""内存下限 — what reading the records, and touching one 64-byte line of state for each, costs by itself."""

from __future__ import annotations

import time
from typing import Any

import numba
import numpy as np

from bench.workload import Arrivals


@numba.njit(cache=True)
def _read(station: Any, minute: Any, value: Any, revision: Any) -> int:
    total = 0
    for i in range(len(station)):
        total += station[i] + minute[i] + value[i] + revision[i]
    return total


@numba.njit(cache=True)
def _touch(lines: Any, station: Any, minute: Any, value: Any, revision: Any) -> None:
    for i in range(len(station)):
        s, v = np.uint32(station[i]), value[i]
        for word in range(16):
            lines[s, word] += v
        lines[s, 0] = minute[i] + revision[i]


def read_rate(batches: list[Arrivals]) -> float:
    """Readings a second, only read."""
    columns = [(one.station, one.minute, one.value, one.revision) for one in batches]
    _read(*columns[0])
    begun = time.thread_time()
    for column in columns:
        _read(*column)
    return sum(map(len, batches)) / (time.thread_time() - begun)


def state_rate(batches: list[Arrivals], stations: int) -> float:
    """Readings a second, each changing sixteen 32-bit words of its station."""
    lines = np.zeros((stations, 16), np.int32)
    columns = [(one.station, one.minute, one.value, one.revision) for one in batches]
    _touch(lines, *columns[0])
    begun = time.thread_time()
    for column in columns:
        _touch(lines, *column)
    return sum(map(len, batches)) / (time.thread_time() - begun)
