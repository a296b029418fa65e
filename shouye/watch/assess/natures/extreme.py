"""极值 — the largest value of each channel within the hazard's window (mean wind, gust).

A hole in the window leaves the upper side open: so much at least, and nothing ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from shouye.base.rules import Bounds, Value
from shouye.watch.assess.model import Watch
from shouye.watch.assess.natures import SCALE, Nature, Series


def _values(watch: Watch, series: Mapping[str, Series], at: int) -> dict[str, Value]:
    window = _reach(watch)
    found: dict[str, Value] = {}
    for name, channel in watch.hazard.channels.items():
        held = series.get(channel.element)
        known = [] if held is None else held.within(at - window, at)
        if held is None or not known:
            continue
        most = channel.scale(max(known) / SCALE) if channel.scale else max(known) / SCALE
        _, covered = held.total(at - window, at)
        found[name] = Bounds(most, most if covered == window else inf)
    return found


def _reach(watch: Watch) -> int:
    return int(watch.hazard.window.total_seconds())


NATURE = Nature(term="极值", values=_values, reach=_reach)
