"""派人敲门、分工拨号 — what officers do with their own hands when a ring has not woken somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from shouye.base.access import Actor, Permission, Scope, covers, require
from shouye.base.kernel import NotFound, Tx, record
from shouye.base.roster import Roster
from shouye.during import call, warn
from shouye.during.byhand import store
from shouye.during.byhand.facts import VisitEnded, VisitSent
from shouye.during.byhand.model import AlreadyClaimed, Visit, VisitClosed

CLAIM = timedelta(minutes=3)
"""建议值 — how long a person on the dial list stays with the officer who took him."""


def send_visitor(
    tx: Tx, by: Actor, notice: int, division: str, *, minutes: int, visitor: int | None = None, post: str = ""
) -> int:
    """派人敲门 — who goes, and when he should be there."""
    require(by, Permission.ACT)
    warn.notice(tx, by.scope, notice)
    if not covers(tx, by.scope, division):
        raise NotFound(f"区划 {division}")
    number = store.insert_visit(
        tx,
        {
            "notice": notice,
            "division": division,
            "visitor": visitor,
            "visitor_post": post,
            "sent_by": by.signs_as,
            "sent_at": tx.now,
            "eta_at": tx.now + timedelta(minutes=minutes),
            "result": "",
        },
    )
    record(tx, VisitSent(subject=f"notice:{notice}", actor=by.signs_as, visit=number, division=division))
    return number


def end_visit(tx: Tx, by: Actor, visit: int, *, found: bool) -> None:
    """敲门结果 — those who were found awake or woken have answered, seen by another."""
    require(by, Permission.ACT)
    known = store.get_visit(tx, visit)
    if known is None or not covers(tx, by.scope, known.division):
        raise NotFound(f"上门 {visit}")
    result = "found" if found else "not_found"
    if not store.end_visit(tx, visit, result):
        raise VisitClosed
    record(tx, VisitEnded(subject=f"notice:{known.notice}", visit=visit, division=known.division, result=result))
    if found:
        call.met_at_door(tx, by, known.notice, known.division)


def visits(tx: Tx, scope: Scope, notice: int | None = None, *, only_open: bool = False) -> list[Visit]:
    return [one for one in store.visits(tx, notice, only_open=only_open) if covers(tx, scope, one.division)]


def claim(tx: Tx, by: Actor, person: int) -> None:
    """我来拨 — of the officers who share a dial list one rings this person; the claim lapses by itself."""
    require(by, Permission.ACT)
    _within(tx, by, person)
    held = store.claims(tx).get(person)
    if held is not None and held[0] != by.tag:
        raise AlreadyClaimed
    store.put_claim(tx, person, by.tag, tx.now + CLAIM)


def release(tx: Tx, by: Actor, person: int) -> None:
    """放下 — another officer may ring him now."""
    _within(tx, by, person)
    if store.claims(tx).get(person, (by.tag,))[0] == by.tag:
        store.delete_claim(tx, person)


def claims(tx: Tx, scope: Scope) -> dict[int, tuple[str, datetime]]:
    """谁在拨谁 — person -> (officer, until)."""
    return {person: held for person, held in store.claims(tx).items() if _holds_within(tx, scope, person)}


def _within(tx: Tx, by: Actor, person: int) -> None:
    if not _holds_within(tx, by.scope, person):
        raise NotFound(f"人员 {person}")


def _holds_within(tx: Tx, scope: Scope, person: int) -> bool:
    return any(covers(tx, scope, post.division) for post in tx.of(Roster).posts_held(person))
