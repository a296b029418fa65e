"""在用测站的表和查询."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Integer, String, Table, delete, insert, select

from shouye.base.kernel import Instant, Tx, metadata
from shouye.watch.stations.model import Coverage, Gauge, SameSource

gauge = Table(
    "gauge",
    metadata,
    Column("station", String(60), primary_key=True),
    Column("division", String(40), primary_key=True),
    Column("county", String(40), nullable=False),
    Column("basis", String(40), nullable=False),
)

watched = Table(
    "watched_division",
    metadata,
    Column("division", String(40), primary_key=True),
    comment="divisions that must be spoken for: one without a gauge is unknown, never calm",
)


alias = Table(
    "station_alias",
    metadata,
    Column("system", String(40), primary_key=True),
    Column("code", String(60), primary_key=True),
    Column("station", String(60), nullable=False),
    comment="what a gauge is called elsewhere",
)

same = Table(
    "same_source",
    metadata,
    Column("element", String(40), primary_key=True),
    Column("station", String(60), primary_key=True),
    Column("same_as", String(60), nullable=False),
    Column("readings", Integer, nullable=False),
    Column("found_at", Instant, nullable=False),
    comment="stations whose readings are those of another: they count as one source",
)


def replace_gauges(tx: Tx, gauges: Iterable[Gauge], divisions: Iterable[str]) -> None:
    tx.run(delete(gauge))
    tx.run(delete(watched))
    rows = [
        {"station": one.station, "division": division, "county": one.county, "basis": one.coverage.basis}
        for one in gauges
        for division in one.coverage.divisions
    ]
    if rows:
        tx.run(insert(gauge), rows)
    tx.run(insert(watched), [{"division": division} for division in sorted(set(divisions))])


def all_gauges(tx: Tx) -> Mapping[str, Gauge]:
    return tx.once("all_gauges", lambda: _all_gauges(tx))


def _all_gauges(tx: Tx) -> dict[str, Gauge]:
    rows: dict[str, list[Any]] = {}
    for row in tx.run(select(gauge).order_by(gauge.c.station, gauge.c.division)):
        rows.setdefault(row.station, []).append(row)
    return {
        station: Gauge(station, some[0].county, Coverage(tuple(row.division for row in some), some[0].basis))
        for station, some in rows.items()
    }


def watched_divisions(tx: Tx) -> list[str]:
    return list(tx.run(select(watched.c.division).order_by(watched.c.division)).scalars())


def put_aliases(tx: Tx, rows: Mapping[tuple[str, str], str]) -> None:
    tx.run(delete(alias))
    if rows:
        tx.run(
            insert(alias),
            [{"system": system, "code": code, "station": one} for (system, code), one in sorted(rows.items())],
        )


def aliases(tx: Tx) -> dict[tuple[str, str], str]:
    return {(row.system, row.code): row.station for row in tx.run(select(alias))}


def station_of(tx: Tx, system: str, code: str) -> str | None:
    query = select(alias.c.station).where(alias.c.system == system, alias.c.code == code)
    found: str | None = tx.run(query).scalar_one_or_none()
    return found


def replace_same(tx: Tx, element: str, found: Iterable[SameSource]) -> None:
    tx.run(delete(same).where(same.c.element == element))
    rows = [
        {
            "element": element,
            "station": one.station,
            "same_as": one.same_as,
            "readings": one.readings,
            "found_at": tx.now,
        }
        for one in found
    ]
    if rows:
        tx.run(insert(same), rows)


def same_sources(tx: Tx, element: str | None) -> list[SameSource]:
    query = select(same).order_by(same.c.element, same.c.station)
    if element is not None:
        query = query.where(same.c.element == element)
    return [SameSource(row.element, row.station, row.same_as, row.readings) for row in tx.run(query)]
