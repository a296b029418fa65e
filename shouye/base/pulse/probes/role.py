"""进程角色 — whoever holds a role renews its lease; a role without a living holder is silent."""

from __future__ import annotations

from collections.abc import Sequence

from shouye.base.kernel import LEASE, SEALER, Tx, holdings
from shouye.base.pulse.model import Voice
from shouye.base.pulse.probes import HouseProbe


def _ask(tx: Tx) -> Sequence[Voice]:
    """A living lease was renewed just now: the instants of leases are the database's, not ours.

    The sealer's lease lives only while it writes; whether facts wait for it is asked by the probe `seal`.
    """
    return [
        Voice("role", one.role, one.role, LEASE, tx.now if one.alive else one.renewed_at)
        for one in holdings(tx)
        if one.role != SEALER
    ]


PROBE = HouseProbe("进程角色", _ask)
