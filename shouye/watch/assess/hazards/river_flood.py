"""洪水 — the stage (and flow) of a river against the station's own limits: near, 警戒, 保证, 历史最高."""

from __future__ import annotations

from datetime import timedelta

from shouye.watch.assess.model import Channel, Hazard

HAZARD = Hazard(
    key="river_flood",
    term="洪水",
    kind="river_flood",
    element="stage_m",
    nature="state",
    channels={"stage_m": Channel("stage_m"), "flow_m3s": Channel("flow_m3s")},
    window=timedelta(hours=1),  # proposed: how long a flow counts at the instant of a stage
    margin={"stage_m": 0.1},  # proposed: a level ends 0.1 m under its limit, so that waves do not ring twice
    hold=timedelta(minutes=30),  # proposed
    review_after=timedelta(hours=2),  # proposed: no document gives it
)
