"""后台作业 — work that is due is done at once; what has been due for long says that nobody does it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shouye.base.kernel import Lanes, Tx, next_due
from shouye.base.pulse.model import Voice
from shouye.base.pulse.probes import HouseProbe

_DONE_WITHIN = timedelta(seconds=30)
"""proposed."""
_LANES = {"engine": ("研判", Lanes(only=("engine",))), "clock": ("叫应与事务", Lanes(but=("engine",)))}


def _ask(tx: Tx) -> Sequence[Voice]:
    found = []
    for name, (term, lanes) in _LANES.items():
        due = next_due(tx, lanes)
        found.append(Voice("job", name, term, _DONE_WITHIN, tx.now if due is None else min(due, tx.now)))
    return found


PROBE = HouseProbe("后台作业", _ask)
