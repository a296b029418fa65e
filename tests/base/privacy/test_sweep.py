"""到期销毁 — what is past its time goes, what is not stays, and a Fact says how many."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from shouye.base.access import OPERATOR, SYSTEM, answer_token, issue_answer_token, log_read, named, reads_of
from shouye.base.kernel import BEIJING, Database, Mode, SimClock, facts_since
from shouye.base.privacy import Sweeper, kinds, read_retention, sweep
from shouye.base.privacy.model import BadRetention
from shouye.base.roster import import_city, load_city, snapshot
from shouye.main import CITIES
from tests.base.roster.small import write_city

NOON = datetime(2026, 11, 1, 12, tzinfo=BEIJING)
PERIODS = CITIES / "datong" / "retention.toml"


@pytest.fixture
def clock() -> SimClock:
    return SimClock(NOON)


@pytest.fixture
def database(database_url: str, clock: SimClock, tmp_path: Path) -> Database:
    found = Database(database_url, clock, durable=False)
    found.create(Mode.SIMULATION, "xs")
    found.install(read_retention(PERIODS))
    with found.begin() as tx:
        import_city(tx, load_city(write_city(tmp_path)))
    return found


def test_every_kind_has_its_period_and_none_is_forgotten(tmp_path: Path) -> None:
    assert {"contacts", "field_reports", "answer_tokens", "sessions", "read_log"} <= kinds().keys()
    said = PERIODS.read_text("utf-8")
    for wrong in (said.replace("[read_log]", "[read_logs]"), said.replace("days = 30", "days = -1"), "[contacts"):
        (tmp_path / "retention.toml").write_text(wrong, "utf-8")
        with pytest.raises(BadRetention):
            read_retention(tmp_path / "retention.toml")


def test_only_what_is_past_its_time_goes(database: Database, clock: SimClock) -> None:
    with database.begin() as tx:
        old = issue_answer_token(tx, 1, 1, tx.now + timedelta(hours=1))
        log_read(tx, named("user:2"), "dial", "person:1")
    clock.move_to(NOON + timedelta(days=30))
    with database.begin() as tx:
        live = issue_answer_token(tx, 1, 2, tx.now + timedelta(hours=1))
        log_read(tx, named("user:2"), "dial", "person:2")
        assert answer_token(tx, old) is None
    clock.move_to(NOON + timedelta(days=401))
    with database.begin() as tx:
        before = sweep(tx, OPERATOR, truly=False)
        assert before["read_log"] == 1
        assert len(facts_since(tx, kinds=["PersonalDataErased"])) == 0
        assert sweep(tx, OPERATOR) == before
        assert sweep(tx, OPERATOR)["read_log"] == 0
        assert reads_of(tx, "person:1") == []
        assert len(reads_of(tx, "person:2")) == 1
        told = {fact.subject: fact.body["erased"] for fact in facts_since(tx, kinds=["PersonalDataErased"])}
        assert told["retention:read_log"] == 1
        assert told["retention:answer_tokens"] == before["answer_tokens"] >= 1
        assert answer_token(tx, live) is None


def test_the_numbers_of_who_has_left_go_and_of_nobody_else(database: Database, clock: SimClock) -> None:
    with database.begin() as tx:
        people = snapshot(tx)
        leaving, moving, staying = (person for person in list(people.persons)[:3])
        tx.run(
            text("UPDATE holder SET valid_to = :day WHERE person = :who"), {"day": "2026-11-02", "who": leaving}
        )
        tx.run(text("UPDATE holder SET valid_to = :day WHERE person = :who"), {"day": "2027-06-01", "who": moving})
    clock.move_to(NOON + timedelta(days=25))
    with database.begin() as tx:
        assert sweep(tx, SYSTEM)["contacts"] == 0
    clock.move_to(NOON + timedelta(days=32))
    with database.begin() as tx:
        assert sweep(tx, SYSTEM)["contacts"] == 1
        after = snapshot(tx)
        assert after.contact(leaving) is None
        assert after.contact(moving) == people.contact(moving)
        assert after.contact(staying) == people.contact(staying)


def test_it_is_done_once_a_day(database: Database, clock: SimClock) -> None:
    sweeper = Sweeper()
    with database.read() as tx:
        assert sweeper.next_at(tx) == NOON
    assert [sweeper.run_due(database), sweeper.run_due(database)] == [1, 0]
    with database.read() as tx:
        assert sweeper.next_at(tx) == NOON + timedelta(days=1)
