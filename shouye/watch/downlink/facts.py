"""召测的事实."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class DownlinkOrdered(Fact):
    """下达召测 — who asked what of which device."""

    feed: str
    place: str
    command: str


@dataclass(frozen=True, kw_only=True)
class DownlinkSettled(Fact):
    """召测了结 — answered, refused, given up or withdrawn."""

    feed: str
    place: str
    command: str
    state: str
