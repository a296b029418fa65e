"""守夜的装配 — the only place that knows every room: settings, shelves, reactions, program, commands."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import typer

from shouye.after import review
from shouye.base import delivery, privacy, pulse, roster, rules, tasks
from shouye.base.kernel import (
    BadInput,
    DailyHead,
    Database,
    Delay,
    JobSource,
    Lanes,
    Lease,
    Mode,
    PacedClock,
    Sealer,
    SealSource,
    SimClock,
    Source,
    WallClock,
    carry_on,
    hold,
    holder_name,
    keeping_time,
    open_key,
    pace,
    play,
    read_stamp,
    vault_for,
)
from shouye.doors.cli.access import access_app
from shouye.doors.cli.audit import audit_app
from shouye.doors.cli.city import city_app
from shouye.doors.cli.codec import codec_app
from shouye.doors.cli.db import ROLES as DUTIES
from shouye.doors.cli.db import make_db, make_standby, tell_leases
from shouye.doors.cli.demo import make_demo
from shouye.doors.cli.drill import make_drill
from shouye.doors.cli.history import make_history
from shouye.doors.cli.jobs import jobs_app
from shouye.doors.cli.judge import judge_command
from shouye.doors.cli.run import FictionalPeople, OneWriter, Role, RunPlan, make_run
from shouye.doors.cli.silence import make_silence
from shouye.doors.cli.sources import make_sources
from shouye.doors.cli.stations import make_stations
from shouye.doors.cli.usage import CommandLine
from shouye.during import call, warn
from shouye.watch import assess, feeds, intake, observe
from shouye.watch.stations import read_aliases, read_gauge_areas, watch

CITIES = Path(__file__).resolve().parent.parent / "cities"
"""Where the cities' folders stand in a checkout."""

ENGINE = "engine"
"""The lane of the judge's jobs."""


@dataclass(frozen=True)
class Program:
    """一套运行中的守夜 — its database and the sources of due work, in the order in which they are asked."""

    database: Database
    city: Path
    roster: roster.Roster
    board: delivery.Switchboard
    sources: tuple[Source, ...] = ()


