"""叫应渠道 — a channel that owes an outcome for too long is silent; one that owes nothing is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shouye.base.delivery import all_channels, waiting_since
from shouye.base.kernel import Tx
from shouye.base.pulse.model import Voice
from shouye.base.pulse.probes import HouseProbe

_OWED_WITHIN = timedelta(minutes=5)
"""A telephone rings two minutes at most (proposed)."""


def _ask(tx: Tx) -> Sequence[Voice]:
    terms = {key: one.term for key, one in all_channels().items()}
    return [Voice("channel", key, terms[key], _OWED_WITHIN, since) for key, since in waiting_since(tx).items()]


PROBE = HouseProbe("叫应渠道", _ask)
