"""守夜的装配 — the only place that knows every room: settings, shelves, reactions, program, commands."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import typer
import uvicorn

from shouye.after import review
from shouye.base import access, delivery, roster, rules, tasks
from shouye.base.kernel import (
    BadInput,
    Database,
    JobSource,
    Lease,
    Mode,
    PacedClock,
    Refusal,
    Sealer,
    SealSource,
    SimClock,
    Source,
    WallClock,
    open_key,
    pace,
    play,
    read_stamp,
)
from shouye.doors import web
from shouye.doors.cli.access import access_app
from shouye.doors.cli.audit import audit_app
from shouye.doors.cli.city import city_app
from shouye.doors.cli.codec import codec_app
from shouye.doors.cli.db import make_db, make_standby
from shouye.doors.cli.demo import make_demo
from shouye.doors.cli.drill import make_drill
from shouye.doors.cli.judge import judge_command
from shouye.doors.cli.run import make_run
from shouye.during import call, warn
from shouye.watch import assess, intake, observe

CITIES = Path(__file__).resolve().parent.parent / "cities"
"""Where the cities' folders stand in a checkout."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Program:
    """一套运行中的守夜 — its database and the sources of due work, in the order in which they are asked."""

    database: Database
    roster: roster.Roster
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
        active = assess.read_active(city / "assess.toml")
        facts = assess.read_station_facts(city / "station_facts.toml")
        assess.install(tx, assess.Assessor.of(book, active, facts=facts))
    with database.begin() as tx:
        delivery.recover(tx)
    return Program(database, people, (JobSource(), tasks.LadderClock(), delivery.Exchange(board)))


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

    @property
    def roster(self) -> roster.Roster:
        return self.program.roster

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
        stay: bool = False,
    ) -> None:
        """变速演 — the clock runs at `speed` and the console is open; ends with the storm unless told to stay."""
        database = self.program.database
        database.clock = PacedClock(database.clock.now(), speed)
        declared = self.storm.declared
        title = declared.title if declared and declared.title else self.storm.name
        truth = "重构：只有总量是真的" if declared and declared.reconstructed else ""
        moved = "移植暴雨" if self.laying.transposed else ""
        context = web.CityContext(
            database=database,
            roster=self.program.roster,
            mode=Mode.SIMULATION,
            title=self.program.roster.city.name,
            banner=" · ".join(part for part in (title, truth, moved) if part),
            speed=speed,
            seed=self.plan.seed,
            folder=self.plan.city,
        )
        county = max(self.laying.stations, key=lambda item: item.station.id).station.county
        with console(context, host, port, county, say):
            sources = (*self.program.sources, SealSource(self.sealer))
            pace(sources, database, database.clock, stop, None if stay else self.ends, context.tick)

    def result(self) -> review.DrillResult:
        with self.program.database.read() as tx:
            return review.result(tx, self.storm, self.laying, self.plan.seed, self.begins, self.ends)

    def papers(self, result: review.DrillResult) -> review.DrillPapers:
        with self.program.database.read() as tx:
            rows = tuple(review.call_rows(tx))
        return review.DrillPapers(result, rows, web.county_boundaries(self.program.roster, self.plan.city))


def prepare_drill(plan: review.DrillPlan, folder: Path) -> Drill:
    """备演 — own process, own data folder, only simulated channels: nothing here can dial."""
    storm = intake.read_storm(plan.storm)
    if storm.name == "storm":  # a scenario's folder names its storm
        storm = replace(storm, name=plan.storm.resolve().parent.name)
    laying = review.lay_out(storm, roster.Roster.from_files(roster.load_city(plan.city)))
    shift = plan.start - storm.begins_at if plan.start is not None else timedelta(0)
    begins, ends = storm.begins_at + shift, storm.ends_at + shift + plan.tail
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("drill.sqlite*"):
        old.unlink()
    database = Database(f"sqlite:///{folder / 'drill.sqlite'}", SimClock(begins), durable=False)
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
    whole = replace(program, sources=(players[0], *program.sources, *players[1:]))
    return Drill(whole, storm, laying, plan, begins, ends, Sealer(open_key(folder / "keys"), "drill"))


