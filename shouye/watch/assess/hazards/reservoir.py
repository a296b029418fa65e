"""水库 — the pool stage against the reservoir's own limits: 汛限, 设计, 校核 (grading proposed, see its table)."""

from __future__ import annotations

from datetime import timedelta

from shouye.watch.assess.model import Channel, Hazard

HAZARD = Hazard(
    key="reservoir",
    term="水库",
    kind="reservoir",
    element="pool_stage_m",
    nature="state",
    channels={"stage_m": Channel("pool_stage_m")},
    hold=timedelta(minutes=30),  # proposed
    review_after=timedelta(hours=2),  # proposed: no document gives it
)
