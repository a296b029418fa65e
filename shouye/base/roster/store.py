"""花名册的表 — divisions, codes and posts are kept; names and numbers live only in `person` and `contact`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)

from shouye.base.kernel import RowId, Tx, Vault, VaultMissing, insert_rows, metadata
from shouye.base.roster.model import (
    CityRecords,
    Contact,
    Division,
    DivisionCode,
    DivisionLevel,
    Holder,
    Person,
    Post,
    Shift,
    Station,
    plain,
)

# `row` keeps the order of the city's own files: screens and lists show places as the city lists them.
division_table = Table(
    "division",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("row", Integer, nullable=False),
    Column("name", String(80), nullable=False),
    Column("short", String(80), nullable=False),
    Column("level", String(10), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("parent", String(40)),
    Column("lon", Float),
    Column("lat", Float),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

division_code_table = Table(
    "division_code",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("division", ForeignKey("division.id"), nullable=False),
    Column("scheme", String(20), nullable=False),
    Column("code", String(12), nullable=False),
    Column("name_in_list", String(80), nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Index("division_code_scheme", "scheme", "code"),
)

post_table = Table(
    "post",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("row", Integer, nullable=False),
    Column("division", ForeignKey("division.id"), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("title", String(80), nullable=False),
    Column("level", String(10), nullable=False),
    Column("order", Integer, nullable=False),
    Column("superior", String(100)),
    Column("department", String(80), nullable=False),
    Column("duty", String(200), nullable=False),
    Column("holding", String(10), nullable=False),
    Column("mark", String(20), nullable=False),
)

person_table = Table(
    "person",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("fictional", Boolean, nullable=False),
)

# Erasing a person takes the numbers and the holdings along.
contact_table = Table(
    "contact",
    metadata,
    Column("person", ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("sealed", Text, nullable=False, comment="encrypted; the key lies outside the database"),
    Column("trace", String(64), nullable=False, comment="blind index"),
    Index("contact_trace", "trace"),
)

shift_table = Table(
    "shift",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("row", Integer, nullable=False),
    Column("term", String(20), nullable=False),
    Column("start_minute", Integer, nullable=False),
    Column("end_minute", Integer, nullable=False),
)

holder_table = Table(
    "holder",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("post", ForeignKey("post.id"), nullable=False, index=True),
    Column("role", String(1), nullable=False),
    Column("person", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("shift", ForeignKey("shift.name")),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

station_table = Table(
    "station",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("row", Integer, nullable=False),
    Column("name", String(80), nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("altitude_m", Float),
    Column("county", ForeignKey("division.id"), nullable=False),
    Column("kind", String(20), nullable=False),
)

T = TypeVar("T")


def has_city(tx: Tx) -> bool:
    """Whether a city has been imported."""
    return tx.run(select(division_table.c.id).limit(1)).first() is not None


def insert_city(tx: Tx, records: CityRecords) -> None:
    """Write every record, what is referred to before what refers."""
    _insert(tx, division_table, records.divisions)
    _insert(tx, division_code_table, records.codes)
    _insert(tx, post_table, records.posts)
    _insert(tx, person_table, records.persons)
    _insert_contacts(tx, records.contacts)
    _insert(tx, shift_table, records.shifts)
    _insert(tx, holder_table, records.holders)
    _insert(tx, station_table, records.stations)


def put_stations(tx: Tx, stations: Iterable[Station]) -> None:
    """Stations a drill adds; one that the city already has stays as it is."""
    known = {row.id for row in tx.run(select(station_table.c.id))}
    _insert(tx, station_table, [station for station in stations if station.id not in known])


def select_city(tx: Tx, *, with_contacts: bool = True) -> CityRecords:
    """Everything as it was written, in the same order; the numbers of people only when they are asked for."""
    level = {"level": DivisionLevel}
    return CityRecords(
        divisions=_select(tx, division_table, Division, level),
        codes=_select(tx, division_code_table, DivisionCode),
        posts=_select(tx, post_table, Post, level),
        persons=_select(tx, person_table, Person),
        contacts=_contacts(tx, _vault(tx)) if with_contacts else (),
        holders=_select(tx, holder_table, Holder),
        shifts=_select(tx, shift_table, Shift),
        stations=_select(tx, station_table, Station),
    )


def people_with(tx: Tx, number: str) -> list[int]:
    """Whose number this is, found by its blind index: nothing is opened."""
    query = select(contact_table.c.person).where(contact_table.c.trace == _vault(tx).trace(plain(number)))
    return [row.person for row in tx.run(query.distinct().order_by(contact_table.c.person))]


def seal_again(tx: Tx, vault: Vault) -> int:
    """Every number under the key now in use."""
    before = _contacts(tx, vault)
    if before:
        here = (contact_table.c.person == bindparam("of")) & (contact_table.c.kind == bindparam("by"))
        rows = [_sealed(vault, one) for one in before]
        tx.run(
            update(contact_table).where(here).values(sealed=bindparam("sealed_"), trace=bindparam("trace_")),
            [
                {"of": row["person"], "by": row["kind"], "sealed_": row["sealed"], "trace_": row["trace"]}
                for row in rows
            ],
        )
    return len(before)


def erase_contacts(tx: Tx, before: date, truly: bool) -> int:
    """Numbers of people all of whose holdings ended before that day; who never held a post keeps his."""
    held, still = holder_table.alias(), holder_table.alias()
    stays = still.c.valid_to.is_(None) | (still.c.valid_to > before)
    ended = select(held.c.person).where(held.c.person.not_in(select(still.c.person).where(stays))).distinct()
    gone = contact_table.c.person.in_(ended)
    if truly:
        return int(tx.run(delete(contact_table).where(gone)).rowcount)
    return int(tx.run(select(func.count()).select_from(contact_table).where(gone)).scalar_one())


def _vault(tx: Tx) -> Vault:
    found: Vault | None = tx.installed.get(Vault)
    if found is None:
        raise VaultMissing
    return found


def _insert_contacts(tx: Tx, contacts: Iterable[Contact]) -> None:
    insert_rows(tx, contact_table, [_sealed(_vault(tx), one) for one in contacts])


def _sealed(vault: Vault, one: Contact) -> dict[str, Any]:
    sealed = vault.seal(_place(one.person, one.kind), one.value)
    return {"person": one.person, "kind": one.kind, "sealed": sealed, "trace": vault.trace(plain(one.value))}


def _contacts(tx: Tx, vault: Vault) -> tuple[Contact, ...]:
    rows = tx.run(select(contact_table).order_by(contact_table.c.person, contact_table.c.kind)).all()
    return tuple(
        Contact(row.person, row.kind, vault.open(_place(row.person, row.kind), row.sealed)) for row in rows
    )


def _place(person: int, kind: str) -> str:
    return f"contact:{person}:{kind}"


def _insert(tx: Tx, table: Table, records: Iterable[Any]) -> None:
    """One bulk write; a table with a `row` column keeps the order."""
    names = [column.name for column in table.c if column.name != "row"]
    rows = [{name: getattr(record, name) for name in names} for record in records]
    if "row" in table.c:
        for number, row in enumerate(rows):
            row["row"] = number
    insert_rows(tx, table, rows)


def _select(
    tx: Tx, table: Table, record: Callable[..., T], convert: Mapping[str, Callable[[Any], Any]] | None = None
) -> tuple[T, ...]:
    names = [column.name for column in table.c if column.name != "row"]
    order = [table.c.row] if "row" in table.c else list(table.primary_key.columns)
    found = []
    for row in tx.run(select(*(table.c[name] for name in names)).order_by(*order)):
        values = dict(zip(names, row, strict=True))
        for name, to in (convert or {}).items():
            values[name] = to(values[name])
        found.append(record(**values))
    return tuple(found)
