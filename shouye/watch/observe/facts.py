"""监测的事实 — what persons say of readings; ids and values only, the reason stays beside the mark."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class ReadingsMarked(Fact):
    """人工质控标记 — a person says of a series from `since` to `until` (None: until further notice) what it is."""

    mark: int
    station: str
    element: str
    since: str
    until: str | None
    quality: str
    value: float | None
