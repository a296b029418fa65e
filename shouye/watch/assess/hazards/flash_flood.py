"""山洪 — observed rain against the critical rainfall of 准备转移 (get ready to move) and 立即转移 (move now)."""

from __future__ import annotations

from datetime import timedelta

from shouye.watch.assess.model import Earlier, Hazard

HAZARD = Hazard(
    key="flash_flood",
    term="山洪",
    kind="flash_flood",
    element="rain_mm",
    sum="rain",
    review_after=timedelta(hours=1),  # proposed: no document gives it
    # The three days end where the longest window begins, so that no rain counts twice (proposed).
    earlier={"rain_72h_before_mm": Earlier(hours=72, lag_h=6)},
)
