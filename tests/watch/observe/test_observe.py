"""Readings as stored: once, the right one, in any order; and who is not heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select, text

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, Database, Mode, SimClock
from shouye.base.kernel.jobs import job_table
from shouye.watch import observe, stations
from shouye.watch.observe import Cause, Reading, Silence
from tests.watch.assess.night import EVENING, HOUR, hourly


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, SimClock(EVENING), durable=False)
    found.create(Mode.SIMULATION, "test")
    yield found
    found.close()


def test_what_is_stored_is_read_back(database: Database) -> None:
    sent = hourly("a", 1.5, None, 0.0) + hourly("b", 7)
    with database.begin() as tx:
        assert observe.store_batch(tx, sent) == 4
    with database.read() as tx:
        assert observe.history(tx, ["a"], "rain_mm") == hourly("a", 1.5, None, 0.0)
        assert observe.curve(tx, WHOLE, "a", "rain_mm", EVENING + HOUR, EVENING + 3 * HOUR) == sent[1:3]
        assert observe.latest_all(tx, WHOLE) == [sent[3], sent[2]]


def test_one_batch_wakes_the_judge_once_and_a_repetition_not_at_all(database: Database) -> None:
    with database.begin() as tx:
        assert observe.store_batch(tx, hourly("a", 1, 2)) == 2
        assert observe.store_batch(tx, hourly("a", 1, 2)) == 0
        assert observe.store_batch(tx, []) == 0
    with database.read() as tx:
        (job,) = tx.run(select(job_table)).all()
        assert (job.kind, job.lane) == ("assess.wake", "engine")
        assert list(observe.stored_in(tx, job.payload["batch"])) == hourly("a", 1, 2)


def test_a_batch_names_only_what_it_changed(database: Database) -> None:
    with database.begin() as tx:
        observe.store_batch(tx, hourly("a", 1, 2))
        assert observe.store_batch(tx, hourly("a", 1, 5, 3)) == 2
    with database.read() as tx:
        batches = [job.payload["batch"] for job in tx.run(select(job_table).order_by(job_table.c.id))]
        assert list(observe.stored_in(tx, batches[1])) == hourly("a", 5, 3, first=2)


def claims(station: str) -> list[Reading]:
    first, second = hourly(station, 3.0, source="x"), hourly(station, 5.0, source="x")
    return [*first, *second, *hourly(station, None, source="x"), *hourly(station, 1.0, revision=1, source="x")]


@pytest.mark.parametrize("together", [True, False])
def test_the_winner_is_chosen_by_content(database: Database, together: bool) -> None:
    for number, arrived in enumerate(permutations(range(4))):
        told = claims(f"s{number:02d}")
        with database.begin() as tx:
            for batch in [arrived] if together else [[one] for one in arrived]:
                observe.store_batch(tx, [told[index] for index in batch])
    with database.read() as tx:
        latest = observe.latest_all(tx, WHOLE)
        for number in range(24):
            station, winner = f"s{number:02d}", claims(f"s{number:02d}")[-1]
            assert observe.curve(tx, WHOLE, station, "rain_mm", EVENING, EVENING + HOUR) == [winner]
            assert [one.value for one in observe.history(tx, [station], "rain_mm")] == [5.0, 1.0]
            assert latest[number] == winner


def test_a_late_reading_does_not_become_the_latest(database: Database) -> None:
    with database.begin() as tx:
        observe.store_batch(tx, hourly("a", 4, first=6))
        observe.store_batch(tx, hourly("a", 9, first=2))
        (latest,) = observe.latest_all(tx, WHOLE)
        assert replace(latest, flags=()) == hourly("a", 4, first=6)[0]
        assert [flag.check for flag in latest.flags] == ["gap"]


def test_outranking_is_a_strict_order() -> None:
    for one in claims("a"):
        assert not observe.outranks(one, one)
    first = claims("a")[0]
    by_source = replace(first, source="z")
    assert observe.outranks(by_source, first)
    assert not observe.outranks(first, by_source)


def test_who_is_not_heard(database: Database) -> None:
    counties = {"a": "east", "b": "east", "c": "east", "d": "west", "e": "west", "f": "west"}
    with database.begin() as tx:
        stations.watch(tx, counties, ["east", "west", "north"])
        late = hourly("b", 1) + hourly("c", 1, first=2)
        observe.store_batch(tx, hourly("a", 0, first=4) + hourly("d", None, first=4) + late)
    assert isinstance(database.clock, SimClock)
    database.clock.move_to(EVENING + 4 * HOUR)
    with database.read() as tx:
        assert observe.silence(tx, WHOLE) == [
            Silence("east", Cause.LATE, ("b",), EVENING + HOUR),
            Silence("west", Cause.MISSING, ("d",), EVENING + 4 * HOUR),
            Silence("west", Cause.NEVER, ("e", "f"), None),
        ], "two intervals are not yet late"
        assert stations.watched_divisions(tx) == ["east", "north", "west"]
    database.clock.move_to(EVENING + 4 * HOUR + timedelta(seconds=1))
    with database.read() as tx:
        assert observe.silence(tx, WHOLE)[0] == Silence("east", Cause.LATE, ("b", "c"), EVENING + HOUR)
    assert Cause.LATE.word == "超时未到"


def test_one_living_series_is_enough(database: Database) -> None:
    step = timedelta(minutes=5)
    with database.begin() as tx:
        stations.watch(tx, {"a": "east"}, ["east"])
        observe.store_batch(tx, [*hourly("a", 1), Reading("a", "rain_mm", EVENING + step, 0.1, step)])
    assert isinstance(database.clock, SimClock)
    database.clock.move_to(EVENING + 2 * HOUR)
    with database.read() as tx:
        assert observe.silence(tx, WHOLE) == []
    with database.begin() as tx:
        observe.store_batch(tx, [Reading("a", "rain_mm", EVENING + 2 * HOUR, None, step)])
        assert observe.silence(tx, WHOLE) == [], "the hourly value is there, though the five minutes are missing"
        assert observe.silence(tx, WHOLE, "stage_m") == [], "a rain gauge owes no stage"
        assert observe.measuring(tx, "stage_m") == {}


def test_a_station_owes_what_it_is_declared_to_measure(database: Database) -> None:
    """Its record says all of it; its feed's map adds to what it has sent; of whom nothing is known owes all."""
    carried = {"fed": frozenset({"rain_mm", "stage_m"}), "both": frozenset({"rain_mm", "stage_m"})}
    database.install(observe.Measures({"both": frozenset({"stage_m"})}, carried))
    with database.begin() as tx:
        stations.watch(tx, dict.fromkeys(("fed", "both", "sent", "mute"), "east"), ["east"])
        observe.store_batch(tx, [*hourly("fed", 1), *hourly("both", 1), *hourly("sent", 1)])
        assert list(observe.measuring(tx, "rain_mm")) == ["fed", "mute", "sent"]
        assert list(observe.measuring(tx, "stage_m")) == ["both", "fed", "mute"]
        never = [one.stations for one in observe.silence(tx, WHOLE, "stage_m") if one.cause is Cause.NEVER]
        assert never == [("both", "fed", "mute")], "heard of, but not of its stage"


