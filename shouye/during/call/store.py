"""叫应的表与查询。"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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

from shouye.base.kernel import Instant, RowId, Tx, metadata
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

CHUNK = 500

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
_now = bindparam("now_", type_=Instant)
_in_states = obligation_table.c.state.in_(bindparam("states", expanding=True))
_these = select(obligation_table).where(obligation_table.c.id.in_(bindparam("ids", expanding=True)))
_BY_IDS = [query.order_by(obligation_table.c.id) for query in (_these, _these.where(_in_states))]
_of_notice = select(obligation_table).where(obligation_table.c.notice == bindparam("notice_"))
_OF_NOTICE = [query.order_by(obligation_table.c.id) for query in (_of_notice, _of_notice.where(_in_states))]
# Two searches, each by its index: an OR of two lists would look at every row.
_holding = [
    select(obligation_table).where(column.in_(bindparam("persons", expanding=True)))
    for column in (obligation_table.c.primary, obligation_table.c.deputy)
]
_SETTLED_BY = union(*(query.where(_in_state(SETTLES_LATER)) for query in _holding))
_HELD_IN = union(*(query.where(obligation_table.c.notice == bindparam("notice_")) for query in _holding))
_TRIED = (
    update(obligation_table)
    .where(obligation_table.c.id == bindparam("o"))
    .values(
        tries=obligation_table.c.tries + 1,
        rung=bindparam("rung_"),
        last_try_at=_now,
        first_try_at=func.coalesce(obligation_table.c.first_try_at, _now),
    )
)
_RECEIVED = (
    update(obligation_table)
    .where(obligation_table.c.id == bindparam("o"), _in_state(OPEN))
    .values(last_receipt=bindparam("receipt_"), state=bindparam("state_"), evidence=bindparam("evidence_"))
)
_SETTLED = (
    update(obligation_table)
    .where(obligation_table.c.id == bindparam("o"), _in_state(SETTLES_LATER))
    .values(
        state=CallState.ANSWERED.value,
        answered_at=_now,
        answered_by=bindparam("person_"),
        evidence=bindparam("evidence_"),
        last_receipt=bindparam("receipt_"),
        late=or_(obligation_table.c.late, obligation_table.c.due_at < _now),
        closed_at=_now,
    )
)


def insert_obligations(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.run(insert(obligation_table), list(rows))


def by_ids(tx: Tx, ids: Iterable[int], states: Collection[CallState] = ()) -> list[Obligation]:
    wanted = sorted(set(ids))
    found: list[Obligation] = []
    for start in range(0, len(wanted), CHUNK):
        some = {"ids": wanted[start : start + CHUNK], "states": [state.value for state in states]}
        found.extend(_obligation(row) for row in tx.run(_BY_IDS[bool(states)], some))
    return found


def of_notice(tx: Tx, notice: int, states: Collection[CallState] = ()) -> list[Obligation]:
    some = {"notice_": notice, "states": [state.value for state in states]}
    return [_obligation(row) for row in tx.run(_OF_NOTICE[bool(states)], some)]


def of_persons(tx: Tx, persons: Iterable[int]) -> list[Obligation]:
    """What these people can still settle, as primary or as deputy."""
    return _held_by(tx, persons, _SETTLED_BY, {})


def of_people_in(tx: Tx, persons: Iterable[int], notice: int) -> list[Obligation]:
    return _held_by(tx, persons, _HELD_IN, {"notice_": notice})


def _held_by(tx: Tx, persons: Iterable[int], query: Any, some: dict[str, Any]) -> list[Obligation]:
    wanted = sorted(set(persons))
    found: dict[int, Obligation] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = tx.run(query, {"persons": wanted[start : start + CHUNK], **some})
        found.update({row.id: _obligation(row) for row in rows})
    return [found[number] for number in sorted(found)]


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
    if rows:
        tx.run(_TRIED, [{"o": number, "rung_": rung, "now_": tx.now} for number, rung in rows])


def note_receipts(tx: Tx, rows: Sequence[tuple[int, str, CallState, Evidence]]) -> None:
    """(obligation, receipt, state, evidence) of what did not settle it."""
    if rows:
        changes = [
            {"o": number, "receipt_": receipt, "state_": state.value, "evidence_": int(evidence)}
            for number, receipt, state, evidence in rows
        ]
        tx.run(_RECEIVED, changes)


def settle(tx: Tx, rows: Sequence[tuple[int, int, Evidence, str]]) -> None:
    """(obligation, person, evidence, receipt): answered now, if still to be settled."""
    if rows:
        changes = [
            {"o": number, "person_": person, "evidence_": int(evidence), "receipt_": receipt, "now_": tx.now}
            for number, person, evidence, receipt in rows
        ]
        tx.run(_SETTLED, changes)


def raise_evidence(tx: Tx, notice: int, persons: Sequence[int], evidence: Evidence) -> None:
    """What these people answered in this notice is now known better."""
    for start in range(0, len(persons), CHUNK):
        tx.run(
            update(obligation_table)
            .where(
                obligation_table.c.notice == notice,
                obligation_table.c.answered_by.in_(persons[start : start + CHUNK]),
                obligation_table.c.evidence < int(evidence),
            )
            .values(evidence=int(evidence))
        )


def mark_late(tx: Tx, ids: Sequence[int], escalated: Sequence[int]) -> None:
    """All of these are late; some have a post above that is told."""
    _set(tx, ids, {"late": True})
    _set(tx, escalated, {"escalated": True})


def turn_to_deputy(tx: Tx, ids: Sequence[int]) -> None:
    """From now on the deputy is called for these, and his answer counts."""
    for start in range(0, len(ids), CHUNK):
        mine = obligation_table.c.id.in_(ids[start : start + CHUNK]) & _in_state(SETTLES_LATER)
        tx.run(update(obligation_table).where(mine).values(rung=1))


def mark_unreached(tx: Tx, ids: Sequence[int]) -> None:
    _set(tx, ids, {"state": CallState.UNREACHED.value})


def close(tx: Tx, ids: Sequence[int], state: CallState, to: str = "") -> None:
    _set(tx, ids, {"state": state.value, "closed_at": tx.now, "handed_to": to})


def _set(tx: Tx, ids: Sequence[int], values: dict[str, Any]) -> None:
    for start in range(0, len(ids), CHUNK):
        tx.run(
            update(obligation_table)
            .where(
                obligation_table.c.id.in_(ids[start : start + CHUNK]),
                obligation_table.c.state.in_([state.value for state in OPEN]),
            )
            .values(**values)
        )


def escalation(tx: Tx, notice: int, superior: str) -> int | None:
    """The task of the one message to this superior, if it was sent."""
    query = select(escalation_table.c.task).where(
        escalation_table.c.notice == notice, escalation_table.c.superior == superior
    )
    task: int | None = tx.run(query).scalar()
    return task


def put_escalation(tx: Tx, notice: int, superior: str, task: int) -> None:
    """The list this superior was told of last."""
    gone = (escalation_table.c.notice == notice) & (escalation_table.c.superior == superior)
    tx.run(delete(escalation_table).where(gone))
    tx.run(insert(escalation_table).values(notice=notice, superior=superior, opened_at=tx.now, task=task))


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


def _obligation(row: Any) -> Obligation:
    values = dict(row._mapping)
    values["level"] = _LEVELS[values["level"]]
    values["state"] = _STATES[values["state"]]
    values["evidence"] = Evidence(values["evidence"])
    return Obligation(**values)
