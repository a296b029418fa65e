"""状态 — the value of each channel at the instant against the station's own limits (a river, a reservoir).

A channel that did not report at the instant counts with its latest value while that is younger than the hazard's
window; afterwards it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from shouye.base.rules import Bounds, Value
from shouye.watch.assess.model import Watch
from shouye.watch.assess.natures import SCALE, Nature, Series


def _values(watch: Watch, series: Mapping[str, Series], at: int) -> dict[str, Value]:
    fresh = _reach(watch)
    found: dict[str, Value] = {}
    for name, channel in watch.hazard.channels.items():
        held = series.get(channel.element)
        value = None if held is None else held.latest(at, fresh)
        if value is not None:
            told = channel.scale(value / SCALE) if channel.scale else value / SCALE
            found[name] = Bounds(told, told)
    return found


def _reach(watch: Watch) -> int:
    return int(watch.hazard.window.total_seconds())


NATURE = Nature(term="状态", values=_values, reach=_reach)
