"""守夜的装配 — the only place that knows every room: settings, shelves, reactions, program, commands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shouye.after import review
from shouye.base import delivery, roster, rules, tasks
from shouye.base.kernel import Clock, Database, JobSource, Mode, SimClock, Source, play
from shouye.during import call, warn
from shouye.watch import assess, intake, observe

CITIES = Path(__file__).resolve().parent.parent / "cities"
"""Where the cities' folders stand in a checkout."""


@dataclass(frozen=True)
class Program:
    """一套运行中的守夜 — its database and the sources of due work, in the order in which they are asked."""

    database: Database
    sources: tuple[Source, ...]


def assemble(
    database: Database,
    city: Path,
    mode: Mode,
    senders: Mapping[str, delivery.Sender],
    banner: str,
    stations: tuple[roster.Station, ...] | None = None,
) -> Program:
    """装配 — make the tables, import the city if it is new, install what verbs find by `tx.of`."""
    files = roster.load_city(city)
    database.create(mode, files.id)
    with database.begin() as tx:
        if not roster.has_city(tx):
            roster.import_city(tx, files)
        if stations is not None:
            roster.add_stations(tx, stations)
        people = roster.snapshot(tx)
        used = stations if stations is not None else tuple(people.stations.values())
        counties = [division.id for division in people.children(people.city.id)]
        observe.watch(
            tx,
            {station.id: station.county for station in used},
            counties,
            observe.read_gauge_areas(city / "gauge_area.csv"),
        )
    ladders = tasks.Ladders(tasks.read_ladders(city / "ladder.toml"))
    board = delivery.Switchboard(mode, delivery.all_channels(), senders)
    database.install(
        people,
        ladders,
        board,
        delivery.Banner(banner),
        warn.read_policy(city / "wake.toml", city / "ladder.toml"),
        call.read_policy(city / "wake.toml", city / "ladder.toml"),
    )
    call.install(ladders, board)
    book = rules.load_tables(city / "rules")
    with database.begin() as tx:
        assess.install(tx, assess.Assessor.of(book, assess.read_active(city / "assess.toml")))
    with database.begin() as tx:
        delivery.recover(tx)
    return Program(database, (JobSource(), tasks.LadderClock(), delivery.Exchange(board)))


@dataclass(frozen=True)
class Drill:
    """一场演练 — the program in Simulation with a storm and people of its own, and its end."""

    program: Program
    storm: intake.Storm
    laying: review.Laying
    plan: review.DrillPlan
    begins: datetime
    ends: datetime

    def result(self) -> review.DrillResult:
        with self.program.database.read() as tx:
            return review.result(tx, self.storm, self.laying, self.plan.seed, self.begins, self.ends)


def prepare_drill(plan: review.DrillPlan, folder: Path) -> Drill:
    """备演 — own process, own data folder, only simulated channels: nothing here can dial."""
    storm = intake.read_storm(plan.storm)
    with_city = roster.Roster.from_files(roster.load_city(plan.city))
    laying = review.lay_out(storm, with_city)
    shift = plan.start - storm.begins_at if plan.start is not None else timedelta(0)
    begins, ends = storm.begins_at + shift, storm.ends_at + shift + plan.tail
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "drill.sqlite"
    for old in folder.glob("drill.sqlite*"):
        old.unlink()
    database = Database(f"sqlite:///{path}", SimClock(begins), durable=False)
    people = delivery.read_people(plan.people or plan.city / "people.toml")
    deciders = review.read_deciders(plan.city / "deciders.toml")
    program = assemble(
        database,
        plan.city,
        Mode.SIMULATION,
        {"simulated": delivery.SimulatedTelephone(people, plan.seed)},
        banner="演练",
        stations=tuple(item.station for item in laying.stations),
    )
    readings = intake.lay(storm, laying.on, shift)
    players: list[Source] = [review.StormPlayer(readings, deciders.report_delay)]
    if plan.simulated_deciders:
        players.append(review.DeciderPlayer(deciders, plan.seed))
    whole = Program(database, (players[0], *program.sources, *players[1:]))
    return Drill(whole, storm, laying, plan, begins, ends)


@contextmanager
def drill_folder(wanted: Path | None) -> Iterator[Path]:
    """The drill's data folder: the one asked for, or one that disappears afterwards."""
    if wanted is not None:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="shouye-drill-") as name:
        yield Path(name)


def play_drill(drill: Drill, progress: Callable[[datetime], None] = lambda _: None) -> review.DrillResult:
    """尽快演完 — discrete-event, to the end."""
    clock = drill.program.database.clock
    assert isinstance(clock, SimClock)
    play(drill.program.sources, drill.program.database, clock, drill.ends, progress)
    return drill.result()


def clock_of(program: Program) -> Clock:
    return program.database.clock
