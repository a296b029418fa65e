"""到期销毁 — look through every kind that is kept, destroy what is past its time, say how many."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from shouye.base.access import Actor
from shouye.base.kernel import Tx, iso, record
from shouye.base.privacy import store
from shouye.base.privacy.facts import PersonalDataErased
from shouye.base.privacy.model import EVERY, Retention, kinds, parse_retention


def read_retention(path: Path) -> Retention:
    """读保存期限 — `retention.toml` of a city; it must name every kind that a room keeps."""
    return parse_retention(path, kinds())


def sweep(tx: Tx, by: Actor, *, truly: bool = True) -> dict[str, int]:
    """清理 — how many of each kind were destroyed, or would be; the destruction is a Fact with the count."""
    retention = tx.of(Retention)
    found = {}
    for kind, kept in sorted(kinds().items()):
        before = retention.before(kind, tx.now)
        found[kind] = kept.erase(tx, before, truly)
        if truly:
            store.put_swept(tx, kind)
            if found[kind]:
                subject, count = f"retention:{kind}", found[kind]
                record(tx, PersonalDataErased(subject=subject, actor=by.tag, erased=count, before=iso(before)))
    return found


def next_sweep_at(tx: Tx) -> datetime:
    """When something falls due to be looked through: a kind never looked through is due now."""
    last = store.swept(tx)
    return min((last[kind] + EVERY if kind in last else tx.now for kind in kinds()), default=tx.now + EVERY)
