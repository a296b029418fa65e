"""同址比对 — two instruments at one place that do not agree; nobody knows which is right, so both are suspect."""

from __future__ import annotations

import numpy as np

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    if columns.twin_value is None:
        return np.zeros(len(columns.value), dtype=np.bool_)
    share = columns.limit("twin") * np.maximum(np.abs(columns.value), np.abs(columns.twin_value))
    apart = np.abs(columns.value - columns.twin_value)
    return apart > np.maximum(share, columns.limit("twin_least"))


CHECK = Check("同址比对", Quality.SUSPECT, "与同址另一仪器不一致", _examine, around=True)
