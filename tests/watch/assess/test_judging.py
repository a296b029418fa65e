"""Findings and situations as stored: raised, ended, withdrawn, unknown; a crash or a restart changes nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shouye.base.access import WHOLE
from shouye.base.kernel import NotFound, facts_since, iso, run_due
from shouye.base.rules import load_tables
from shouye.watch import assess, observe, stations
from shouye.watch.assess.service import judge
from tests.watch.assess.night import EVENING, HOUR, RAIN, Night, hourly

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    found = Night(tmp_path, {"a": "east", "b": "east", "c": "west"})
    yield found
    found.close()


def changes(night: Night) -> list[tuple[str, str | None, str | None, str]]:
    with night.look() as tx:
        facts = facts_since(tx, kinds=["SituationChanged"])
        return [(f.body["division"], f.body["previous"], f.body["level"], f.body["ground"]) for f in facts]


def test_a_storm_rises_and_falls(night: Night) -> None:
    night.live(hourly("a", 10, 20, 25, 80, *[0] * 14))
    assert changes(night) == [
        ("east", None, "ORANGE", "crossed"),
        ("east", "ORANGE", "RED", "crossed"),
        ("east", "RED", "ORANGE", "ended"),
        ("east", "ORANGE", "YELLOW", "ended"),
        ("east", "YELLOW", "BLUE", "ended"),
        ("east", "BLUE", None, "ended"),
    ]
    with night.look() as tx:
        steps = assess.history(tx, WHOLE, "rainstorm", "east")
        assert [(step.level, step.at) for step in steps[:2]] == [
            ("ORANGE", EVENING + 3 * HOUR),
            ("RED", EVENING + 4 * HOUR),
        ]
        raised = facts_since(tx, kinds=["FindingRaised"])
        assert [fact.body["level"] for fact in raised] == ["BLUE", "YELLOW", "ORANGE", "RED"]
        assert raised[0].body["first_at"] == raised[2].body["first_at"] == iso(EVENING + 3 * HOUR)
        assert raised[3].subject == "finding:4"


def test_a_situation_names_its_grounds(night: Night) -> None:
    night.live(hourly("a", 20, 20, 20, source="x") + hourly("b", 20, 20, 20, source="x") + hourly("c", 1, 1, 1))
    with night.look() as tx:
        east = assess.situation(tx, WHOLE, "rainstorm", "east")
        assert east is not None
        assert (east.level, east.rank, east.word, east.since) == ("ORANGE", 3, "橙色", EVENING + 3 * HOUR)
        assert east.stations == ("a", "b")
        assert east.sources == 1, "two gauges with one source are one source"
        assert "3小时降雨量 60 mm" in east.best
        assert east.review_at == EVENING + 6 * HOUR
        assert east.basis == "测站所在县（区）"
        assert not east.unknown
        first = assess.finding(tx, WHOLE, east.findings[0])
        assert (first.division, first.areas, first.rules) == ("east", ("east",), "CMA16-2007")
        assert [one.division for one in assess.situations(tx, WHOLE)] == ["east", "west"], "the highest first"
        assert assess.situation(tx, WHOLE, "rainstorm", "nowhere") is None
        with pytest.raises(NotFound):
            assess.finding(tx, WHOLE, 99)


def test_nobody_heard_is_unknown_and_never_calm(night: Night) -> None:
    night.live(hourly("a", 60) + hourly("b", None))
    with night.look() as tx:
        east, west = (assess.situation(tx, WHOLE, "rainstorm", name) for name in ("east", "west"))
    assert east is not None
    assert west is not None
    assert (east.unknown, east.unheard) == (False, ("b",))
    assert (west.unknown, west.word, west.level) == (True, "未知", None)
    night.hear(hourly("c", 0, first=5))
    with night.look() as tx:
        east, west = (assess.situation(tx, WHOLE, "rainstorm", name) for name in ("east", "west"))
    assert east is not None
    assert west is not None
    assert (east.level, east.unknown) == ("ORANGE", True), "silence lifts nothing"
    assert (west.unknown, west.word) == (False, "无险情")


def test_a_correction_withdraws_what_it_disproves(night: Night) -> None:
    night.live(hourly("a", 0, 0, 60))
    night.hear(hourly("a", 6.0, first=3, revision=1), at=EVENING + 4 * HOUR)
    assert night.told() == set()
    assert changes(night)[-1] == ("east", "ORANGE", None, "retracted")
    with night.look() as tx:
        assert {found.retracted_at for found in assess.findings(tx, WHOLE)} == {EVENING + 4 * HOUR}
        assert len(facts_since(tx, kinds=["FindingRetracted"])) == 3
    night.hear(hourly("a", 60, first=3, revision=2), at=EVENING + 5 * HOUR)
    assert {level for _, level, _, _ in night.told()} == {"BLUE", "YELLOW", "ORANGE"}, "stands again"
    assert changes(night)[-1] == ("east", None, "ORANGE", "crossed")
    with night.look() as tx:
        assert len(assess.findings(tx, WHOLE)) == 3, "the same findings, not new ones"


def test_what_was_over_when_learnt_is_recorded_and_changes_no_situation(night: Night) -> None:
    night.hear(hourly("a", 0, 0, 60, *[0] * 14))
    with night.look() as tx:
        assert [found.already_over for found in assess.findings(tx, WHOLE)] == [True] * 3
    assert changes(night) == []


def test_a_late_reading_reopens_and_closes(night: Night) -> None:
    night.live(hourly("a", 0, 0, 50, 0, 0, 0))
    assert ("a", "ORANGE", EVENING + 3 * HOUR, EVENING + 6 * HOUR) in night.told()
    night.hear(hourly("a", 50, first=6, revision=1))
    assert ("a", "ORANGE", EVENING + 3 * HOUR, None) in night.told()


def test_a_crashed_job_runs_again_and_says_it_once(night: Night) -> None:
    """The engine remembers what the database forgot with the rollback: it notices, and begins anew."""
    by = assess.Assessor.of(load_tables(), RAIN)
    with night.database.begin() as tx:
        assess.install(tx, by)
    night.hear(hourly("a", 20))
    with night.database.begin() as tx:
        observe.store_batch(tx, hourly("a", 40, first=2))
    night.clock.move_to(EVENING + 2 * HOUR)

    def crash() -> None:
        with night.database.begin() as tx:
            judge(tx, by, 2)
            assert len(assess.findings(tx, WHOLE)) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    while run_due(night.database):
        pass
    with night.look() as tx:
        assert [found.level for found in assess.findings(tx, WHOLE)] == ["BLUE", "YELLOW", "ORANGE"]
        assert len(facts_since(tx, kinds=["SituationChanged"])) == 1
        assert assess.recovering(tx) == 0


def test_a_start_loads_before_it_judges(tmp_path: Path) -> None:
    """While gauges are loaded (恢复中) a batch raises nothing; afterwards everything stored is judged."""
    gauges = {f"g{number:02}": "east" for number in range(50)}
    night = Night(tmp_path, gauges)
    for name in gauges:
        night.hear(hourly(name, 20, 20))
    with night.database.begin() as tx:
        observe.store_batch(tx, [one for name in gauges for one in hourly(name, 15, first=3)])
    night.start_judge()
    with night.look() as tx:
        assert assess.recovering(tx) == 50
    night.clock.move_to(EVENING + 3 * HOUR)
    seen = []
    while run_due(night.database, limit=1):
        with night.look() as tx:
            seen.append((assess.recovering(tx), len(assess.findings(tx, WHOLE))))
    assert sorted({left for left, _ in seen}, reverse=True) == [50, 30, 10, 0]
    assert seen[-1] == (0, 150)
    night.close()


def test_a_restart_in_the_storm_changes_nothing(tmp_path: Path) -> None:
    storm = hourly("a", 10, 20, 25, 80, 0, 0, None, 30, *[0] * 12) + hourly("c", *[5] * 20)
    told = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        night = Night(tmp_path / name, {"a": "east", "c": "west"})
        night.live(reading for reading in storm if reading.time <= EVENING + 4 * HOUR)
        if name == "two":
            night.start_judge()
        night.live(reading for reading in storm if reading.time > EVENING + 4 * HOUR)
        with night.look() as tx:
            told.append((assess.findings(tx, WHOLE), assess.situations(tx, WHOLE), assess.history(tx, WHOLE)))
        night.close()
    assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_ends_in_the_same_night(tmp_path: Path, seed: int) -> None:
    storm = hourly("a", 10, 20, 25, 80, 0, 0, None, 30, *[0] * 12) + hourly("c", *[5] * 20)
    storm += hourly("a", 21, first=2, revision=1) + hourly("c", 0.4, first=9)
    (tmp_path / "ordered").mkdir()
    ordered = Night(tmp_path / "ordered", {"a": "east", "c": "west"})
    ordered.live(storm)
    shuffled = Night(tmp_path, {"a": "east", "c": "west"})
    random.Random(seed).shuffle(storm)
    for low in range(0, len(storm), 7):
        shuffled.hear(storm[low : low + 7], at=EVENING + 20 * HOUR)
    assert shuffled.told() == ordered.told()
    with shuffled.look() as one, ordered.look() as other:
        assert [(s.division, s.level, s.since, s.best) for s in assess.situations(one, WHOLE)] == [
            (s.division, s.level, s.since, s.best) for s in assess.situations(other, WHOLE)
        ]
    shuffled.close()
    ordered.close()


def test_a_gauge_speaks_for_its_area_where_the_city_says_so(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": "east"})
    table = tmp_path / "gauge_area.csv"
    table.write_text("station,division\na,town-2\na,town-1\n", encoding="utf-8")
    with night.database.begin() as tx:
        stations.watch(tx, {"a": "east"}, ["east"], stations.read_gauge_areas(table))
    night.hear(hourly("a", 60))
    with night.look() as tx:
        towns = [(one.division, one.level, one.basis) for one in assess.situations(tx, WHOLE)]
    assert towns == [
        ("town-1", "ORANGE", "测站代表范围表"),
        ("town-2", "ORANGE", "测站代表范围表"),
        ("east", None, "没有测站"),
    ]
    night.close()


def test_another_table_in_force_withdraws_what_the_old_one_said(tmp_path: Path) -> None:
    night = Night(tmp_path, {"a": "east"})
    night.live(hourly("a", 0, 0, 55))
    night.active = {"rainstorm": "SX-local"}
    night.start_judge()
    night.hear(hourly("a", 0, first=4))
    assert {(level, time) for _, level, time, _ in night.told()} == {("BLUE", EVENING + 3 * HOUR)}
    night.close()


def test_a_bad_list_of_tables_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "assess.toml"
    bad.write_text("[hazard]\nrainstorm = 3\n", encoding="utf-8")
    with pytest.raises(Exception, match="在用规则表"):
        assess.read_active(bad)


def test_the_citys_list_of_tables_loads() -> None:
    city = Path(__file__).parents[3] / "cities" / "datong" / "assess.toml"
    active = assess.read_active(city)
    assert active == {"rainstorm": "CMA16-2007", "flash_flood": "proposed"}
    watches = assess.Assessor.of(load_tables(), active).watches
    assert all(watch.windows for watch in watches)
