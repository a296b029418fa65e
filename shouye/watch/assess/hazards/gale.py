"""大风 — the largest mean wind and gust of the last hour (proposed) against the standard of the warning signal."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta

from shouye.watch.assess.model import Channel, Hazard

_FORCES = (0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7, 37.0, 41.5, 46.2, 51.0, 56.1)
"""风力等级 1～17 级的下限 (m/s). 依据: GB/T 28591-2012 (凭记忆，待核)."""


def _force(speed_ms: float) -> float:
    """风力等级 — Beaufort force of a speed."""
    return float(bisect_right(_FORCES, speed_ms))


HAZARD = Hazard(
    key="gale",
    term="大风",
    kind="gale",
    element="wind_mean_ms",
    nature="extreme",
    channels={
        "wind_mean_bft": Channel("wind_mean_ms", _force),
        "wind_gust_bft": Channel("wind_gust_ms", _force),
    },
    window=timedelta(hours=1),  # proposed
    review_after=timedelta(hours=3),  # proposed: no document gives it
)
