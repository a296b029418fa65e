"""升级时钟 — the one clock that climbs ladders, as a source of due work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shouye.base.kernel import Batches, Database, Tx, handles
from shouye.base.tasks import service
from shouye.base.tasks.model import Task


class LadderClock:
    """One pass: the tasks longest due climb one step, all in one transaction; the rest in the next."""

    def __init__(self) -> None:
        self._batches = Batches()

    def next_at(self, tx: Tx) -> datetime | None:
        return service.next_step_at(tx)

    def run_due(self, database: Database) -> int:
        return self._batches.run(database, _Climbing())


class _Climbing:
    def due(self, tx: Tx, by: datetime, limit: int) -> list[Task]:
        return service.due(tx, by, limit)

    def count(self, tx: Tx, rows: Sequence[Task]) -> None:
        service.count_tries(tx, rows)

    def do(self, tx: Tx, rows: Sequence[Task]) -> None:
        service.climb(tx, rows)

    def set_apart(self, tx: Tx, row: Task) -> None:
        service.set_apart(tx, row)


handles(service.STEP_JOB, service.tell_again)
