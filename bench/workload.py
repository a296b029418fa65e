"""负载 — one-minute rain of many stations as it arrives: 2 % late, 1 % twice, 0.2 % corrected; seeded.

Showers pass over groups of stations, so that some 15 % of the readings are wet. Rules: six windows of four
thresholds each (illustrative numbers, not official), a level ends under 80 % of its threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOWS_MIN = (10, 60, 180, 360, 720, 1440)
THRESHOLDS_MM = (
    (10, 15, 20, 30),
    (20, 30, 50, 70),
    (30, 50, 70, 100),
    (40, 60, 90, 130),
    (50, 80, 120, 180),
    (60, 100, 150, 220),
)
GROUP = 200
"""Stations under one shower."""


@dataclass(frozen=True)
class Arrivals:
    """一批到达 — columns: station, minute, value in 0.1 mm, revision."""

    station: NDArray[np.int32]
    minute: NDArray[np.int32]
    value: NDArray[np.int16]
    revision: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.station)


def arrivals(stations: int, minutes: int, seed: int = 1, first: int = 0) -> Iterator[Arrivals]:
    """One batch for each minute of arrival."""
    dice = np.random.default_rng(seed)
    everybody = np.arange(stations, dtype=np.int32)
    groups = -(-stations // GROUP)
    wetness = np.zeros(groups)
    waiting: dict[int, list[Arrivals]] = {}
    for minute in range(first, first + minutes):
        begins = dice.random(groups) < 0.002
        wetness = np.where(begins, dice.gamma(1.2, 8.0, groups), wetness * 0.985)
        wetness[wetness < 0.4] = 0
        rain = dice.gamma(1.5, 1.0, stations) * np.repeat(wetness, GROUP)[:stations] / 6
        value = np.minimum(rain, 500).astype(np.int16)
        chance = dice.random(stations)
        late = chance < 0.02
        delay = dice.integers(1, 31, stations)
        twice = (chance > 0.5) & (chance < 0.51)
        wrong = chance > 0.998
        for behind in range(1, 31):
            chosen = everybody[late & (delay == behind)]
            _wait(waiting, minute + behind, chosen, minute, value[chosen], 0)
            chosen = everybody[wrong & (delay == behind)]
            corrected = np.maximum(value[chosen] + dice.integers(-20, 21, len(chosen)), 0).astype(np.int16)
            _wait(waiting, minute + behind, chosen, minute, corrected, 1)
        now = np.concatenate([everybody[~late], everybody[twice]])
        batch = [_same(now, minute, value[now], 0), *waiting.pop(minute, [])]
        order = dice.permutation(sum(len(part) for part in batch))
        yield Arrivals(
            np.concatenate([part.station for part in batch])[order],
            np.concatenate([part.minute for part in batch])[order],
            np.concatenate([part.value for part in batch])[order],
            np.concatenate([part.revision for part in batch])[order],
        )


def _same(station: NDArray[np.int32], minute: int, value: NDArray[np.int16], revision: int) -> Arrivals:
    size = len(station)
    return Arrivals(station, np.full(size, minute, np.int32), value, np.full(size, revision, np.int8))


def _wait(
    waiting: dict[int, list[Arrivals]],
    until: int,
    station: NDArray[np.int32],
    minute: int,
    value: NDArray[np.int16],
    revision: int,
) -> None:
    if len(station):
        waiting.setdefault(until, []).append(_same(station, minute, value, revision))
