"""Two real foreign storms as drills on 大同: levels, labels and sums. How fast they run is for the bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from shouye.after.review import DrillPlan
from shouye.main import play_drill, prepare_drill
from tests.shared.conftest import SHARED

DATONG = Path(__file__).parents[2] / "cities" / "datong"
ORDER = ["BLUE", "YELLOW", "ORANGE", "RED"]


@pytest.mark.parametrize(("name", "level"), [("beijing_2013-07-15", "YELLOW"), ("beijing_2013-08-11", "ORANGE")])
def test_a_real_storm_on_datong(name: str, level: str, tmp_path: Path) -> None:
    drill = prepare_drill(DrillPlan(SHARED / "data" / "rain" / f"{name}.csv", DATONG, seed=1), tmp_path)
    found = play_drill(drill).record
    drill.program.database.close()
    rain = [item["level"] for item in found["findings"] if item["hazard"] == "rainstorm"]
    assert max(rain, key=ORDER.index) == level
    assert (found["storm"], found["transposed"], found["reconstructed"]) == (name, True, False)
    places = [row["station"] for row in found["mapping"]]
    assert len(places) == len(set(places)) == 7
    assert not any(row["virtual"] for row in found["mapping"])
    calls = found["calls"]
    for row in (calls, *calls["by_county"], *calls["by_level"].values()):
        assert row["opened"] == row["answered"] + row["handed_over"] + row["withdrawn"] + row["open"], row
    assert calls["opened"] > 0
    assert len(found["lead_time"]) == len(found["notices"])
    for part in found["lead_time"]:
        assert all(value is None or value >= 0 for key, value in part.items() if key != "notice")
