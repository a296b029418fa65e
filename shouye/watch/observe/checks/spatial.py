"""邻站比对 — much at one station while every station around has next to nothing.

Suspect only: a local storm stands alone, too (局地暴雨); a machine may not argue it away.
"""

from __future__ import annotations

import numpy as np

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import MIN_NEAR, Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    if columns.near_top is None or columns.near_count is None:
        return np.zeros(len(columns.value), dtype=np.bool_)
    much = columns.value >= columns.limit("isolated_1h") * np.sqrt(columns.step_s / 3600)
    return much & (columns.near_count >= MIN_NEAR) & (10 * columns.near_top < columns.value)


CHECK = Check("邻站比对", Quality.SUSPECT, "周围各站几乎为零，只有本站突出", _examine, around=True)
