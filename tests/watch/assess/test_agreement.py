"""同报互检 — rain in two elements counts once; where they differ somebody is asked to look, nothing is raised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

import pytest

from shouye.base import tasks
from shouye.base.access import WHOLE
from shouye.base.kernel import facts_since
from shouye.base.tasks import Ladder, Ladders, LadderStep, Upkeep
from shouye.watch import assess
from shouye.watch.assess import StationFacts
from shouye.watch.assess.agreement import compared
from shouye.watch.observe import Reading
from tests.watch.assess.night import EVENING, HOUR, Night
from tests.watch.assess.test_natures import every

TEN = timedelta(minutes=10)
BOTH = StationFacts(wraps={"rain_total_mm": 500.0}, checked_by={"rain_mm": ("rain_total_mm",)})


def frames(*rain: float, wrong: float = 1.0, totals_from: int = 0) -> list[Reading]:
    """Ten-minute frames that carry the rain and, in a second element, the gauge's register."""
    register = [480.0 + total * wrong for total in accumulate(rain)]
    totals = every(TEN, "rain_total_mm", *(total % 500 for total in register))
    return [*every(TEN, "rain_mm", *rain), *totals[totals_from:]]


def test_the_same_rain_agrees_across_a_turn_of_the_register() -> None:
    (one,) = compared(BOTH, frames(*[4.0] * 8))
    assert (one.at, one.amount, one.other_amount) == (EVENING + 8 * TEN, 24.0, 24.0)
    assert not one.apart


@pytest.mark.parametrize(("wrong", "apart"), [(1.0, False), (1.25, False), (1.26, True), (0.79, True)])
def test_a_fifth_of_the_larger_is_borne(wrong: float, apart: bool) -> None:
    (one,) = compared(BOTH, frames(*[4.0] * 8, wrong=wrong))
    assert one.apart is apart


def test_a_drizzle_is_borne_and_an_hour_half_known_says_nothing() -> None:
    assert [one.apart for one in compared(BOTH, frames(*[0.1] * 8, wrong=0.0))] == [False], "0.6 mm"
    assert compared(BOTH, frames(*[4.0] * 8, totals_from=3)) == []
    assert compared(BOTH, every(TEN, "rain_mm", *[4.0] * 8)) == []


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    found = Night(tmp_path, {"a": "east"}, facts={"a": BOTH})
    ladder = Ladder("upkeep", (LadderStep(tasks.OVERDUE, 0, from_due=True),))
    found.database.install(Ladders({"upkeep": ladder}), Upkeep("dt/city_duty", "dt", timedelta(minutes=30)))
    yield found
    found.close()


def test_one_task_for_a_disagreement_and_none_when_it_is_over(night: Night) -> None:
    sent = frames(*[5.0] * 24, wrong=2.0)
    for row in range(12):  # frame by frame: both elements of ten minutes together
        night.hear([sent[row], sent[24 + row]])
    with night.look() as tx:
        (task,) = tasks.owed(tx, WHOLE, [assess.ELEMENTS])
        assert (task.owner, task.group) == ("dt/city_duty", "station:a")
        assert "判定用 30，rain_total_mm 60" in task.title
        assert len(facts_since(tx, kinds=["ElementsDisagree"])) == 1
        rain = [found.values for found in assess.findings(tx, WHOLE, "rainstorm")]
    assert max(max(values.values()) for values in rain) <= 60, "the register's 120 mm were not judged, nor added"
    right = frames(*[5.0] * 24)
    night.hear([one for one in right if one.time > EVENING + 12 * TEN])
    with night.look() as tx:
        assert tasks.owed(tx, WHOLE, [assess.ELEMENTS]) == []
        assert len(facts_since(tx, kinds=["ElementsDisagree"])) == 1


def test_a_night_in_which_both_agree_is_judged_as_without_the_second(tmp_path: Path) -> None:
    told = []
    for name, sent in (("both", frames(*[5.0] * 24)), ("one", every(TEN, "rain_mm", *[5.0] * 24))):
        (tmp_path / name).mkdir()
        night = Night(tmp_path / name, {"a": "east"}, facts={"a": BOTH})
        night.hear(sent, at=EVENING + 4 * HOUR)
        told.append(night.told())
        night.close()
    assert told[0] == told[1] != set()
