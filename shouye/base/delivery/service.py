"""呼叫与回音 — intent, act, outcome; replies go to the room that asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from shouye.base.access import WHOLE, Scope, covers
from shouye.base.delivery import store
from shouye.base.delivery.model import (
    FOLLOW_UPS,
    Arrived,
    Attempt,
    AttemptState,
    NewAttempt,
    Outcome,
    RecallingSender,
    Receipt,
    Reply,
    Switchboard,
)
from shouye.base.kernel import Forbidden, NotFound, Tx, enqueue, from_ms, to_ms
from shouye.base.roster import Roster

REPLY_JOB = "delivery.reply"
"""作业 — tell the room that asked what came back, when it could not be told with the others."""


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
    store.close_attempts(tx, [(number, _outcome(receipt), receipt)])  # a report, too: nobody is on the line


def receive(tx: Tx, replies: Sequence[Reply]) -> None:
    """回音收下 — kept from now on, taken in when their time comes."""
    store.insert_replies(tx, replies)


def replies_due(tx: Tx, by: datetime, limit: int) -> list[Arrived]:
    """到时的回音 — in the order of time."""
    return store.replies_due(tx, by, limit)


def count_tries(tx: Tx, arrived: Sequence[Arrived]) -> None:
    """先记后做 — taking these in is begun once more."""
    store.count_tries(tx, [one.row for one in arrived])


def next_reply_at(tx: Tx) -> datetime | None:
    """When the next reply is to be taken in."""
    return store.next_reply_at(tx)


def settle(tx: Tx, arrived: Sequence[Arrived]) -> None:
    """回音入账并离开收件处 — in one transaction, so that none is lost and none counts twice."""
    store.delete_replies(tx, [one.row for one in arrived])
    take_in(tx, [one.reply for one in arrived])


def set_apart(tx: Tx, arrived: Arrived) -> None:
    """单独处理 — the room that asked could not take it: the outcome stands, a job of its own tells the room."""
    reply = arrived.reply
    store.delete_replies(tx, [arrived.row])
    if reply.receipt not in FOLLOW_UPS:
        store.close_attempts(tx, [(reply.attempt, _outcome(reply.receipt), reply.receipt)])
    payload = {
        "attempt": reply.attempt,
        "at": to_ms(reply.at),
        "receipt": reply.receipt.value,
        "value": reply.value,
    }
    enqueue(tx, kind=REPLY_JOB, lane=f"reply:{reply.attempt}", due_at=tx.now, payload=payload)


def recover(tx: Tx) -> int:
    """重启之后 — a channel that can is asked again about what was under way; of the rest the fate is Unknown.

    Returns how many are Unknown.
    """
    unknown = 0
    for channel, sender in tx.of(Switchboard).senders.items():
        lost = {item.id: item for item in store.lost(tx, channel)}
        if isinstance(sender, RecallingSender):
            before = Counter(store.tried(tx, channel))
            before.subtract((item.person, item.purpose, item.group) for item in lost.values())
            replies = sender.recall(before, list(lost.values()))
            receive(tx, replies)
            for reply in replies:
                lost.pop(reply.attempt, None)
        lose(tx, list(lost))
        unknown += len(lost)
    return unknown


def lose(tx: Tx, attempts: Sequence[int]) -> None:
    """下落不明 — whether they were carried out cannot be known."""
    store.close_attempts(tx, [(number, Outcome.UNKNOWN, None) for number in attempts])


def intents(tx: Tx, limit: int) -> list[Attempt]:
    """What is intended and not yet sent, over the channels at work here: the first of them."""
    return store.intents(tx, tx.of(Switchboard).senders.keys(), limit)


def has_intent(tx: Tx) -> bool:
    return store.has_intent(tx, tx.of(Switchboard).senders.keys())


def first_intent_at(tx: Tx) -> datetime | None:
    """Since when the first of them waits."""
    return store.first_intent_at(tx, tx.of(Switchboard).senders.keys())


def begin_acts(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """The act begins: from here on only an outcome ends it."""
    store.begin_acts(tx, [attempt.id for attempt in attempts])


def busy_persons(tx: Tx, persons: Collection[int], purpose: str) -> set[int]:
    return store.busy_persons(tx, persons, purpose)


def attempts_of(tx: Tx, scope: Scope, person: int, group: str | None = None) -> list[Attempt]:
    """How often, when and with what result a person was tried; of people who hold a post within the scope."""
    if scope != WHOLE and not any(covers(tx, scope, post.division) for post in tx.of(Roster).posts_held(person)):
        raise NotFound(f"人员 {person}")
    return store.of_person(tx, person, group)


def delivered(
    tx: Tx, persons: Collection[int], purpose: str, since: datetime | None = None, but: str = ""
) -> list[Attempt]:
    """What truly came to the ears of these people, of what was begun at `since` or later, but for one group."""
    return store.delivered(tx, persons, purpose, since or from_ms(0), but)


def reached(tx: Tx, purpose: str, group: str, since: datetime) -> set[int]:
    """To whose ears something of this group truly came, of what was begun at `since` or later."""
    return store.reached(tx, purpose, group, since)


def spoken_to(tx: Tx, persons: Collection[int], purpose: str, group: str, since: datetime) -> set[int]:
    """To whom of these something of this group was sent at `since` or later, whatever came of it."""
    return store.spoken_to(tx, persons, purpose, group, since)


def waiting_since(tx: Tx) -> dict[str, datetime]:
    """未回 — since when the oldest attempt of each channel at work here waits; now, if none does."""
    waiting = store.waiting_since(tx)
    return {channel: waiting.get(channel, tx.now) for channel in tx.of(Switchboard).senders}


def channel_health(tx: Tx) -> list[dict[str, object]]:
    """Each channel's attempts, open ones, unknown outcomes and the last time it was heard."""
    return store.channel_health(tx)


def _outcome(receipt: Receipt) -> Outcome:
    reached = {Receipt.CONFIRMED, Receipt.HEARD, Receipt.DECLINED, Receipt.SHOWN} | FOLLOW_UPS
    return Outcome.DELIVERED if receipt in reached else Outcome.REFUSED
