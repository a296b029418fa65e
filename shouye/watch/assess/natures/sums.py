"""时段累计 — sums over the windows of the table (rain, snow).

If readings tile a window the sum is exact; otherwise it is a lower bound whose upper side is open: what is
missing, or was before the first reading, may have been anything. A reading of interval d answers no window
shorter than d.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from shouye.base.rules import Bounds, Value
from shouye.watch.assess.model import Watch
from shouye.watch.assess.natures import SCALE, Nature, Series


def _values(watch: Watch, series: Mapping[str, Series], at: int) -> dict[str, Value]:
    """Where coarse and fine readings contradict each other the larger lower bound stands and the upper is open."""
    found: dict[str, Value] = {}
    least: dict[int, float] = {}
    for window in sorted(watch.windows, key=lambda window: window.length_s):
        end = at - window.lag_s
        total, covered = series[watch.hazard.element].total(end - window.length_s, end)
        known = total / SCALE
        floor = least[window.lag_s] = max(known, least.get(window.lag_s, 0.0))
        exact = known == floor and covered == window.length_s
        found[window.name] = Bounds(floor, known if exact else inf)
    return found


def _reach(watch: Watch) -> int:
    return max((window.length_s + window.lag_s for window in watch.windows), default=0)


NATURE = Nature(term="时段累计", values=_values, reach=_reach)
