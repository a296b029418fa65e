"""事实 — what has happened, as append-only rows written in the same transaction as the change.

A room to the right reacts to a Fact; nothing reaches right by an import. Each reaction is a job row written in
that same transaction, so a crash between cause and effect loses nothing. Facts hold ids and values, never
names, telephone numbers, addresses or residents' words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Column, Index, Integer, String, Table, insert, select

from shouye.base.kernel.db import Document, Instant, RowId, Tx, metadata
from shouye.base.kernel.jobs import enqueue, handles

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


@dataclass(frozen=True, kw_only=True)
class Fact:
    """一条事实 — `subject` names what it is about ("notice:12"), `actor` who or what did it."""

    version: ClassVar[int] = 1
    subject: str
    actor: str = "system"

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
Reaction = Callable[[Any, Tx], None]
_REACTIONS: dict[str, list[str]] = {}
_FACT_TYPES: dict[str, type[Fact]] = {}
_REACTION_BY_NAME: dict[str, Reaction] = {}


def on(fact_type: type[F]) -> Callable[[Callable[[F, Tx], None]], Callable[[F, Tx], None]]:
    """Register a reaction. It must be idempotent and read the present state; it runs as a job."""

    def register(reaction: Callable[[F, Tx], None]) -> Callable[[F, Tx], None]:
        name = f"{reaction.__module__.removeprefix('shouye.')}.{reaction.__name__}"
        _FACT_TYPES[fact_type.kind()] = fact_type
        _REACTION_BY_NAME[name] = reaction
        _REACTIONS.setdefault(fact_type.kind(), []).append(name)
        return reaction

    return register


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


def run_reaction(tx: Tx, payload: dict[str, Any]) -> None:
    """The job handler of kind "reaction": load the fact, call the reaction in this transaction."""
    row = tx.run(select(fact_table).where(fact_table.c.id == payload["fact"])).one()
    fact_type = _FACT_TYPES[row.kind]
    known = {field.name for field in fields(fact_type)}
    body = {key: value for key, value in row.body.items() if key in known}
    _REACTION_BY_NAME[payload["do"]](fact_type(subject=row.subject, actor=row.actor, **body), tx)


def facts_since(tx: Tx, after_id: int = 0, kinds: Iterable[str] = (), limit: int = 100_000) -> list[RecordedFact]:
    """Facts in the order they were written, for the timeline; `after_id` continues a reading."""
    query = select(fact_table).where(fact_table.c.id > after_id).order_by(fact_table.c.id).limit(limit)
    wanted = list(kinds)
    if wanted:
        query = query.where(fact_table.c.kind.in_(wanted))
    return [RecordedFact(row.id, row.at, row.kind, row.subject, row.actor, row.body) for row in tx.run(query)]


handles("reaction", run_reaction)
