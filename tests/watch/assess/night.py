"""A small house of observe and assess: store batches, let the judge run, look at what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, Database, Mode, SimClock, Tx, dead_jobs, run_due
from shouye.base.rules import load_tables
from shouye.watch import assess, observe, stations
from shouye.watch.observe import Reading

EVENING = datetime(2026, 7, 20, 18, tzinfo=BEIJING)
HOUR = timedelta(hours=1)
RAIN = {"rainstorm": "CMA16-2007"}


def hourly(
    station: str, *values: float | None, first: int = 1, revision: int = 0, source: str = ""
) -> list[Reading]:
    """Readings that end `first`, first+1, … hours after the evening began."""
    return [
        Reading(station, "rain_mm", EVENING + (first + hour) * HOUR, value, HOUR, revision, source or station)
        for hour, value in enumerate(values)
    ]


class Night:
    def __init__(
        self,
        folder: Path,
        county_of: Mapping[str, str],
        active: Mapping[str, str] = RAIN,
        start: datetime = EVENING,
        engine: str = "auto",
        facts: Mapping[str, assess.StationFacts] = MappingProxyType({}),
    ) -> None:
        self.clock = SimClock(start)
        self.database = Database(f"sqlite:///{folder}/night.db", self.clock, durable=False)
        self.database.create(Mode.SIMULATION, "test")
        self.active = active
        self.engine = engine
        self.facts = facts
        self.database.install(observe.Fresh())
        with self.database.begin() as tx:
            stations.watch(tx, county_of, county_of.values())
        self.start_judge()

    def start_judge(self) -> None:
        """As a process that starts: an empty engine over whatever is stored."""
        with self.database.begin() as tx:
            assess.install(tx, assess.Assessor.of(load_tables(), self.active, self.engine, self.facts))

    def hear(self, readings: Iterable[Reading], at: datetime | None = None) -> None:
        """Store one batch at `at` (when its last reading ends) and let every job run."""
        batch = list(readings)
        self.clock.move_to(at or max(reading.time for reading in batch))
        with self.database.begin() as tx:
            observe.store_batch(tx, batch)
        self.run()

    def run(self) -> None:
        """Let every job run."""
        while run_due(self.database):
            pass
        with self.database.read() as tx:
            ours = [job for job in dead_jobs(tx) if job.kind.startswith("assess.")]
            assert ours == [], "rooms to the right are not at home here; ours must not fail"

    def live(self, readings: Iterable[Reading]) -> None:
        """Every instant as its own batch, in order of time."""
        ordered = sorted(readings, key=lambda reading: reading.time)
        for _, batch in groupby(ordered, key=lambda reading: reading.time):
            self.hear(batch)

    @contextmanager
    def look(self) -> Iterator[Tx]:
        with self.database.read() as tx:
            yield tx

    def told(self) -> set[tuple[str, str, datetime, datetime | None]]:
        """Standing findings as the oracle writes them."""
        with self.look() as tx:
            return {
                (found.station, found.level, found.first_at, found.until)
                for found in assess.findings(tx, WHOLE, "rainstorm")
                if found.retracted_at is None
            }

    def close(self) -> None:
        self.database.close()
