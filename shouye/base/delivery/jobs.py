"""收发 — sends what is intended and takes in what comes back, as a source of due work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from shouye.base.delivery import service
from shouye.base.delivery.model import Arrived, Attempt, Receipt, Reply, Sender, Switchboard
from shouye.base.kernel import AT_ONCE, Batches, Database, Tx, from_ms, handles

log = structlog.get_logger()


class Exchange:
    """总机的收发 — between intent and outcome no transaction is open; replies may lie in the future (drills).

    What came back is stored before anything else is done with it. One that its room cannot take does not keep the
    others: it is set apart as a job, which is tried again and at last lies dead on the screen.
    """

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._heard: list[Reply] = []
        self._batches = Batches()

    def next_at(self, tx: Tx) -> datetime | None:
        return tx.now if self._heard or service.has_intent(tx) else service.next_reply_at(tx)

    def run_due(self, database: Database) -> int:
        """What has waited longest comes first: while thousands are rung, those who answered are heard, too."""
        self._store(database)
        with database.read() as tx:
            heard_at, meant_at = service.next_reply_at(tx), service.first_intent_at(tx)
        if heard_at is not None and meant_at is not None and heard_at < meant_at:
            return self._take_in(database)
        sent = self._send(database)
        return sent if sent == AT_ONCE else sent + self._take_in(database)

    def _send(self, database: Database) -> int:
        with database.read() as tx:
            waiting = service.intents(tx, AT_ONCE)
        if not waiting:
            return 0
        with database.begin() as tx:
            service.begin_acts(tx, waiting)
        for key, sender in self._board.senders.items():
            batch = [attempt for attempt in waiting if attempt.channel == key]
            self._heard += self._hand_over(database, sender, batch)
        self._store(database)
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

    def _store(self, database: Database) -> None:
        """Forgotten here only when the database has them."""
        if self._heard:
            with database.begin() as tx:
                service.receive(tx, self._heard)
            self._heard = []

    def _take_in(self, database: Database) -> int:
        with database.read() as tx:
            upcoming = service.next_reply_at(tx)
            if upcoming is None or upcoming > tx.now:
                return 0
        return self._batches.run(database, _TakingIn())


class _TakingIn:
    def due(self, tx: Tx, by: datetime, limit: int) -> list[Arrived]:
        return service.replies_due(tx, by, limit)

    def count(self, tx: Tx, rows: Sequence[Arrived]) -> None:
        service.count_tries(tx, rows)

    def do(self, tx: Tx, rows: Sequence[Arrived]) -> None:
        service.settle(tx, rows)

    def set_apart(self, tx: Tx, row: Arrived) -> None:
        service.set_apart(tx, row)


def _tell_again(tx: Tx, payload: dict[str, Any]) -> None:
    told = Reply(payload["attempt"], from_ms(payload["at"]), Receipt(payload["receipt"]), payload["value"])
    service.take_in(tx, [told])


handles(service.REPLY_JOB, _tell_again)
