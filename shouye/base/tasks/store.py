"""事项的表与查询。"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, bindparam, func, select, update

from shouye.base.kernel import Document, Each, Instant, RowId, Tx, among, insert_rows, metadata, new_ids
from shouye.base.tasks.model import LIVE, NewTask, Task, TaskState

task_table = Table(
    "task",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("group", String(80), nullable=False),
    Column("title", String(400), nullable=False),
    Column("division", String(20), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ladder", String(40), nullable=False),
    Column("taken", Integer, nullable=False),
    Column("ahead_s", Integer, nullable=False),
    Column("next_at", Instant),
    Column("state", String(20), nullable=False),
    Column("overdue", Boolean, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(80)),
    Column("detail", Document, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("task_next", "next_at"),
    Index("task_group", "group", "kind"),
    Index("task_state_due", "state", "due_at"),
)


_NEXT = select(func.min(task_table.c.next_at))
_STEPS = Each(
    lambda row: (
        update(task_table)
        .where(task_table.c.id == row.task)
        .values(taken=row.taken_, ahead_s=row.ahead_, next_at=row.next_, overdue=row.overdue_, tries=0)
    ),
    task=RowId,
    taken_=Integer,
    ahead_=Integer,
    next_=Instant,
    overdue_=Boolean,
)
_TEXTS = Each(
    lambda row: update(task_table).where(task_table.c.id == row.task).values(title=row.title_, detail=row.detail_),
    task=RowId,
    title_=String,
    detail_=Document,
)
_these = among(task_table.c.id, "ids")
_DUE = (
    select(task_table)
    .where(task_table.c.next_at <= bindparam("by", type_=Instant))
    .order_by(task_table.c.next_at, task_table.c.id)
    .limit(bindparam("most"))
)
_TRIED = update(task_table).where(_these).values(tries=task_table.c.tries + 1)
_LIVE = task_table.c.state.in_([state.value for state in LIVE])
_STILL_OWED = select(task_table.c.id).where(_these, _LIVE).order_by(task_table.c.id)
_CLOSE = (
    update(task_table)
    .where(_these)
    .values(
        state=bindparam("to"), closed_at=bindparam("at", type_=Instant), closed_by=bindparam("by_"), next_at=None
    )
)
_OPENED_AFTER = (
    select(task_table)
    .where(task_table.c.id > bindparam("number"), task_table.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(task_table.c.id)
)
_in_group = select(task_table).where(
    task_table.c.group == bindparam("group_"), task_table.c.kind == bindparam("kind_")
)
_IN_GROUP = _in_group.order_by(task_table.c.id)
_OWED_LISTS = _in_group.where(_LIVE, task_table.c.division.in_(bindparam("places", expanding=True))).order_by(
    task_table.c.id
)
_ONE = select(task_table).where(task_table.c.id == bindparam("task"))
_THESE = select(task_table).where(_these).order_by(task_table.c.id)


def insert_tasks(tx: Tx, new: Sequence[NewTask], next_at: Sequence[datetime | None]) -> list[int]:
    """Insert in bulk and return the ids in the order given."""
    if not new:
        return []
    numbers = new_ids(tx, task_table, len(new))
    rows = [
        {
            "id": number,
            "kind": item.kind,
            "group": item.group,
            "title": item.title,
            "division": item.division,
            "owner": item.owner,
            "opened_at": tx.now,
            "due_at": item.due_at,
            "ladder": item.ladder,
            "taken": 0,
            "ahead_s": 0,
            "next_at": instant,
            "state": TaskState.OPEN.value,
            "overdue": False,
            "detail": dict(item.detail),
            "tries": 0,
        }
        for number, item, instant in zip(numbers, new, next_at, strict=True)
    ]
    insert_rows(tx, task_table, rows)
    return numbers


def due_tasks(tx: Tx, by: datetime, limit: int) -> list[Task]:
    """Those whose next step was due by then, the longest due first."""
    return [to_task(row) for row in tx.run(_DUE, {"by": by, "most": limit})]


def count_tries(tx: Tx, ids: Collection[int]) -> None:
    tx.run(_TRIED, {"ids": ids})


def next_instant(tx: Tx) -> datetime | None:
    instant: datetime | None = tx.run(_NEXT).scalar()
    return instant


def write_steps(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Bulk update of a climb; each row has `task`, `taken_`, `ahead_`, `next_`, `overdue_`."""
    _STEPS.run(tx, rows)


def close(tx: Tx, ids: Collection[int], state: TaskState, by: str) -> list[int]:
    """Compare-and-set: only tasks still owed are closed; returns those that were."""
    if not ids:
        return []
    found = list(tx.run(_STILL_OWED, {"ids": ids}).scalars())
    if found:
        tx.run(_CLOSE, {"ids": found, "to": state.value, "at": tx.now, "by_": by})
    return found


def set_state(tx: Tx, task_id: int, state: TaskState) -> bool:
    live = (task_table.c.id == task_id) & (task_table.c.state == TaskState.OPEN.value)
    return bool(tx.run(update(task_table).where(live).values(state=state.value)).rowcount)


def set_texts(tx: Tx, texts: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
    _TEXTS.run(tx, [{"task": task, "title_": title, "detail_": detail} for task, title, detail in texts])


def get(tx: Tx, task_id: int) -> Task | None:
    row = tx.run(_ONE, {"task": task_id}).one_or_none()
    return to_task(row) if row else None


def by_ids(tx: Tx, ids: Collection[int]) -> list[Task]:
    return [to_task(row) for row in tx.run(_THESE, {"ids": ids})] if ids else []


def owed(tx: Tx, kinds: Collection[str] = (), without: Collection[str] = ()) -> list[Task]:
    """Everything still owed, most urgent first."""
    query = select(task_table).where(_LIVE)
    if kinds:
        query = query.where(task_table.c.kind.in_(sorted(kinds)))
    if without:
        query = query.where(task_table.c.kind.not_in(sorted(without)))
    return [to_task(row) for row in tx.run(query.order_by(task_table.c.due_at, task_table.c.id))]


def opened_after(tx: Tx, number: int, kinds: Collection[str]) -> list[Task]:
    return [to_task(row) for row in tx.run(_OPENED_AFTER, {"number": number, "kinds": sorted(kinds)})]


def owed_at(tx: Tx, group: str, kind: str, divisions: Collection[str]) -> list[int]:
    query = select(task_table.c.id).where(
        task_table.c.group == group,
        task_table.c.kind == kind,
        task_table.c.division.in_(sorted(divisions)),
        _LIVE,
    )
    return [int(number) for number in tx.run(query.order_by(task_table.c.id)).scalars()]


def in_group(tx: Tx, group: str, kind: str) -> list[Task]:
    return [to_task(row) for row in tx.run(_IN_GROUP, {"group_": group, "kind_": kind})]


def owed_tasks_at(tx: Tx, group: str, kind: str, divisions: Collection[str]) -> list[Task]:
    rows = tx.run(_OWED_LISTS, {"group_": group, "kind_": kind, "places": sorted(divisions)})
    return [to_task(row) for row in rows]


def to_task(row: Any) -> Task:
    return Task(
        id=row.id,
        kind=row.kind,
        group=row.group,
        title=row.title,
        division=row.division,
        owner=row.owner,
        opened_at=row.opened_at,
        due_at=row.due_at,
        ladder=row.ladder,
        taken=row.taken,
        ahead_s=row.ahead_s,
        next_at=row.next_at,
        state=TaskState(row.state),
        overdue=row.overdue,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        detail=row.detail,
        tries=row.tries,
    )
