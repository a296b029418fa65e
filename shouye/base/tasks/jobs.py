"""升级时钟 — the one clock that climbs ladders, as a source of due work."""

from __future__ import annotations

from datetime import datetime

from shouye.base.kernel import Database, Tx
from shouye.base.tasks import service


class LadderClock:
    """One pass: every task climbs at most one step, all in one transaction."""

    def next_at(self, tx: Tx) -> datetime | None:
        return service.next_step_at(tx)

    def run_due(self, database: Database) -> int:
        with database.begin() as tx:
            return service.climb(tx)
