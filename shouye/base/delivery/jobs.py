"""收发 — sends what is intended and takes in what comes back, as a source of due work."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime

import structlog

from shouye.base.delivery import service
from shouye.base.delivery.model import Attempt, Reply, Sender, Switchboard
from shouye.base.kernel import Database, Tx

log = structlog.get_logger()


class Exchange:
    """总机的收发 — between intent and outcome no transaction is open; replies may lie in the future (drills)."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._coming: list[tuple[datetime, int, int, Reply]] = []
        self._count = 0

    def next_at(self, tx: Tx) -> datetime | None:
        if service.has_intent(tx):
            return tx.now
        return self._coming[0][0] if self._coming else None

    def run_due(self, database: Database) -> int:
        return self._send(database) + self._take_in(database)

    def _send(self, database: Database) -> int:
        with database.read() as tx:
            waiting = service.intents(tx)
        if not waiting:
            return 0
        with database.begin() as tx:
            service.begin_acts(tx, waiting)
        for key, sender in self._board.senders.items():
            batch = [attempt for attempt in waiting if attempt.channel == key]
            for reply in self._hand_over(database, sender, batch):
                self._count += 1
                heapq.heappush(self._coming, (reply.at, reply.attempt, self._count, reply))
        return len(waiting)

    def _hand_over(self, database: Database, sender: Sender, batch: Sequence[Attempt]) -> Sequence[Reply]:
        """A channel that fails leaves Unknown behind, never silence; the others go on."""
        if not batch:
            return ()
        try:
            return sender.send(batch, database.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever a channel does, its attempts have an outcome
            log.error("channel failed", channel=batch[0].channel, attempts=len(batch), error=repr(error))
            with database.begin() as tx:
                service.lose(tx, [attempt.id for attempt in batch])
            return ()

    def _take_in(self, database: Database) -> int:
        now = database.clock.now()
        due: list[Reply] = []
        while self._coming and self._coming[0][0] <= now:
            due.append(heapq.heappop(self._coming)[3])
        if due:
            with database.begin() as tx:
                service.take_in(tx, due)
        return len(due)