def test_one_sensor_may_fail_alone(database: Database) -> None:
    """Its gauge goes on speaking; what is judged or on its record is missed within twice its own interval."""
    step = timedelta(minutes=5)
    judged = frozenset({"rain_mm", "stage_m"})
    database.install(observe.Measures({"c": frozenset({"rain_mm", "battery_v"})}, judged=judged))

    def sent(minute: int, *series: str) -> list[Reading]:
        at = EVENING + minute * timedelta(minutes=1)
        return [Reading(one[0], one[2:], at, 1.0, step) for one in series]

    with database.begin() as tx:
        stations.watch(tx, dict.fromkeys("abcd", "east"), ["east"])
        every = (
            "a/rain_mm",
            "a/stage_m",
            "a/battery_v",
            "b/rain_mm",
            "c/rain_mm",
            "c/stage_m",
            "d/rain_mm",
            "d/stage_m",
        )
        observe.store_batch(tx, sent(5, *every))
        both = ["a/rain_mm", "a/stage_m", "c/battery_v", "c/rain_mm", "d/rain_mm", "d/stage_m"]
        assert [one.name for one in observe.series_voices(tx, {"a": "push"})] == both
        observe.store_batch(tx, sent(15, "a/rain_mm", "b/rain_mm", "c/rain_mm"))
    assert isinstance(database.clock, SimClock)
    for minute, silent in ((15, []), (16, ["a/stage_m"])):
        database.clock.move_to(EVENING + timedelta(minutes=minute))
        with database.read() as tx:
            voices = observe.series_voices(tx, {"a": "push"})
            late = [one.name for one in voices if one.heard_at and one.due_at(tx.now) <= tx.now]
            assert late == silent
    assert [one.name for one in voices] == both[:4], "d is silent altogether: that is one voice, not two"
    (stage,) = [one for one in voices if one.name == "a/stage_m"]
    assert (stage.term, stage.feed, stage.county) == ("a 水位", "push", "east")


