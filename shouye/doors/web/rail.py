"""左栏 — the rooms in the order of the work; only rooms that exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RailLink:
    """`owes` names the figure that the room owes; `permission` hides what the actor could not open."""

    title: str
    href: str
    owes: str = ""
    permission: str = "see"
    drill_only: bool = False
    city_only: bool = False


RAIL: tuple[tuple[str, tuple[RailLink, ...]], ...] = (
    ("", (RailLink("值班台", "/"), RailLink("事项", "/tasks", "tasks"))),
    (
        "监测",
        (
            RailLink("监测", "/stations"),
            RailLink("听不到的", "/silence", "silent"),
            RailLink("官方预警", "/signals", city_only=True),
            RailLink("接入", "/feeds"),
            RailLink("隔离区", "/quarantine", "held", city_only=True),
        ),
    ),
    (
        "事中大应急",
        (
            RailLink("通知", "/notices", "proposed"),
            RailLink("叫应", "/calls", "waiting"),
            RailLink("人工拨打", "/dial", "dial", "act"),
        ),
    ),
    (
        "共用",
        (
            RailLink("时间线", "/timeline"),
            RailLink("大屏", "/wall"),
            RailLink("查阅记录", "/reads", "", "audit"),
            RailLink("我的账号", "/me"),
            RailLink("演练人员", "/people", "", "act", drill_only=True),
        ),
    ),
)
