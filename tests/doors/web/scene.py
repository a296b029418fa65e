"""一场短演练 — the bundled storm played by the real assembly into a database: what the pages are tested on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from shouye.after.review import DrillPlan
from shouye.base.kernel import BEIJING, Database, Mode, SimClock, play
from shouye.base.roster import Roster
from shouye.doors.web import CityContext, Tick
from shouye.main import Drill, prepare_drill

CITY = Path(__file__).parents[3] / "cities" / "datong"
STORM = CITY / "scenarios" / "zhengzhou-2021-07-20" / "storm.csv"
HEIGHT = datetime(2021, 7, 21, 2, 6, 30, tzinfo=BEIJING)
"""In the middle of the calls of the second wave."""

WAITING = datetime(2021, 7, 21, 1, 2, tzinfo=BEIJING)
"""The rise to 红 for 灵丘县 and two first notices for 浑源县 wait for a signature."""


def play_night(folder: Path, until: datetime = HEIGHT) -> CityContext:
    """The night as it stands at `until`: situations, notices, calls under way."""
    drill = prepare_drill(DrillPlan(storm=STORM, city=CITY, seed=7), folder)
    clock = drill.program.database.clock
    assert isinstance(clock, SimClock)
    play(drill.program.sources, drill.program.database, clock, until)
    return context_of(drill)


def context_of(drill: Drill) -> CityContext:
    database = drill.program.database
    with database.read() as tx:
        roster = tx.of(Roster)
    return CityContext(
        database=database,
        roster=roster,
        mode=Mode.SIMULATION,
        title=roster.city.name,
        banner="重构情景「郑州 7·20」：仅总量为真",
        seed=7,
        folder=CITY,
    )


def copy_of(city: CityContext, folder: Path) -> CityContext:
    """The same night in a database of its own, for a test that changes something."""
    source = Path(str(city.database.engine.url.database))
    with city.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    target = Path(shutil.copy(source, folder / "copy.sqlite"))
    database = Database(f"sqlite:///{target}", SimClock(city.clock.now()), durable=False)
    with city.database.read() as tx:
        database.install(*tx.installed.values())
    return replace(city, database=database, tick=Tick())
