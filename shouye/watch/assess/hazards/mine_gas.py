"""矿井瓦斯 — every methane reading: alarm, cut, and cut until it is below the restore value and a person resets.

依据: 煤矿安全规程、AQ 1029 — power cut by gas is restored by hand only.
"""

from __future__ import annotations

from datetime import timedelta

from shouye.watch.assess.model import Channel, Hazard

HAZARD = Hazard(
    key="mine_gas",
    term="矿井瓦斯",
    kind="mine_gas",
    element="ch4_pct",
    nature="latch",
    channels={"ch4_pct": Channel("ch4_pct"), "co_ppm": Channel("co_ppm")},
    window=timedelta(minutes=5),  # proposed: an older reading does not allow a reset
    latched=("CUT",),
    restore="restorable",
    review_after=timedelta(hours=1),  # proposed: no document gives it
)
