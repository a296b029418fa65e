"""Into the tables and out again, nothing lost, in time."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from shouye.base.kernel import (
    BEIJING,
    Database,
    Mode,
    NotFound,
    SimClock,
    Tx,
    Vault,
    VaultUnreadable,
    facts_since,
    metadata,
)
from shouye.base.roster import (
    BadCity,
    CityAlreadyImported,
    CityFiles,
    CityImported,
    Roster,
    has_city,
    import_city,
    load_city,
    people_with,
    seal_contacts_again,
    snapshot,
)
from tests.base.roster.small import edit, write_city

NOON = datetime(2026, 7, 20, 12, 0, tzinfo=BEIJING)


@pytest.fixture
def database(database_url: str) -> Database:
    database = Database(database_url, SimClock(NOON), durable=False)
    database.create(Mode.SIMULATION, "dt")
    return database


def test_the_whole_city_goes_in_and_comes_out_equal(database: Database, datong: CityFiles, roster: Roster) -> None:
    started = time.process_time()
    with database.begin() as tx:
        assert not has_city(tx)
        import_city(tx, datong)
    with database.read() as tx:
        taken = snapshot(tx)
        assert has_city(tx)
    assert time.process_time() - started < 2.0
    for part in ("city", "divisions", "posts", "persons", "stations"):
        assert getattr(taken, part) == getattr(roster, part)
        assert part == "city" or list(getattr(taken, part)) == list(getattr(roster, part))
    for post_id in roster.posts:
        assert taken.holders(post_id, NOON) == roster.holders(post_id, NOON)
    assert all(taken.contact(person) == roster.contact(person) for person in roster.persons)
    assert taken.by_code("mca-2026", "140213020000") == roster.by_code("mca-2026", "140213020000") is not None


def test_the_import_is_told_without_names(database: Database, datong: CityFiles) -> None:
    with database.begin() as tx:
        import_city(tx, datong)
        (fact,) = facts_since(tx)
    assert (fact.kind, fact.subject) == (CityImported.kind(), "city:dt")
    assert fact.body == {"divisions": 1966, "posts": 4109, "persons": len(datong.records.persons), "stations": 8}


def test_a_second_city_is_refused(database: Database, tmp_path: Path) -> None:
    city = load_city(write_city(tmp_path))
    with database.begin() as tx:
        import_city(tx, city)
    with pytest.raises(CityAlreadyImported, match="库中已有一个城市"), database.begin() as tx:
        import_city(tx, city)


def test_a_broken_city_leaves_nothing(database: Database, tmp_path: Path) -> None:
    edit(write_city(tmp_path), "stations.csv", "xs-c1,rain", "xs-c9,rain")
    with pytest.raises(BadCity), database.begin() as tx:
        import_city(tx, load_city(tmp_path))
    with database.read() as tx:
        assert not has_city(tx)


def test_no_snapshot_before_the_import(database: Database) -> None:
    with pytest.raises(NotFound, match="尚未导入城市"), database.read() as tx:
        snapshot(tx)


def test_an_empty_chair_does_not_keep_a_city_from_being_watched(database: Database, tmp_path: Path) -> None:
    edit(write_city(tmp_path), "city.toml", "demo_holders = true", "demo_holders = false")
    with database.begin() as tx:
        import_city(tx, load_city(tmp_path))
        assert snapshot(tx).holders("xs-v1/village_warner", NOON) == ()


def test_no_number_lies_open_and_each_is_found_by_its_trace(database: Database, tmp_path: Path) -> None:
    with database.begin() as tx:
        import_city(tx, load_city(write_city(tmp_path)))
    with database.read() as tx:
        taken = snapshot(tx)
        rows = tx.run(select(metadata.tables["contact"])).all()
        assert rows
        for row in rows:
            number = taken.contact(row.person, row.kind)
            assert number is not None
            assert number not in f"{row.sealed} {row.trace}"
            assert people_with(tx, f"+86 {number[:3]}-{number[3:]}") == [row.person]
        assert people_with(tx, "13900000000") == []
        assert not any(one.contact(row.person) for one in (snapshot(tx, with_contacts=False),) for row in rows)


def test_numbers_survive_a_change_of_keys_and_no_swap(database: Database, tmp_path: Path) -> None:
    first, second = Vault({1: bytes(32)}), Vault({1: bytes(32), 2: bytes(31) + b"2"})
    database.install(first)
    with database.begin() as tx:
        import_city(tx, load_city(write_city(tmp_path)))
        before = {person: snapshot(tx).contact(person) for person in snapshot(tx).persons}
        assert seal_contacts_again(tx, second) == len(before)
        with pytest.raises(VaultUnreadable):
            snapshot(tx)
    database.install(second)
    with database.begin() as tx:
        assert {person: snapshot(tx).contact(person) for person in before} == before
        assert people_with(tx, str(before[1])) == [1]
        tx.run(text("UPDATE contact SET sealed = (SELECT sealed FROM contact WHERE person = 2) WHERE person = 1"))
        with pytest.raises(VaultUnreadable):
            snapshot(tx)


def test_names_and_numbers_can_be_erased(database: Database, tmp_path: Path) -> None:
    """Whoever is deleted from `person` is nowhere else."""
    with database.begin() as tx:
        import_city(tx, load_city(write_city(tmp_path, registered=True)))
    with database.begin() as tx:
        tx.run(text("DELETE FROM person WHERE name = 'xs-v1/village_warnerA'"))
    with database.read() as tx:
        taken = snapshot(tx)
        assert [one.name for one in taken.holders("xs-v1/village_warner", NOON)] == ["xs-v1/village_warnerB"]
        assert "13940000000" not in _every_row(tx)


def _every_row(tx: Tx) -> str:
    return "\n".join(str(tuple(row)) for table in metadata.tables.values() for row in tx.run(select(table)))