def test_who_speaks_seldom_is_expected_seldom(database: Database) -> None:
    """A gauge sends its five-minute values once an hour, its stage once in two: as the blocks say."""
    step = timedelta(minutes=5)
    every = {("a", ""): HOUR, ("a", "stage_m"): 2 * HOUR}
    database.install(observe.Measures(every=every, judged=frozenset({"rain_mm", "stage_m"})))
    with database.begin() as tx:
        stations.watch(tx, dict.fromkeys("ab", "east"), ["east"])
        series = [("a", "rain_mm"), ("a", "stage_m"), ("b", "rain_mm")]
        observe.store_batch(tx, [Reading(*one, EVENING, 1.0, step) for one in series])
    assert isinstance(database.clock, SimClock)
    database.clock.move_to(EVENING + 2 * HOUR)
    with database.read() as tx:
        assert [one.stations for one in observe.silence(tx, WHOLE)] == [("b",)]
        assert {one.name: one.interval for one in observe.voices(tx)} == {"a": 2 * HOUR, "b": step}
        assert {one.name: one.interval for one in observe.series_voices(tx)} == {
            "a/rain_mm": HOUR,
            "a/stage_m": 2 * HOUR,
        }
    database.clock.move_to(EVENING + 2 * HOUR + step)
    with database.read() as tx:
        assert [one.stations for one in observe.silence(tx, WHOLE)] == [("a", "b")]


def test_the_area_of_a_gauge_is_its_table_or_its_county(database: Database, tmp_path: Path) -> None:
    assert stations.read_gauge_areas(tmp_path / "none.csv") == {}
    with database.begin() as tx:
        stations.watch(tx, {"a": "east", "b": "west"}, ["east", "west"], {"a": ("t1", "t2")})
        one, other = stations.gauges(tx, WHOLE).values()
    assert (one.coverage.divisions, one.coverage.basis) == (("t1", "t2"), "测站代表范围表")
    assert (other.coverage.divisions, other.coverage.basis) == (("west",), "测站所在县（区）")


def test_months_are_parts_of_their_own_on_postgresql(postgres_url: str) -> None:
    """Made when they come and one ahead; a clock gone wild makes none."""
    database = Database(postgres_url, SimClock(EVENING), durable=False)
    database.create(Mode.SIMULATION, "test")
    instants = [
        datetime(2026, 7, 31, 23, 59, tzinfo=BEIJING),
        datetime(2026, 8, 1, tzinfo=BEIJING),
        datetime(2024, 2, 29, 8, tzinfo=BEIJING),
        datetime(2099, 12, 31, tzinfo=BEIJING),
        datetime(1970, 1, 1, 8, tzinfo=BEIJING),
        datetime(9998, 1, 1, tzinfo=BEIJING),
    ]
    readings = [Reading("a", "rain_mm", instant, 1.0, HOUR) for instant in instants]
    for _ in range(2):
        with database.begin() as tx:
            observe.store_batch(tx, readings)
    where = text("SELECT tableoid::regclass::text AS part, count(*) AS n FROM observation GROUP BY 1 ORDER BY 1")
    parts = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'observation'::regclass")
    with database.read() as tx:
        assert {row.part: row.n for row in tx.run(where)} == {
            "observation_2024_02": 1,
            "observation_2026_07": 1,
            "observation_2026_08": 1,
            "observation_2099_12": 1,
            "observation_rest": 2,
        }
        made = set(tx.run(parts).scalars())
        assert made - {row.part for row in tx.run(where)} == {"observation_2024_03", "observation_2026_09"}
        assert [one.time for one in observe.history(tx, ["a"], "rain_mm")] == sorted(instants)
