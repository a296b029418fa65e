"""范围检查 — a value that cannot be."""

from __future__ import annotations

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    return columns.outside & ~columns.sentinel


CHECK = Check("范围", Quality.BAD, "超出可能的范围", _examine)
