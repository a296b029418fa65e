"""卡滞检查 — the same value for too long without a break; a value that may stay (no rain) is exempt."""

from __future__ import annotations

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    at = columns.sound
    lasted = columns.time_s[at] - columns.steady >= columns.limit("stuck_h")[at] * 3600
    return columns.spread(lasted & (columns.value[at] != columns.limit("stuck_free")[at]))


CHECK = Check("卡滞", Quality.SUSPECT, "长时间不变，疑似卡滞", _examine)
