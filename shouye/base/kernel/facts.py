"""事实 — what has happened, as append-only rows written in the same transaction as the change.

A room to the right reacts to a Fact; nothing reaches right by an import. Each reaction is a job row written in
that same transaction, so a crash between cause and effect loses nothing. Facts hold ids and values, never
names, telephone numbers, addresses or residents' words. A fact keeps the shape it was written in; whoever reads it
gets the present shape, through the upgrades of its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, Connection, Index, Integer, String, Table, bindparam, event, func, insert, select

from shouye.base.kernel.clock import WallClock
from shouye.base.kernel.db import Database, Document, Instant, RowId, Tx, metadata
from shouye.base.kernel.jobs import AGAIN, Job, enqueue, handles, witness
from shouye.base.kernel.refusals import Refusal

fact_table = Table(
    "fact",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", String(80), nullable=False),
    Column("actor", String(60), nullable=False),
    Column("body", Document, nullable=False),
    Index("fact_kind_at", "kind", "at"),
    Index("fact_subject", "subject"),
)


def append_only(table: Table) -> None:
    """只可追加 — the database itself refuses to change or remove a row of this table, whoever asks."""
    name, (key,) = table.name, [column.name for column in table.primary_key]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{name} 只可追加'); END"
    for verb in ("UPDATE", "DELETE"):
        _after(table, "sqlite", f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} {refuse}")
    # REPLACE removes a row without asking the trigger above.
    again = f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {key} = NEW.{key})"
    _after(table, "sqlite", f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} {again} {refuse}")
    _after(table, "postgresql", _REFUSE)
    what = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    _after(table, "postgresql", f"CREATE TRIGGER {name}_append_only {what}")


_REFUSE = """
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' 只可追加'; END $$
"""


def _after(table: Table, dialect: str, statement: str) -> None:
    def make(_table: Table, connection: Connection, **_named: Any) -> None:
        if connection.dialect.name == dialect:
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", make)


append_only(fact_table)


class UnreadableFact(Refusal):
    """这条事实的种类或版本，本程序读不懂。"""


Body = dict[str, Any]
_FACT_TYPES: dict[str, type[Fact]] = {}
_UPGRADES: dict[tuple[str, int], Callable[[Body], Body]] = {}
_ADAPTERS: dict[type[Fact], TypeAdapter[Fact]] = {}
_REACTIONS: dict[str, list[str]] = {}
_REACTION_BY_NAME: dict[str, Callable[[Any, Tx], None]] = {}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """一条事实 — `subject` names what it is about ("notice:12"), `actor` who or what did it.

    A subclass whose fields change raises its `version` and says by `@upgrades` how the older body is read.
    """

    version: ClassVar[int] = 1
    subject: str
    actor: str = "system"

    def __init_subclass__(cls) -> None:
        _FACT_TYPES[cls.kind()] = cls

    @classmethod
    def kind(cls) -> str:
        return cls.__name__


@dataclass(frozen=True)
class RecordedFact:
    """A fact as stored: its row id and instant beside its kind and body."""

    id: int
    at: datetime
    kind: str
    subject: str
    actor: str
    body: dict[str, Any]


F = TypeVar("F", bound=Fact)


def on(fact_type: type[F]) -> Callable[[Callable[[F, Tx], None]], Callable[[F, Tx], None]]:
    """Register a reaction. It must be idempotent and read the present state; it runs as a job."""

    def register(reaction: Callable[[F, Tx], None]) -> Callable[[F, Tx], None]:
        name = f"{reaction.__module__.removeprefix('shouye.')}.{reaction.__name__}"
        _REACTION_BY_NAME[name] = reaction
        _REACTIONS.setdefault(fact_type.kind(), []).append(name)
        return reaction

    return register


def upgrades(fact_type: type[Fact], since: int) -> Callable[[Callable[[Body], Body]], Callable[[Body], Body]]:
    """Register how a body of version `since` is read as one of `since + 1`; it may not change its argument."""

    def register(step: Callable[[Body], Body]) -> Callable[[Body], Body]:
        _UPGRADES[fact_type.kind(), since] = step
        return step

    return register


def fact_types() -> dict[str, type[Fact]]:
    """The register: every kind of fact this program knows."""
    return dict(_FACT_TYPES)


def record(tx: Tx, fact: Fact) -> int:
    """Write the fact and, beside it, one job row for each reaction. Returns the fact's id."""
    body = {key: value for key, value in asdict(fact).items() if key not in ("subject", "actor")}
    inserted = tx.run(
        insert(fact_table).values(
            at=tx.now, kind=fact.kind(), version=fact.version, subject=fact.subject, actor=fact.actor, body=body
        )
    )
    fact_id = int(inserted.inserted_primary_key[0])
    for name in _REACTIONS.get(fact.kind(), ()):
        enqueue(tx, kind="reaction", lane=fact.subject, due_at=tx.now, payload={"fact": fact_id, "do": name})
    return fact_id


