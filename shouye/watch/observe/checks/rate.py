"""变化率检查 — faster than is usual since the neighbour before. Suspect only: a flash flood, too, is fast."""

from __future__ import annotations

import numpy as np

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    value, time_s = columns.shift(-1)
    at = columns.sound
    hours = (columns.time_s[at] - time_s) / 3600
    return columns.spread(np.abs(columns.value[at] - value) > columns.limit("rate_per_h")[at] * hours)


CHECK = Check("变化率", Quality.SUSPECT, "变化过快", _examine)
