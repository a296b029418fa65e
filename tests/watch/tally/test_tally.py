"""Counts, pace and quarantine on both databases; whether a source is heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BadInput, Database, facts_since
from shouye.watch import feeds, tally
from shouye.watch.feeds import Parcel
from shouye.watch.tally import Hearing, Minute
from tests.watch.feeds.town import NOW, body, pushed, row, town

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = town(database_url)
    yield found
    found.close()


def push(database: Database, *rows: object) -> None:
    feed = pushed()
    with database.begin() as tx:
        feeds.take(tx, [Parcel(feed, feed.read(body(*rows)), "10.1.1.1")])


def test_a_minute_adds_up_and_a_day_later_begins_anew(database: Database) -> None:
    with database.begin() as tx:
        tally.keep_pace(tx, [Minute("f", tx.now, 3, 1, 60, 90), Minute("g", tx.now, 0, 1, None, None)])
    with database.begin() as tx:
        tally.keep_pace(tx, [Minute("f", tx.now, 2, 0, 30, 300), Minute("g", tx.now, 1, 0, 7, 7)])
        tally.keep_pace(tx, [Minute("f", tx.now, 1, 0, None, None)])
        assert tally.minutes(tx, tx.now - MINUTE) == [
            Minute("f", NOW, 6, 1, 30, 300),
            Minute("g", NOW, 1, 1, 7, 7),
        ]
        tally.keep_pace(tx, [Minute("f", tx.now + DAY, 1, 0, None, None)])
        assert tally.minutes(tx, tx.now, "f") == [Minute("f", NOW + DAY, 1, 0, None, None)]


def test_what_is_taken_is_paced_with_its_lag(database: Database) -> None:
    push(database, row("a", 0, 1), row("a", 5, 2), row("stranger", 0, 9))
    with database.read() as tx:
        assert tally.minutes(tx, tx.now - MINUTE) == [Minute("push", NOW, 2, 1, 65 * 60, 70 * 60)]
        assert tally.counts_by_day(tx, "push", date(2026, 7, 20))["2026-07-20", "accepted"] == 2
        assert tally.counts_by_day(tx, "push", date(2026, 7, 21)) == {}


def test_a_person_sets_aside_with_a_reason_and_once(database: Database) -> None:
    push(database, row("stranger", 0, 9), row("a", 0, 3, unit="furlong"))
    with database.begin() as tx:
        assert tally.held_tally(tx, WHOLE) == {("push", "station"): 1, ("push", "unit"): 1}
        (lying,) = tally.held(tx, WHOLE, code="station")
        with pytest.raises(BadInput):
            tally.drop_held(tx, OPERATOR, lying.id, " ")
        tally.drop_held(tx, OPERATOR, lying.id, "不是本市的站")
        with pytest.raises(tally.NotHeld):
            tally.drop_held(tx, OPERATOR, lying.id, "再来一次")
        assert tally.held_one(tx, WHOLE, lying.id) == replace(
            lying, state="dropped", settled_at=tx.now, settled_by="operator", settled_why="不是本市的站"
        )
        assert tally.held_tally(tx, WHOLE, "dropped") == {("push", "station"): 1}
        (fact,) = facts_since(tx, 0)
        assert (fact.kind, fact.subject, fact.actor) == ("HeldDropped", f"held:{lying.id}", "operator")
        assert "不是本市的站" not in str(fact.body)


def test_a_retry_says_what_came_of_it(database: Database) -> None:
    push(database, row("c", 0, 4))
    with database.begin() as tx:
        (lying,) = tally.held(tx, WHOLE)
        feeds.retry_held(tx, OPERATOR, pushed(stations={"c": "53488"}), lying.id)
        settled = tally.held_one(tx, WHOLE, lying.id)
        assert (settled.state, settled.settled_by, settled.settled_why) == ("retried", "operator", "已收")
        (fact,) = facts_since(tx, 0)
        assert (fact.kind, fact.body["standings"]) == ("HeldRetried", {"accepted": 1})


@pytest.mark.parametrize(
    ("heard", "refused", "state"),
    [
        (None, None, Hearing.NEVER),
        (None, 3, Hearing.REFUSED),
        (None, 11, Hearing.NEVER),
        (10, None, Hearing.HEARD),
        (11, None, Hearing.LATE),
        (11, 10, Hearing.REFUSED),
        (4, 1, Hearing.HEARD),
    ],
)
def test_a_source_is_heard_within_two_intervals(heard: int | None, refused: int | None, state: Hearing) -> None:
    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW - minutes * MINUTE

    assert tally.hearing(5 * MINUTE, ago(heard), ago(refused), NOW) is state
