"""总机 — intent, act, outcome; replies go to the room that asked."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shouye.base.delivery import store
from shouye.base.delivery.model import (
    FOLLOW_UPS,
    Attempt,
    AttemptState,
    Channel,
    NewAttempt,
    Outcome,
    Receipt,
    Reply,
    Sender,
)
from shouye.base.kernel import Database, Forbidden, Mode, Tx

ReplyHandler = Callable[[Tx, Sequence[tuple[Attempt, Reply]]], None]
"""What a room does with the replies to its purpose, in the transaction that records them."""


@dataclass
class Switchboard:
    """总机 — the channels constructed for this mode, replies not yet due, and who wants them."""

    mode: Mode
    channels: Mapping[str, Channel]
    senders: Mapping[str, Sender]
    handlers: dict[str, ReplyHandler] = field(default_factory=dict)
    _coming: list[tuple[datetime, int, int, Reply]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        for key in self.senders:
            if self.mode not in self.channels[key].modes:
                raise Forbidden(f"{self.channels[key].term}渠道不得用于{self.mode.word}")

    def handle(self, purpose: str, handler: ReplyHandler) -> None:
        self.handlers[purpose] = handler

    def next_at(self, tx: Tx) -> datetime | None:
        if store.has_intent(tx, self.senders.keys()):
            return tx.now
        return self._coming[0][0] if self._coming else None

    def run_due(self, database: Database) -> int:
        """Send what is intended, then take in the replies whose time has come."""
        return self._send(database) + self._take_in(database)

    def recover(self, database: Database) -> int:
        """After a restart nobody knows the fate of an act that was under way: it is kept as Unknown."""
        with database.begin() as tx:
            lost = [item for item in store.acting(tx) if item.channel in self.senders]
            store.close_attempts(tx, [(item.id, Outcome.UNKNOWN, None) for item in lost])
            return len(lost)

    def _send(self, database: Database) -> int:
        with database.read() as tx:
            waiting = store.intents(tx, self.senders.keys())
        if not waiting:
            return 0
        with database.begin() as tx:
            store.begin_acts(tx, [attempt.id for attempt in waiting])
        for key, sender in self.senders.items():
            batch = [attempt for attempt in waiting if attempt.channel == key]
            for reply in sender.send(batch, database.clock.now()) if batch else ():
                self._count += 1
                heapq.heappush(self._coming, (reply.at, reply.attempt, self._count, reply))
        return len(waiting)

    def _take_in(self, database: Database) -> int:
        now = database.clock.now()
        due: list[Reply] = []
        while self._coming and self._coming[0][0] <= now:
            due.append(heapq.heappop(self._coming)[3])
        if due:
            with database.begin() as tx:
                take_in(tx, due)
        return len(due)


def open_attempts(tx: Tx, new: Sequence[NewAttempt]) -> list[int]:
    """呼叫意图 — safe before anything is sent. A channel not constructed in this mode is refused."""
    board = tx.of(Switchboard)
    for item in new:
        if item.channel not in board.senders:
            raise Forbidden(f"本次运行没有接入渠道 {item.channel}")
    return store.insert_attempts(tx, new, AttemptState.INTENT)


def take_in(tx: Tx, replies: Sequence[Reply]) -> None:
    """回音入账 — close what is answered and tell the rooms that asked, all in one transaction."""
    board = tx.of(Switchboard)
    known = store.read_attempts(tx, [reply.attempt for reply in replies])
    store.close_attempts(
        tx,
        [
            (reply.attempt, _outcome(reply.receipt), reply.receipt)
            for reply in replies
            if reply.receipt not in FOLLOW_UPS
        ],
    )
    by_purpose: dict[str, list[tuple[Attempt, Reply]]] = {}
    for reply in replies:
        attempt = known[reply.attempt]
        by_purpose.setdefault(attempt.purpose, []).append((attempt, reply))
    for purpose, pairs in by_purpose.items():
        if purpose in board.handlers:
            board.handlers[purpose](tx, pairs)


def by_hand(tx: Tx, new: NewAttempt, receipt: Receipt, value: int | None = None) -> None:
    """人工登记 — an officer dialled, or the person pressed his button: attempt and outcome are one record."""
    (number,) = store.insert_attempts(tx, [new], AttemptState.ACTING)
    take_in(tx, [Reply(number, tx.now, receipt, value)])


def busy_persons(tx: Tx, persons: Collection[int], purpose: str) -> set[int]:
    return store.busy_persons(tx, persons, purpose)


def attempts_of(tx: Tx, person: int, group: str | None = None) -> list[Attempt]:
    """How often, when and with what result a person was tried."""
    return store.of_person(tx, person, group)


def channel_health(tx: Tx) -> list[dict[str, object]]:
    """Each channel's attempts, open ones, unknown outcomes and the last time it was heard."""
    return store.channel_health(tx)


def _outcome(receipt: Receipt) -> Outcome:
    reached = {Receipt.CONFIRMED, Receipt.HEARD, Receipt.DECLINED, Receipt.SHOWN} | FOLLOW_UPS
    return Outcome.DELIVERED if receipt in reached else Outcome.REFUSED