def play_drill(drill: Drill) -> review.DrillResult:
    """Play to the end and read what came of it."""
    drill.play()
    return drill.result()


@contextmanager
def console(
    context: web.CityContext, host: str, port: int, county: str, say: Callable[[str], None]
) -> Iterator[None]:
    """控制台 — served beside the work of the caller; demo users only in Simulation, only on loopback."""
    if not (web.STATIC / "vendor").is_dir():
        raise BadInput("浏览器资源还没有生成，请先运行 make assets")
    if context.mode is Mode.SIMULATION and host in LOOPBACK:
        with context.database.begin() as tx:
            users = access.open_demo_users(tx, context.roster, context.mode, host, county)
        for user in users:
            say(f"  {user.login:<8} 密码 {user.password}　{user.name}")
    try:
        listener = socket.create_server((host, port))
    except OSError:
        raise BadInput(f"端口 {port} 已被占用，请用 --port 换一个") from None
    server = uvicorn.Server(
        uvicorn.Config(web.create_app(context), log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    say(f"控制台：http://{host}:{port}/　（Ctrl-C 结束）")
    try:
        yield
    except KeyboardInterrupt:
        say("已停止。")
    finally:
        context.tick.close()
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()


class FictionalPeople(Refusal):
    """花名册里有虚构人员，不能用于实战；请在城市目录放入真实的 holders.csv。"""


def keep_watch(database: Database, leases: Sequence[Lease], over: threading.Event) -> None:
    """值守 — what a process does while it holds the roles: its assembly over the fenced database, in real time."""
    with database.read() as tx:
        stamp = read_stamp(tx)
    folders = [folder for folder in sorted(CITIES.iterdir()) if (folder / "city.toml").is_file()]
    city = next((folder for folder in folders if roster.load_city(folder).id == stamp["city"]), None)
    if city is None:
        raise BadInput(f"cities 下没有城市 {stamp['city']}")
    mode = Mode(stamp["mode"])
    senders: dict[str, delivery.Sender] = {}
    if mode is Mode.SIMULATION:
        senders["simulated"] = delivery.SimulatedTelephone(delivery.read_people(city / "people.toml"), 1)
    program = assemble(database, city, mode, senders, banner=mode.word)
    if mode is Mode.ACTUAL and any(person.fictional for person in program.roster.persons.values()):
        raise FictionalPeople
    pace(program.sources, database, WallClock(), over)


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

    def prepare(self, plan: review.DrillPlan, folder: Path) -> Drill:
        return prepare_drill(plan, folder)

    def quiet_night(self, city: Path, folder: Path, host: str, port: int, say: Callable[[str], None]) -> None:
        """空演练 — the console over a city where nothing happens: to look around, to learn the screens."""
        folder.mkdir(parents=True, exist_ok=True)
        database = Database(f"sqlite:///{folder / 'night.sqlite'}", WallClock())
        people = delivery.read_people(city / "people.toml")
        senders = {"simulated": delivery.SimulatedTelephone(people, 1)}
        program = assemble(database, city, Mode.SIMULATION, senders, banner="演练")
        context = web.CityContext(
            database=database,
            roster=program.roster,
            mode=Mode.SIMULATION,
            title=program.roster.city.name,
            banner="没有暴雨过程",
            folder=city,
        )
        county = program.roster.children(program.roster.city.id)[0].id
        with console(context, host, port, county, say):
            sealer = Sealer(open_key(folder / "keys"), "night")
            sources = (*program.sources, SealSource(sealer))
            pace(sources, database, WallClock(), threading.Event(), None, context.tick)


cli = typer.Typer(
    help="守夜 — 一座城市的值守：看见、判定、叫醒、应答。", no_args_is_help=True, add_completion=False
)
_assembly = Assembly()
cli.add_typer(city_app, name="city")
cli.add_typer(codec_app, name="codec")
cli.add_typer(access_app, name="access")
cli.add_typer(audit_app, name="audit")
cli.add_typer(make_db(keep_watch), name="db")
cli.command("judge")(judge_command)
cli.command("drill")(make_drill(_assembly))
cli.command("demo")(make_demo(_assembly, CITIES / "datong"))
cli.command("run")(make_run(_assembly))
cli.command("standby")(make_standby(keep_watch))
