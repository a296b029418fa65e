"""数据库 — instants and documents come back as they went in; a database belongs to one mode and one city."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from shouye.base.kernel import (
    BEIJING,
    Database,
    DatabaseAway,
    Document,
    Instant,
    Mode,
    SimClock,
    WallClock,
    WrongCity,
    WrongMode,
    canonical,
    enqueue,
    from_ms,
    is_night,
    iso,
    next_due,
    to_ms,
)

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
SQLITE = create_engine("sqlite://").dialect
aware = st.datetimes(
    min_value=datetime.fromisoformat("1950-01-01"),
    max_value=datetime.fromisoformat("2150-01-01"),
    timezones=st.integers(min_value=-12 * 60, max_value=14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(aware)
def test_an_instant_comes_back_to_the_millisecond_in_beijing_time(instant: datetime) -> None:
    column = Instant()
    found = column.process_result_value(column.process_bind_param(instant, SQLITE), SQLITE)
    assert found is not None
    assert timedelta(0) <= instant - found < timedelta(milliseconds=1)
    assert found.utcoffset() == timedelta(hours=8)
    assert column.process_bind_param(found, SQLITE) == column.process_bind_param(instant, SQLITE)


@given(aware, aware)
def test_instants_sort_in_the_database_as_in_life(one: datetime, other: datetime) -> None:
    assert (to_ms(one) < to_ms(other)) <= (one < other)


def test_no_instant_is_no_instant() -> None:
    assert Instant().process_bind_param(None, SQLITE) is None
    assert Instant().process_result_value(None, SQLITE) is None


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_ms(NOON.replace(tzinfo=None))


def test_iso_is_beijing_time_to_the_second() -> None:
    assert iso(datetime(2026, 7, 20, 18, 30, 5, 999_000, tzinfo=UTC)) == "2026-07-21T02:30:05+08:00"


@pytest.mark.parametrize(
    ("clock", "night"), [("21:59:59", False), ("22:00:00", True), ("05:59:59", True), ("06:00:00", False)]
)
def test_night_is_from_ten_to_six_in_beijing(clock: str, night: bool) -> None:
    at = datetime.fromisoformat(f"2026-07-20T{clock}+08:00")
    assert is_night(at) is night
    assert is_night(at.astimezone(UTC)) is night


@given(documents)
def test_a_document_comes_back_and_is_always_the_same_text(value: object) -> None:
    column = Document()
    text = column.process_bind_param(value, SQLITE)
    assert column.process_result_value(text, SQLITE) == value
    if isinstance(value, dict):
        turned = dict(reversed(value.items()))
        assert canonical(turned) == canonical(value)


def test_canonical_json_is_sorted_tight_and_readable() -> None:
    assert canonical({"乡": 1, "a": [1, {"c": None, "b": "红"}]}) == '{"a":[1,{"b":"红","c":null}],"乡":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """NaN is no JSON: another reader, and PostgreSQL's own JSON, would choke on it. 缺测 is null."""
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)
    assert json.loads(canonical(None)) is None


@pytest.fixture
def clock() -> SimClock:
    return SimClock(NOON)


@pytest.fixture
def stamped(tmp_path: Path, clock: SimClock) -> Database:
    made = Database(f"sqlite:///{tmp_path}/stamped.db", clock, durable=False)
    made.create(Mode.SIMULATION, "dt")
    return made


def test_a_database_of_another_mode_is_refused(stamped: Database) -> None:
    stamped.create(Mode.SIMULATION, "dt")
    for mode in (Mode.ACTUAL, Mode.TEST):
        with pytest.raises(WrongMode, match=f"库为演练，程序为{mode.word}"):
            stamped.create(mode, "dt")
    with pytest.raises(WrongCity, match="库属于 dt，程序要打开 ty"):
        stamped.create(Mode.SIMULATION, "ty")


def test_a_block_that_raises_writes_nothing(stamped: Database) -> None:
    def half() -> None:
        with stamped.begin() as tx:
            enqueue(tx, kind="x", lane="x", due_at=tx.now, payload={})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    with stamped.read() as tx:
        assert next_due(tx) is None


def test_a_transaction_stands_at_one_instant(stamped: Database, clock: SimClock) -> None:
    with stamped.begin() as tx:
        clock.move_to(NOON + timedelta(hours=1))
        assert tx.now == NOON
    with stamped.read() as tx:
        assert tx.now == NOON + timedelta(hours=1)


def test_what_is_installed_is_found_by_its_type(stamped: Database) -> None:
    stamped.install("first", 7)
    stamped.install("second")
    with stamped.read() as tx:
        assert (tx.of(str), tx.of(int)) == ("second", 7)
        with pytest.raises(KeyError):
            tx.of(float)


def test_milliseconds_round_trip_at_the_edges() -> None:
    assert [to_ms(from_ms(value)) for value in (-1, 0, 1, 999, 1000)] == [-1, 0, 1, 999, 1000]


def test_a_read_asks_the_same_question_once_and_a_writer_each_time(tmp_path: Path) -> None:
    """A read's view stands still, also when others write meanwhile; a writer must see what it has changed."""
    database = Database(f"sqlite:///{tmp_path}/once.db", SimClock(NOON))
    database.create(Mode.SIMULATION, "dt")
    asked: list[str] = []

    def ask() -> int:
        asked.append("asked")
        return len(asked)

    with database.read() as tx:
        assert [tx.once("how many", ask), tx.once("how many", ask), tx.once("others", ask)] == [1, 1, 2]
    with database.read() as tx:
        assert tx.once("how many", ask) == 3
    with database.begin() as tx:
        assert [tx.once("how many", ask), tx.once("how many", ask)] == [4, 5]


def test_what_waits_for_the_commit_is_done_after_it_and_never_after_a_rollback(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/after.db", SimClock(NOON))
    database.create(Mode.SIMULATION, "dt")
    done: list[int] = []
    with database.begin() as tx:
        number = enqueue(tx, kind="k", lane="l", due_at=NOON, payload={})
        tx.after_commit(lambda: done.append(number))
        assert done == []
    assert done == [number]

    def fail() -> None:
        with database.begin() as tx:
            tx.after_commit(lambda: done.append(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert done == [number]


def test_an_error_carries_no_values_into_logs(database_url: str) -> None:
    """What goes wrong is written beside its job and into the log; whose number was being asked for is not."""
    database = Database(database_url, WallClock())
    on_a_server = database.engine.dialect.name == "postgresql"
    ending = "SELECT pg_terminate_backend(pg_backend_pid()), :person" if on_a_server else "SELECT x, :person"
    with pytest.raises(DatabaseAway) as away, database.begin() as tx:
        tx.run(text(ending), {"person": "00012345678"})
    assert "parameters hidden" in str(away.value)
    assert "00012345678" not in str(away.value)
    database.close()
