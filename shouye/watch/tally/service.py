"""来数台账 — count, hold back, show what is held; a person sets it aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from shouye.base.access import WHOLE, Actor, Scope, covers
from shouye.base.kernel import BadInput, NotFound, Refusal, Tx, record
from shouye.base.roster import Roster
from shouye.watch.tally import store
from shouye.watch.tally.facts import HeldDropped, HeldRetried
from shouye.watch.tally.model import Count, Held, Minute

_MOST_FATES = 200
"""计数种类 — rows of counts a feed may have in a day before new names are counted together. `proposed`."""


class NotHeld(Refusal):
    """这条来数已经不在隔离区，不必再处理。"""


def count(tx: Tx, counts: Mapping[tuple[str, str], int]) -> None:
    """计数 — (feed, what) -> how many more today."""
    store.count(tx, counts)


def count_unmapped(tx: Tx, counts: Mapping[tuple[str, str], int]) -> None:
    """没有对照的要素 — (feed, element) -> how many; a source that invents names fills no table with them."""
    folded: Counter[tuple[str, str]] = Counter()
    room = {feed: _MOST_FATES - store.known_fates(tx, feed) for feed in dict.fromkeys(feed for feed, _ in counts)}
    for (feed, element), many in sorted(counts.items()):
        room[feed] -= 1
        folded[feed, f"unmapped {element}"[:40] if room[feed] > 0 else "unmapped"] += many
    store.count(tx, folded)


def counts(tx: Tx, since: date | None = None) -> list[Count]:
    """接入计数 — per feed and fate, and when last."""
    return store.counts(tx, since)


def counts_by_day(tx: Tx, feed: str, since: date) -> dict[tuple[str, str], int]:
    """逐日计数 — (day, what) -> how many."""
    return store.counts_by_day(tx, feed, since)


def note(tx: Tx, feed: str, what: str, many: int = 1) -> None:
    """计数 — something was turned away before it was a message."""
    store.count(tx, {(feed, what[:40]): many})


def keep_pace(tx: Tx, rows: Sequence[Minute]) -> None:
    """来数快慢 — add to this minute of each feed."""
    store.keep_pace(tx, rows)


def minutes(tx: Tx, since: datetime, feed: str = "") -> list[Minute]:
    """来数快慢 — minute by minute, at most the last day."""
    return store.minutes(tx, max(since, tx.now - timedelta(days=1)), feed)


def hold(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """隔离 — keep what was refused with its bytes and reason, each feed within its bound."""
    store.hold(tx, rows)


def held(
    tx: Tx,
    scope: Scope,
    feed: str = "",
    state: str = "held",
    limit: int = 100,
    before: int | None = None,
    code: str = "",
) -> list[Held]:
    """隔离区 — what was refused, newest first."""
    return store.held(tx, feed, state, limit, before, code) if _is_theirs(tx, scope) else []


def held_tally(tx: Tx, scope: Scope, state: str = "held") -> dict[tuple[str, str], int]:
    """隔离区有多少 — by feed and reason."""
    return store.tally(tx, state) if _is_theirs(tx, scope) else {}


def held_one(tx: Tx, scope: Scope, number: int) -> Held:
    found = store.held_one(tx, number) if _is_theirs(tx, scope) else None
    if found is None:
        raise NotFound(f"隔离区第 {number} 条")
    return found


def _is_theirs(tx: Tx, scope: Scope) -> bool:
    """A message that nobody could read belongs to no county: the city's duty sees to it."""
    return scope == WHOLE or covers(tx, scope, tx.of(Roster).city.id)


def settle_retried(tx: Tx, actor: Actor, number: int, standings: Mapping[str, int], told: str) -> None:
    """已重试 — this row has had its turn; what is refused again lies there anew with its reason of now."""
    one = held_one(tx, actor.scope, number)
    if not store.settle(tx, number, "retried", actor.tag, told[:500]):
        raise NotHeld(f"第 {number} 条")
    fact = HeldRetried(
        subject=f"held:{number}", actor=actor.tag, feed=one.feed, code=one.code, standings=dict(standings)
    )
    record(tx, fact)


def drop_held(tx: Tx, actor: Actor, number: int, reason: str) -> None:
    """弃置 — a person has looked at it and it is nothing; the row, the reason and the count stay."""
    if not reason.strip():
        raise BadInput("请写明弃置的理由")
    one = held_one(tx, actor.scope, number)
    if not store.settle(tx, number, "dropped", actor.tag, reason.strip()[:500]):
        raise NotHeld(f"第 {number} 条")
    record(tx, HeldDropped(subject=f"held:{number}", actor=actor.tag, feed=one.feed, code=one.code))
