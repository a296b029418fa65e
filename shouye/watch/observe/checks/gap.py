"""缺报检查 — nothing was heard for more than two intervals before this reading."""

from __future__ import annotations

import numpy as np

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import AFTER_GAP, Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    if columns.before_s is None:
        return np.zeros(len(columns.value), dtype=np.bool_)
    return columns.time_s - columns.before_s > AFTER_GAP * columns.step_s


CHECK = Check("缺报", Quality.NOTED, "此前缺报，超过两个时段", _examine)
