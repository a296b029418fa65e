"""清理的时钟 — once a day."""

from __future__ import annotations

from datetime import datetime

from shouye.base.access import SYSTEM
from shouye.base.kernel import Database, Tx
from shouye.base.privacy import service


class Sweeper:
    """到期销毁 — a source of due work."""

    def next_at(self, tx: Tx) -> datetime | None:
        return service.next_sweep_at(tx)

    def run_due(self, database: Database) -> int:
        with database.begin() as tx:
            if service.next_sweep_at(tx) > tx.now:
                return 0
            service.sweep(tx, SYSTEM)
        return 1
