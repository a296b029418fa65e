"""质控 — each check by its table, on the real store; who says what of a reading; what is judged."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BadInput, Database, Mode, SimClock, facts_since
from shouye.watch import assess, observe
from shouye.watch.observe import Cause, Flag, Quality, Reading
from shouye.watch.observe.checks import all_checks
from tests.watch.assess.night import EVENING, HOUR, Night, hourly

TABLES = Path(__file__).parents[2] / "tables"
COUNTIES = {"a": "east", "b": "east", "c": "west"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, SimClock(EVENING), durable=False)
    found.create(Mode.SIMULATION, "test")
    yield found
    found.close()


def rows(check: str) -> list[dict[str, str]]:
    with (TABLES / f"quality_{check}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(said: str) -> float | None:
    return None if said == "-" else float(said)


def test_every_check_has_its_table() -> None:
    assert {path.stem.removeprefix("quality_") for path in TABLES.glob("quality_*.csv")} == set(all_checks())


@pytest.mark.parametrize("check", [key for key, one in all_checks().items() if not one.around])
def test_a_series_by_its_table(database: Database, check: str) -> None:
    """Stored at once and one by one, both give the flags of the table."""
    cases = rows(check)
    for together in (True, False):
        for line, row in enumerate(cases):
            step = timedelta(minutes=int(row["step_min"]))
            said = [(slot, value) for slot, value in enumerate(row["values"].split()) if value != "."]
            name = f"{line}-{together}"
            sent = [Reading(name, row["element"], EVENING + slot * step, number(one), step) for slot, one in said]
            for batch in [sent] if together else [[one] for one in sent]:
                with database.begin() as tx:
                    observe.store_batch(tx, batch)
            with database.read() as tx:
                told = observe.curve(tx, WHOLE, name, row["element"], EVENING - step, EVENING + 20 * step)
            hit = [one for one in told if check in {flag.check for flag in one.flags}]
            flagged = {str(round((one.time - EVENING) / step)) for one in hit}
            assert flagged == set(row["flagged"].split()), f"line {line + 2} of {check}: {row['why']}"
            assert [replace(one, flags=()) for one in told] == sent, "what was sent stays as it is"


@pytest.mark.parametrize("check", [key for key, one in all_checks().items() if one.around])
def test_a_place_by_its_table(database: Database, check: str) -> None:
    for line, row in enumerate(rows(check)):
        step = timedelta(minutes=int(row["step_min"]))
        names = [f"{line}-{index}" for index in range(len(row["others"].split()))]
        near = {f"{line}": tuple(names)}  # to them it is not near: six others are nearer
        twins = near | dict.fromkeys(names, (f"{line}",))
        table = observe.standard_elements()
        database.install(replace(table, near=near) if check == "spatial" else replace(table, twins=twins))
        sent = [Reading(f"{line}", row["element"], EVENING, number(row["value"]), step)]
        sent += [
            Reading(name, row["element"], EVENING, number(value), step)
            for name, value in zip(names, row["others"].split(), strict=True)
        ]
        for one in sent:
            with database.begin() as tx:
                observe.store_batch(tx, [one])
        with database.read() as tx:
            (told,) = observe.curve(tx, WHOLE, f"{line}", row["element"], EVENING - step, EVENING)
        assert (check in {flag.check for flag in told.flags}) == bool(row["flagged"]), row["why"]


def test_limits_of_the_city_and_of_one_station(tmp_path: Path) -> None:
    path = tmp_path / "quality.toml"
    path.write_text(
        '[element.stage_m]\nhigh = 1200\n[station.s1.stage_m]\nlow = 1000\nsource = "测站任务书"\n'
        '[element.dust_ugm3]\nterm = "扬尘"\nunit = "μg/m3"\nhigh = 9\n[[twin]]\nstations = ["s1", "s2"]\n',
        encoding="utf-8",
    )
    table = observe.read_quality(path, {"s1": (113.0, 40.0), "s2": (113.1, 40.0), "far": (115.0, 40.0)})
    assert (table.limits("s1", "stage_m").low, table.limits("s2", "stage_m").low) == (1000, -20)
    assert table.limits("s1", "stage_m").high == table.limits("s2", "stage_m").high == 1200
    assert table["dust_ugm3"].say(12.34) == "12.3 μg/m3"
    assert table["rain_mm"].say(None) == "缺测"
    assert table.near["s1"] == ("s2",), "8.5 km away; the other is 170 km away"
    assert table.near["far"] == ()
    assert table.twins == {"s1": ("s2",), "s2": ("s1",)}
    path.write_text("[element.stage_m]\nhigest = 3\n", encoding="utf-8")
    with pytest.raises(observe.BadElements, match="higest"):
        observe.read_quality(path)
    assert observe.read_quality(tmp_path / "none.toml") == observe.standard_elements()


def test_the_sender_speaks_of_his_own_readings(database: Database) -> None:
    fault = Flag("sender", Quality.BAD, "设备自报故障（D）")
    reading = hourly("a", 7.0)[0]
    with database.begin() as tx:
        observe.store_batch(tx, [replace(reading, flags=(fault,))])
        (told,) = observe.latest_all(tx, WHOLE)
        assert (told.value, told.counted, told.quality) == (7.0, None, Quality.BAD)
        assert [(flag.check, flag.why) for flag in told.flags] == [("sender", "设备自报故障（D）")]
        observe.store_batch(tx, [replace(reading, value=7.5, revision=1)])
        (told,) = observe.latest_all(tx, WHOLE)
        assert (told.counted, told.flags) == (7.5, ()), "the corrected reading is not the one he spoke of"


def test_a_person_has_the_last_word(database: Database) -> None:
    with database.begin() as tx:
        observe.store_batch(tx, hourly("a", 5.0, 500.0, 6.0))

        def counted() -> list[float | None]:
            return [one.counted for one in observe.curve(tx, WHOLE, "a", "rain_mm", EVENING, EVENING + 9 * HOUR)]

        def mark(since: int, until: int | None, quality: Quality, why: str, value: float | None = None) -> int:
            end = None if until is None else EVENING + until * HOUR
            return observe.mark_readings(
                tx, OPERATOR, "a", "rain_mm", EVENING + since * HOUR, end, quality, why, value
            )

        assert counted() == [5.0, None, 6.0]
        mark(1, 2, Quality.GOOD, "到现场看过，确有其事")
        assert counted() == [5.0, 500.0, 6.0]
        mark(1, 2, Quality.GOOD, "人工观测", 50.0)
        assert counted() == [5.0, 50.0, 6.0]
        mark(1, 2, Quality.SUSPECT, "附近在洒水")
        assert counted() == [5.0, 500.0, 6.0], "what a person doubts still counts"
        told = observe.curve(tx, WHOLE, "a", "rain_mm", EVENING, EVENING + 9 * HOUR)
        assert [one.quality for one in told] == [Quality.GOOD, Quality.SUSPECT, Quality.GOOD]
        mark(0, None, Quality.BAD, "漏斗被树叶堵住")
        assert counted() == [None, None, None]
        observe.store_batch(tx, hourly("a", 4.0, first=4))
        assert counted()[-1] is None, "until further notice"
        mark(3, None, Quality.GOOD, "已清理")
        assert counted() == [None, None, None, 4.0]
        told = observe.curve(tx, WHOLE, "a", "rain_mm", EVENING, EVENING + 9 * HOUR)
        assert [one.value for one in told] == [5.0, 500.0, 6.0, 4.0], "raw is never changed"
        assert [(flag.by, flag.why, flag.at) for flag in told[2].flags] == [("operator", "漏斗被树叶堵住", tx.now)]
        assert len(observe.marks(tx, WHOLE, "a")) == 5
        recorded = [fact for fact in facts_since(tx, 0) if fact.kind == "ReadingsMarked"]
        assert [fact.body["value"] for fact in recorded] == [None, 50.0, None, None, None]
        assert "漏斗" not in str(recorded), "free text stays beside the mark"
        for until, quality, why, value in (
            (1, Quality.BAD, "空时段", None),
            (2, Quality.BAD, " ", None),
            (2, Quality.NOTED, "只有机器提示", None),
            (2, Quality.SUSPECT, "可疑又有数", 3.0),
            (2, Quality.BAD, "又坏又有数", 3.0),
        ):
            with pytest.raises(BadInput):
                mark(1, until, quality, why, value)
        with pytest.raises(BadInput, match="没有这个要素"):
            observe.mark_readings(tx, OPERATOR, "z", "rain_mm", EVENING, None, Quality.BAD, "无此站")


@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_a_bad_reading_raises_nothing_and_clears_nothing(tmp_path: Path, engine: str) -> None:
    night = Night(tmp_path, COUNTIES, engine=engine)
    night.hear(hourly("a", 0.0, 500.0))
    with night.look() as tx:
        assert assess.findings(tx, WHOLE) == []
        east = assess.situation(tx, WHOLE, "rainstorm", "east")
        assert east is not None
        assert east.level is None
        (reading,) = east.discarded
        assert (reading.station, reading.value, reading.quality) == ("a", 500.0, Quality.BAD)
        west = assess.situation(tx, WHOLE, "rainstorm", "west")
        assert west is not None
        assert west.discarded == ()
    night.hear(hourly("b", 120.0, first=3))
    with night.look() as tx:
        before = assess.situation(tx, WHOLE, "rainstorm", "east")
        assert before is not None
        assert before.level == "RED"
    night.hear(hourly("b", -9999.0, -9999.0, -9999.0, -9999.0, first=4))
    with night.look() as tx:
        after = assess.situation(tx, WHOLE, "rainstorm", "east")
        assert after is not None
        assert after.level == "RED", "nothing is known that could clear it"
        assert after.unknown, "its only words do not count"
        causes = {one.cause for one in observe.silence(tx, WHOLE) if "b" in one.stations}
        assert causes == {Cause.BAD}
        assert Cause.BAD.word == "来数无效"
    night.close()


@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_a_mark_wakes_the_judge_again(tmp_path: Path, engine: str) -> None:
    night = Night(tmp_path, COUNTIES, engine=engine)
    night.hear(hourly("a", 0.0, 120.0, 0.0))

    def mark(quality: Quality, value: float | None = None) -> str | None:
        with night.database.begin() as tx:
            since = EVENING + HOUR
            observe.mark_readings(tx, OPERATOR, "a", "rain_mm", since, since + HOUR, quality, "核实", value)
        night.run()
        with night.look() as tx:
            east = assess.situation(tx, WHOLE, "rainstorm", "east")
            assert east is not None
            return east.level

    assert mark(Quality.BAD) is None
    with night.look() as tx:
        assert [one for one in assess.findings(tx, WHOLE) if one.retracted_at is None] == []
    assert mark(Quality.GOOD) == "RED"
    assert mark(Quality.GOOD, 12.0) is None
    night.close()


def test_a_spike_is_disbelieved_until_it_is_confirmed(tmp_path: Path) -> None:
    step = timedelta(minutes=10)
    night = Night(tmp_path, COUNTIES, {"river_flood": "MWR-2013"})

    def hear(slot: int, value: float) -> list[float | None]:
        night.hear([Reading("a", "stage_m", EVENING + slot * step, value, step)])
        with night.look() as tx:
            return [one.value for one in observe.history(tx, ["a"], "stage_m")]

    assert hear(1, 10.0) == [10.0]
    assert hear(2, 10.0) == [10.0, 10.0]
    assert hear(3, 18.0) == [10.0, 10.0, None]
    assert hear(4, 18.5) == [10.0, 10.0, 18.0, 18.5], "it was true"
    assert hear(5, 40.0)[-1] is None
    assert hear(6, 19.0)[-2:] == [None, 19.0], "it was not"
    night.close()