def open_city(
    database: Database,
    city: Path,
    mode: Mode,
    senders: Mapping[str, delivery.Sender],
    banner: str,
    stations: tuple[roster.Station, ...] | None = None,
    keys: Path | None = None,
) -> Program:
    """开城 — what every process does: tables, the city if it is new, what verbs find by `tx.of`."""
    files = roster.load_city(city)
    database.create(mode, files.id)
    with database.read() as tx:
        new = not roster.has_city(tx)
    database.install(vault_for(database.engine.url, mode, keys, new=new))
    with database.begin() as tx:
        if not roster.has_city(tx):
            roster.import_city(tx, files)
        if stations is not None:
            roster.add_stations(tx, stations)
        people = roster.snapshot(tx)
        used = stations if stations is not None else tuple(people.stations.values())
        counties = [division.id for division in people.children(people.city.id)]
        watch(
            tx,
            {station.id: station.county for station in used},
            counties,
            read_gauge_areas(city / "gauge_area.csv"),
            read_aliases(city / "station_alias.csv"),
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
    database.install(tasks.read_upkeep(city / "ladder.toml", f"{people.city.id}/city_duty", people.city.id))
    places = {station.id: (station.lon, station.lat) for station in used if station.lon and station.lat}
    database.install(observe.read_quality(city / "quality.toml", places), observe.Fresh())
    call.install(ladders, board)
    return Program(database, city, people, board)


def go_on_duty(program: Program, roles: Collection[str] = DUTIES, *, ahead: bool = True) -> Program:
    """上岗 — what only the process that holds a role does: begin to judge, take up the calls; its due work."""
    engine, clock = (duty in roles for duty in DUTIES)
    jobs = JobSource(Lanes(only=() if clock else (ENGINE,), but=() if engine else (ENGINE,)))
    if engine:
        book = rules.load_tables(program.city / "rules")
        active = assess.read_active(program.city / "assess.toml")
        facts = assess.read_station_facts(program.city / "station_facts.toml")
        with program.database.begin() as tx:
            assess.install(tx, assess.Assessor.of(book, active, facts=facts), ahead=ahead)
    if not clock:
        return replace(program, sources=(jobs,))
    with program.database.begin() as tx:
        delivery.recover(tx)
    return replace(program, sources=(jobs, tasks.LadderClock(), delivery.Exchange(program.board)))


def assemble(
    database: Database,
    city: Path,
    mode: Mode,
    senders: Mapping[str, delivery.Sender],
    banner: str,
    stations: tuple[roster.Station, ...] | None = None,
) -> Program:
    """装配 — the whole program in one process, with every role."""
    return go_on_duty(open_city(database, city, mode, senders, banner, stations))


@dataclass(frozen=True)
class Drill:
    """一场演练 — the program in Simulation with a storm and people of its own, and its end."""

    program: Program
    storm: intake.Storm
    laying: review.Laying
    plan: review.DrillPlan
    begins: datetime
    ends: datetime
    sealer: Sealer
    kept: list[tuple[float, Delay]] = field(default_factory=list)
    """Once it was played against a running clock: the speed, and how far it fell behind."""

    @property
    def roster(self) -> roster.Roster:
        return self.program.roster

    @property
    def now(self) -> datetime:
        return self.program.database.clock.now()

    def play(self, progress: Callable[[datetime], None] = lambda _: None, until: datetime | None = None) -> None:
        """尽快演 — discrete-event, to the end or to a moment before it."""
        clock = self.program.database.clock
        assert isinstance(clock, SimClock)
        play(self.program.sources, self.program.database, clock, min(until or self.ends, self.ends), progress)
        self.sealer.seal_all(self.program.database)

    def serve(
        self,
        host: str,
        port: int,
        speed: float,
        stop: threading.Event,
        say: Callable[[str], None],
        complain: Callable[[str], None],
        stay: bool = False,
    ) -> None:
        """变速演 — the clock runs at `speed` and the console is open; ends with the storm unless told to stay."""
        from shouye.doors import web  # half a second of loading, which a start without pages does not wait for

        database = self.program.database
        database.clock = PacedClock(database.clock.now(), speed)
        context = web.CityContext(
            database=database,
            roster=self.program.roster,
            mode=Mode.SIMULATION,
            title=self.program.roster.city.name,
            banner=review.banner(self.storm, self.laying),
            speed=speed,
            seed=self.plan.seed,
            folder=self.plan.city,
        )
        county = max(self.laying.stations, key=lambda item: item.station.id).station.county
        delay = Delay(review.BEARABLE, lambda late: complain(review.falling_behind(speed, late)))
        self.kept.append((speed, delay))
        with web.console(context, host, port, county, say):
            sources = (*self.program.sources, SealSource(self.sealer))
            pace(sources, database, database.clock, stop, None if stay else self.ends, context.tick, delay.note)

    def result(self) -> review.DrillResult:
        with self.program.database.read() as tx:
            found = review.result(tx, self.storm, self.laying, self.plan.seed, self.begins, self.ends)
        for speed, delay in self.kept:
            found = review.paced(found, speed, delay.worst)
        return found

    def papers(self, result: review.DrillResult) -> review.DrillPapers:
        from shouye.doors import web

        with self.program.database.read() as tx:
            rows = tuple(review.call_rows(tx))
        return review.DrillPapers(result, rows, web.county_boundaries(self.program.roster, self.plan.city))


def prepare_drill(plan: review.DrillPlan, folder: Path, *, resume: bool = False) -> Drill:
    """备演 — own process, own data folder, only simulated channels: nothing here can dial.

    To `resume` is to go on from the last commit of the same drill in that folder, wherever its process ended.
    """
    storm = intake.read_storm(plan.storm)
    if storm.name == "storm":  # a scenario's folder names its storm
        storm = replace(storm, name=plan.storm.resolve().parent.name)
    laying = review.lay_out(storm, roster.Roster.from_files(roster.load_city(plan.city)))
    shift = plan.start - storm.begins_at if plan.start is not None else timedelta(0)
    begins, ends = storm.begins_at + shift, storm.ends_at + shift + plan.tail
    folder.mkdir(parents=True, exist_ok=True)
    fingerprint = review.fingerprint(plan.city, plan)
    reached = review.how_far(folder / "drill.sqlite", fingerprint) if resume else None
    if reached is None:
        for old in folder.glob("drill.sqlite*"):
            old.unlink()
    clock = SimClock(reached or begins)
    database = keeping_time(Database(f"sqlite:///{folder / 'drill.sqlite'}", clock, durable=False))
    people = delivery.read_people(plan.people or plan.city / "people.toml")
    deciders = review.read_deciders(plan.city / "deciders.toml")
    telephone = delivery.SimulatedTelephone(people, plan.seed)
    stations = tuple(item.station for item in laying.stations)
    city = open_city(database, plan.city, Mode.SIMULATION, {"simulated": telephone}, "演练", stations)
    program = go_on_duty(city, ahead=False)
    readings = intake.lay(storm, laying.on, shift)
    players: list[Source] = [review.StormPlayer(readings, deciders.report_delay, reached)]
    if plan.simulated_deciders:
        players.append(review.DeciderPlayer(deciders, plan.seed, reached))
    with database.begin() as tx:
        review.begin_drill(tx, fingerprint)
    whole = replace(program, sources=(players[0], *program.sources, *players[1:]))
    return Drill(whole, storm, laying, plan, begins, ends, Sealer(open_key(folder / "keys"), holder_name()))


def play_drill(drill: Drill) -> review.DrillResult:
    """Play to the end and read what came of it."""
    drill.play()
    return drill.result()


def open_live(database: Database, city: Path, mode: Mode, keys: Path | None = None) -> Program:
    """开城值守 — with the channels of this mode; a roster of fictional people never serves in earnest."""
    senders: dict[str, delivery.Sender] = {}
    if mode is Mode.SIMULATION:
        senders["simulated"] = delivery.SimulatedTelephone(delivery.read_people(city / "people.toml"), 1)
    program = open_city(database, city, mode, senders, banner=mode.word, keys=keys)
    if mode is Mode.ACTUAL and any(person.fictional for person in program.roster.persons.values()):
        raise FictionalPeople
    carry_on(database)
    measured = assess.read_measured(city / "station_facts.toml")
    database.install(feeds.read_measures(city / "feeds.toml", measured, assess.judged_elements()))
    return program


SAY_NOTHING = pulse.Outward()


def do_duty(
    program: Program,
    leases: Sequence[Lease],
    over: threading.Event,
    keys: Path | None = None,
    changed: Callable[[], None] = lambda: None,
    outward: pulse.Outward = SAY_NOTHING,
) -> None:
    """值守 — the due work of the roles that this process holds, in real time, until told to stop."""
    roles = [lease.role for lease in leases]
    program = go_on_duty(program, roles)
    sources = program.sources
    if Role.CLOCK in roles:
        ears = pulse.house_probes() | feeds.read_voices(program.city / "feeds.toml")
        program.database.install(pulse.Voices(ears), privacy.read_retention(program.city / "retention.toml"))
        watched = (pulse.ClockWatch(program.database.clock), pulse.PulseClock(), pulse.Heartbeat(outward))
        sources = (*sources, *watched, privacy.Sweeper())
    sealer = Sealer(open_key(keys), holder_name()) if keys is not None else None
    if sealer is not None and keys is not None:
        sources = (*sources, SealSource(sealer), DailyHead(keys.parent / "heads"))
    try:
        pace(sources, program.database, program.database.clock, over, None, changed)
    finally:
        if sealer is not None:
            sealer.leave(program.database)


def keep_watch(
    database: Database, leases: Sequence[Lease], over: threading.Event, keys: Path | None = None
) -> None:
    """接管 — a standby learns city and mode from the database and does the duty of the roles it took over."""
    with database.read() as tx:
        stamp = read_stamp(tx)
    folders = [folder for folder in sorted(CITIES.iterdir()) if (folder / "city.toml").is_file()]
    city = next((folder for folder in folders if roster.load_city(folder).id == stamp["city"]), None)
    if city is None:
        raise BadInput(f"cities 下没有城市 {stamp['city']}")
    do_duty(open_live(database, city, Mode(stamp["mode"]), keys), leases, over, keys)


def run_city(plan: RunPlan, stop: threading.Event, say: Callable[[str], None]) -> None:
    """值守 — the parts of the program that run here: console, intake; under leases the engine and the clock."""
    from shouye.doors import web

    plan.data.mkdir(parents=True, exist_ok=True)
    if plan.url.startswith("sqlite") and set(plan.roles) != set(Role):
        raise OneWriter
    database = Database(plan.url, WallClock())
    program = open_live(database, plan.city, plan.mode, plan.data / "keys")
    city = program.roster.city
    duties = [role for role in plan.roles if role in DUTIES]
    keys = plan.data / "keys" if Role.CLOCK in plan.roles else None

    desk = feeds.Reception(database, feeds.read_feeds(plan.city / "feeds.toml"))
    context = web.CityContext(
        database=database,
        roster=program.roster,
        mode=plan.mode,
        title=city.name,
        folder=plan.city,
        history=plan.data / "history",
        reception=desk,
    )

    def work(fenced: Database, leases: Sequence[Lease], over: threading.Event) -> None:
        tell_leases(leases, say)
        outward = pulse.Outward(plan.heartbeat_file, plan.heartbeat_url)
        do_duty(replace(program, database=fenced), leases, over, keys, context.tick, outward)

    with ExitStack() as parts:
        if {Role.WEB, Role.INTAKE} & set(plan.roles):
            parts.enter_context(desk.running(transported=Role.INTAKE in plan.roles))
        if Role.WEB in plan.roles:
            county = program.roster.children(city.id)[0].id
            parts.enter_context(web.console(context, plan.host, plan.port, county, say))
            if len(duties) < len(DUTIES):
                parts.enter_context(web.following(context))
        if duties:
            hold(database, duties, holder_name(), work, stop)
        stop.wait()


class Assembly:
    """装配台 — what the commands are given: cities by name, data folders, drills."""

    def city(self, name: str) -> Path:
        for place in (Path(name), CITIES / name):
            if (place / "city.toml").is_file():
                return place
        raise BadInput(f"没有这个城市：{name}")

    @contextmanager
    def folder(self, wanted: Path | None) -> Iterator[Path]:
        """The drill's data folder: the one asked for, or one that disappears afterwards."""
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            yield wanted
            return
        with tempfile.TemporaryDirectory(prefix="shouye-drill-") as name:
            yield Path(name)

    def prepare(self, plan: review.DrillPlan, folder: Path, *, resume: bool = False) -> Drill:
        return prepare_drill(plan, folder, resume=resume)

    def run(self, plan: RunPlan, stop: threading.Event, say: Callable[[str], None]) -> None:
        run_city(plan, stop, say)


cli = typer.Typer(
    cls=CommandLine,
    help="守夜 — 一座城市的值守：看见、判定、叫醒、应答。",
    no_args_is_help=True,
    add_completion=False,
)
_assembly = Assembly()
for _name, _app in (("city", city_app), ("codec", codec_app), ("access", access_app), ("audit", audit_app)):
    cli.add_typer(_app, name=_name)
cli.add_typer(make_db(keep_watch), name="db")
_watching = {"feeds": make_sources, "stations": make_stations, "silence": make_silence, "history": make_history}
for _name, _make in _watching.items():
    cli.add_typer(_make(_assembly.city), name=_name)
cli.add_typer(jobs_app, name="jobs")
cli.command("judge")(judge_command)
cli.command("drill")(make_drill(_assembly))
cli.command("demo")(make_demo(_assembly, CITIES / "datong"))
cli.command("run")(make_run(_assembly))
cli.command("standby")(make_standby(keep_watch))

if __name__ == "__main__":
    cli()