def newest_fact(tx: Tx) -> int:
    """The number of the newest fact that can be seen; 0 when there is none. It only grows, but with gaps."""
    return int(tx.run(select(func.max(fact_table.c.id))).scalar() or 0)


def carry_on(database: Database) -> None:
    """接着走 — a program whose machine shows an earlier time than the newest fact goes on from that fact."""
    with database.read() as tx:
        newest = tx.run(select(fact_table.c.at).order_by(fact_table.c.id.desc()).limit(1)).scalar()
    if newest is not None and isinstance(database.clock, WallClock):
        database.clock.go_on_from(newest)


def revive(kind: str, version: int, subject: str, actor: str, body: Body) -> Fact:
    """A stored fact as a value of its type, each field of its declared type, whichever version it has."""
    fact_type = _FACT_TYPES.get(kind)
    if fact_type is None or version > fact_type.version:
        raise UnreadableFact(f"{kind} 第 {version} 版")
    present = _present(kind, version, body)
    unknown = sorted(set(present) - {field.name for field in fields(fact_type)})
    if unknown:
        raise UnreadableFact(f"{kind} 第 {version} 版：多出 {'、'.join(unknown)}")
    if fact_type not in _ADAPTERS:
        _ADAPTERS[fact_type] = TypeAdapter(fact_type)
    return _ADAPTERS[fact_type].validate_python({**present, "subject": subject, "actor": actor})


def _present(kind: str, version: int, body: Body) -> Body:
    """The body in the present shape; a kind that is no longer known stays as it was written."""
    fact_type = _FACT_TYPES.get(kind)
    for since in range(version, fact_type.version if fact_type else version):
        step = _UPGRADES.get((kind, since))
        if step is None:
            raise UnreadableFact(f"{kind} 第 {since} 版没有升级办法")
        body = step(body)
    return body


def run_reaction(tx: Tx, payload: dict[str, Any]) -> None:
    """The job handler of kind "reaction": load the fact, call the reaction in this transaction."""
    row = tx.run(_ONE, {"fact": payload["fact"]}).one()
    fact = revive(row.kind, row.version, row.subject, row.actor, row.body)
    _REACTION_BY_NAME[payload["do"]](fact, tx)


def facts_since(tx: Tx, after_id: int = 0, kinds: Iterable[str] = (), limit: int = 100_000) -> list[RecordedFact]:
    """Facts in the order they were written, for the timeline; `after_id` continues a reading."""
    wanted = list(kinds)
    query = tx.run(_SINCE[bool(wanted)], {"after": after_id, "most": limit, "kinds": wanted})
    return [
        RecordedFact(row.id, row.at, row.kind, row.subject, row.actor, _present(row.kind, row.version, row.body))
        for row in query
    ]


_ONE = select(fact_table).where(fact_table.c.id == bindparam("fact"))
_since = select(fact_table).where(fact_table.c.id > bindparam("after"))
_of_kinds = _since.where(fact_table.c.kind.in_(bindparam("kinds", expanding=True)))
_SINCE = [query.order_by(fact_table.c.id).limit(bindparam("most")) for query in (_since, _of_kinds)]


@dataclass(frozen=True, kw_only=True)
class JobDied(Fact):
    """作业停下 — given up after its last attempt; a person must look."""

    job_kind: str
    lane: str


@dataclass(frozen=True, kw_only=True)
class JobRetried(Fact):
    """作业重试 — a dead job waits again."""

    job_kind: str
    lane: str


@dataclass(frozen=True, kw_only=True)
class JobRecovered(Fact):
    """作业恢复 — it had been given up, was tried again, and is done."""

    job_kind: str
    lane: str


@dataclass(frozen=True, kw_only=True)
class JobSetAside(Fact):
    """作业搁置 — the reason stands with the job."""

    job_kind: str
    lane: str


_JOB_LANE = "job:"


def _tell_of(tx: Tx, job: Job, actor: str) -> None:
    if job.state == "dead" and job.lane.startswith(_JOB_LANE):
        return  # what reacts to a dead job has died itself: the screen shows it, telling on would never end
    kinds: dict[str, type[JobDied | JobRetried | JobRecovered | JobSetAside]] = {
        "dead": JobDied,
        AGAIN: JobRetried,
        "done": JobRecovered,
        "aside": JobSetAside,
    }
    told = kinds[job.state](subject=f"{_JOB_LANE}{job.id}", actor=actor, job_kind=job.kind, lane=job.lane)
    record(tx, told)


handles("reaction", run_reaction)
witness(_tell_of)
