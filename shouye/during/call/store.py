"""叫应的表与查询。"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from shouye.base.kernel import Each, Instant, RowId, Tx, among, insert_rows, metadata
from shouye.base.roster import DivisionLevel
from shouye.during.call.model import (
    OPEN,
    SETTLES_LATER,
    Balance,
    CallState,
    Evidence,
    FieldReport,
    Obligation,
)

obligation_table = Table(
    "obligation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("notice", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("division", String(20), nullable=False),
    Column("county", String(20), nullable=False),
    Column("township", String(20), nullable=False),
    Column("level", String(12), nullable=False),
    Column("post", String(80), nullable=False),
    Column("state", String(12), nullable=False),
    Column("primary", Integer),
    Column("deputy", Integer),
    Column("rung", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("first_try_at", Instant),
    Column("last_try_at", Instant),
    Column("last_receipt", String(12), nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Integer),
    Column("evidence", Integer, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("escalated", Boolean, nullable=False),
    Column("handed_to", String(80), nullable=False),
    Column("closed_at", Instant),
    Index("obligation_notice", "notice", "state"),
    Index("obligation_primary", "primary", "state"),
    Index("obligation_deputy", "deputy", "state"),
    Index("obligation_state", "state"),
    Index("obligation_unit", "notice", "round", "division", "post", unique=True),
)

escalation_table = Table(
    "escalation",
    metadata,
    Column("notice", Integer, primary_key=True),
    Column("superior", String(80), primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("task", Integer, nullable=False),
    comment="one message per notice and superior; the list behind it grows",
)

report_table = Table(
    "field_report",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("notice", Integer, nullable=False),
    Column("division", String(20), nullable=False),
    Column("post", String(80), nullable=False),
    Column("person", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("value", Integer),
    Column("at", Instant, nullable=False),
    Index("field_report_notice", "notice", "division", "kind"),
)


def _in_state(states: Iterable[CallState]) -> ColumnElement[bool]:
    """A bulk update takes no list: IN cannot be repeated row by row."""
    return or_(*(obligation_table.c.state == state.value for state in states))


# Statements that run thousands of times in a night are put together once.
_in_states = obligation_table.c.state.in_(bindparam("states", expanding=True))
_listed = among(obligation_table.c.id, "ids")
_these = select(obligation_table).where(_listed)
_BY_IDS = [query.order_by(obligation_table.c.id) for query in (_these, _these.where(_in_states))]
_STATES_OF = select(obligation_table.c.id, obligation_table.c.state).where(_listed)
_of_notice = select(obligation_table).where(obligation_table.c.notice == bindparam("notice_"))
_OF_NOTICE = [query.order_by(obligation_table.c.id) for query in (_of_notice, _of_notice.where(_in_states))]
_ANY_OF_ROUND = (
    select(obligation_table.c.id)
    .where(obligation_table.c.notice == bindparam("notice_"), obligation_table.c.round == bindparam("round_"))
    .limit(1)
)
_PEOPLE_OF = select(
    *(obligation_table.c[key] for key in ("primary", "deputy", "post", "escalated", "opened_at"))
).where(obligation_table.c.notice == bindparam("notice_"))
# Two searches, each by its index: an OR of two lists would look at every row.
_HOLDERS = [among(column, "persons") for column in (obligation_table.c.primary, obligation_table.c.deputy)]
_SETTLED_BY = union(*(select(obligation_table).where(mine, _in_state(SETTLES_LATER)) for mine in _HOLDERS))
_HELD_IN = union(
    *(select(obligation_table).where(mine, obligation_table.c.notice == bindparam("notice_")) for mine in _HOLDERS)
)
_OWING = union(
    *(
        select(*(obligation_table.c[key] for key in ("id", "notice", "primary", "deputy", "rung"))).where(
            mine, _in_state(OPEN)
        )
        for mine in _HOLDERS
    )
)
_TRIED = Each(
    lambda row: (
        update(obligation_table)
        .where(obligation_table.c.id == row.o)
        .values(
            tries=obligation_table.c.tries + 1,
            rung=row.rung_,
            last_try_at=row.now_,
            first_try_at=func.coalesce(obligation_table.c.first_try_at, row.now_),
        )
    ),
    o=Integer,
    rung_=Integer,
    now_=Instant,
)
_RECEIVED = Each(
    lambda row: (
        update(obligation_table)
        .where(obligation_table.c.id == row.o, _in_state(OPEN))
        .values(last_receipt=row.receipt_, state=row.state_, evidence=row.evidence_)
    ),
    o=Integer,
    receipt_=String,
    state_=String,
    evidence_=Integer,
)
_SETTLED = Each(
    lambda row: (
        update(obligation_table)
        .where(obligation_table.c.id == row.o, _in_state(SETTLES_LATER))
        .values(
            state=CallState.ANSWERED.value,
            answered_at=row.now_,
            answered_by=row.person_,
            evidence=row.evidence_,
            last_receipt=row.receipt_,
            late=or_(obligation_table.c.late, obligation_table.c.due_at < row.now_),
            closed_at=row.now_,
        )
    ),
    o=Integer,
    person_=Integer,
    evidence_=Integer,
    receipt_=String,
    now_=Instant,
)
_FORGOTTEN = Each(
    lambda row: delete(escalation_table).where(
        escalation_table.c.notice == row.notice_, escalation_table.c.superior == row.superior_
    ),
    notice_=Integer,
    superior_=String,
)


def insert_obligations(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    insert_rows(tx, obligation_table, rows)


def by_ids(tx: Tx, ids: Collection[int], states: Collection[CallState] = ()) -> list[Obligation]:
    if not ids:
        return []
    some = {"ids": ids, "states": [state.value for state in states]}
    return [_obligation(row) for row in tx.run(_BY_IDS[bool(states)], some)]


def states_of(tx: Tx, ids: Collection[int]) -> dict[int, CallState]:
    return {row.id: _STATES[row.state] for row in tx.run(_STATES_OF, {"ids": ids})}


def of_notice(tx: Tx, notice: int, states: Collection[CallState] = ()) -> list[Obligation]:
    some = {"notice_": notice, "states": [state.value for state in states]}
    return [_obligation(row) for row in tx.run(_OF_NOTICE[bool(states)], some)]


def round_begun(tx: Tx, notice: int, number: int) -> bool:
    return tx.run(_ANY_OF_ROUND, {"notice_": notice, "round_": number}).first() is not None


def people_of_notice(tx: Tx, notice: int) -> Sequence[Any]:
    """For each obligation of the notice: primary, deputy, post, escalated, opened_at."""
    found: Sequence[Any] = tx.run(_PEOPLE_OF, {"notice_": notice}).all()
    return found


def of_persons(tx: Tx, persons: Iterable[int]) -> list[Obligation]:
    """What these people can still settle, as primary or as deputy."""
    return _held_by(tx, persons, _SETTLED_BY, {})


def of_people_in(tx: Tx, persons: Iterable[int], notice: int) -> list[Obligation]:
    return _held_by(tx, persons, _HELD_IN, {"notice_": notice})


def _held_by(tx: Tx, persons: Iterable[int], query: Any, some: dict[str, Any]) -> list[Obligation]:
    rows = tx.run(query, {"persons": sorted(set(persons)), **some})
    return [_obligation(row) for row in sorted(rows, key=lambda row: row.id)]


def owing(tx: Tx, persons: Collection[int]) -> Sequence[Any]:
    """What these people hold that nobody answers for yet: id, notice, primary, deputy, rung; oldest first."""
    return sorted(tx.run(_OWING, {"persons": sorted(persons)}).all())


def answered_at_places(tx: Tx, notice: int, divisions: Collection[str]) -> dict[str, int]:
    """For each of these divisions where somebody has answered: the first who did."""
    query = select(obligation_table.c.division, obligation_table.c.answered_by).where(
        obligation_table.c.notice == notice,
        obligation_table.c.division.in_(sorted(divisions)),
        obligation_table.c.answered_by.is_not(None),
    )
    found: dict[str, int] = {}
    for row in tx.run(query.order_by(obligation_table.c.answered_at, obligation_table.c.id)):
        found.setdefault(row.division, row.answered_by)
    return found


def open_obligations(tx: Tx) -> list[Obligation]:
    query = select(obligation_table).where(obligation_table.c.state.in_([state.value for state in OPEN]))
    return [_obligation(row) for row in tx.run(query.order_by(obligation_table.c.id))]


def all_obligations(tx: Tx) -> list[Obligation]:
    return [_obligation(row) for row in tx.run(select(obligation_table).order_by(obligation_table.c.id))]


def note_tries(tx: Tx, rows: Sequence[tuple[int, int]]) -> None:
    """(obligation, rung): one more try now."""
    _TRIED.run(tx, [{"o": number, "rung_": rung, "now_": tx.now} for number, rung in dict(rows).items()])


def note_receipts(tx: Tx, rows: Sequence[tuple[int, str, CallState, Evidence]]) -> None:
    """(obligation, receipt, state, evidence) of what did not settle it."""
    last = {
        number: {"o": number, "receipt_": receipt, "state_": state.value, "evidence_": int(evidence)}
        for number, receipt, state, evidence in rows
    }
    _RECEIVED.run(tx, list(last.values()))


def settle(tx: Tx, rows: Sequence[tuple[int, int, Evidence, str]]) -> None:
    """(obligation, person, evidence, receipt): answered now, if still to be settled; the first answer counts."""
    first = {
        number: {"o": number, "person_": person, "evidence_": int(evidence), "receipt_": receipt, "now_": tx.now}
        for number, person, evidence, receipt in reversed(rows)
    }
    _SETTLED.run(tx, list(first.values()))


def raise_evidence(tx: Tx, notice: int, persons: Sequence[int], evidence: Evidence) -> None:
    """What these people answered in this notice is now known better."""
    theirs = (obligation_table.c.notice == notice) & among(obligation_table.c.answered_by, "persons")
    better = obligation_table.c.evidence < int(evidence)
    tx.run(update(obligation_table).where(theirs, better).values(evidence=int(evidence)), {"persons": persons})


def mark_late(tx: Tx, ids: Sequence[int], escalated: Sequence[int]) -> None:
    """All of these are late; some have a post above that is told."""
    _set(tx, ids, {"late": True})
    _set(tx, escalated, {"escalated": True})


def turn_to_deputy(tx: Tx, ids: Sequence[int]) -> None:
    """From now on the deputy is called for these, and his answer counts."""
    if ids:
        tx.run(update(obligation_table).where(_listed, _in_state(SETTLES_LATER)).values(rung=1), {"ids": ids})


def mark_unreached(tx: Tx, ids: Sequence[int]) -> None:
    _set(tx, ids, {"state": CallState.UNREACHED.value})


def close(tx: Tx, ids: Sequence[int], state: CallState, to: str = "") -> None:
    _set(tx, ids, {"state": state.value, "closed_at": tx.now, "handed_to": to})


def _set(tx: Tx, ids: Sequence[int], values: dict[str, Any]) -> None:
    if ids:
        tx.run(update(obligation_table).where(_listed, _in_state(OPEN)).values(**values), {"ids": ids})


def escalations(tx: Tx, notices: Collection[int]) -> dict[tuple[int, str], int]:
    """(notice, superior) -> the task of the one message to this superior."""
    rows = tx.run(select(escalation_table).where(escalation_table.c.notice.in_(sorted(notices))))
    return {(row.notice, row.superior): row.task for row in rows}


def put_escalations(tx: Tx, tasks: Mapping[tuple[int, str], int]) -> None:
    """The list each superior was told of last."""
    rows = [{"notice_": notice, "superior_": superior} for notice, superior in tasks]
    _FORGOTTEN.run(tx, rows)
    new = [
        {"notice": notice, "superior": superior, "opened_at": tx.now, "task": task}
        for (notice, superior), task in tasks.items()
    ]
    insert_rows(tx, escalation_table, new)


def insert_reports(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.run(insert(report_table), [{"at": tx.now, **row} for row in rows])


def part_reports(tx: Tx, before: datetime, truly: bool) -> int:
    """Field reports older than that keep place, post and figure, and forget the person."""
    old = (report_table.c.at < before) & (report_table.c.person != 0)
    if truly:
        return int(tx.run(update(report_table).where(old).values(person=0)).rowcount)
    return int(tx.run(select(func.count()).select_from(report_table).where(old)).scalar_one())


def reports(tx: Tx, notice: int | None = None) -> list[FieldReport]:
    query = select(report_table).order_by(report_table.c.id)
    if notice is not None:
        query = query.where(report_table.c.notice == notice)
    return [FieldReport(**row._mapping) for row in tx.run(query)]


def balances(tx: Tx, *keys: str, notice: int | None = None) -> dict[tuple[Any, ...], Balance]:
    """Balances grouped by the named columns (notice, county, township, division, level, round)."""
    columns = [obligation_table.c[key] for key in keys]
    query = select(
        *columns,
        obligation_table.c.state,
        func.count().label("n"),
        func.count().filter(obligation_table.c.late).label("late"),
        func.count().filter(obligation_table.c.escalated).label("escalated"),
    ).group_by(*columns, obligation_table.c.state)
    if notice is not None:
        query = query.where(obligation_table.c.notice == notice)
    found: dict[tuple[Any, ...], Balance] = {}
    for row in tx.run(query.order_by(*columns, obligation_table.c.state)):
        key = tuple(row[: len(keys)])
        state = CallState.WAITING if row.state == CallState.HEARD else CallState(row.state)
        counts = {"opened": row.n, state.value: row.n, "late": row.late, "escalated": row.escalated}
        found[key] = found.get(key, Balance()) + Balance(**counts)
    return found


_LEVELS = {level.value: level for level in DivisionLevel}
_STATES = {state.value: state for state in CallState}
_EVIDENCES = {int(evidence): evidence for evidence in Evidence}
_LEVEL, _STATE, _EVIDENCE = (obligation_table.c.keys().index(key) for key in ("level", "state", "evidence"))


def _obligation(row: Any) -> Obligation:
    values = list(row)
    values[_LEVEL] = _LEVELS[values[_LEVEL]]
    values[_STATE] = _STATES[values[_STATE]]
    values[_EVIDENCE] = _EVIDENCES[values[_EVIDENCE]]
    return Obligation(*values)
