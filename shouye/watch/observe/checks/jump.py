"""突跳检查 — a value that agrees with none of its neighbours in time (two before, two after).

It is bad until one agrees: a true step is believed one reading later, a spike never.
"""

from __future__ import annotations

from shouye.watch.marks import Quality
from shouye.watch.observe.checks import Check, Columns, Mask


def _examine(columns: Columns) -> Mask:
    there, agree = columns.company
    return columns.spread((there >= 2) & (agree == 0))


CHECK = Check("突跳", Quality.BAD, "与前后读数都不相符，待下一读数印证", _examine)
