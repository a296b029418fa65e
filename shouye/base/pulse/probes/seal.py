"""记录封存 — facts are sealed within seconds; one that waits for long says that the sealer is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shouye.base.kernel import Tx, unsealed_since
from shouye.base.pulse.model import Voice
from shouye.base.pulse.probes import HouseProbe

_SEALED_WITHIN = timedelta(minutes=2)
"""proposed."""


def _ask(tx: Tx) -> Sequence[Voice]:
    return [Voice("seal", "sealer", "封存员", _SEALED_WITHIN, min(unsealed_since(tx) or tx.now, tx.now))]


PROBE = HouseProbe("记录封存", _ask)
