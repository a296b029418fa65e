"""暴雨 — observed rain against the standard of the warning signal; the signal itself stays the observatory's."""

from __future__ import annotations

from datetime import timedelta

from shouye.watch.assess.model import Hazard

HAZARD = Hazard(
    key="rainstorm",
    term="暴雨",
    kind="rainstorm",
    element="rain_mm",
    sum="rain",
    review_after=timedelta(hours=3),  # proposed: no document gives it
)
