"""哨兵值 — a number by which a device says that it has none (-9999, 32767 …)."""

from __future__ import annotations

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    return columns.sentinel


CHECK = Check("哨兵值", Quality.BAD, "是设备表示“没有数”的特征值", _examine)
