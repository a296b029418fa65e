"""叫应负载 — `python -m bench.obligations`: thousands of obligations opened at once by one notice.

The whole program at work, durable: a notice is signed, every post it obliges is called, ladders climb, people
answer, the notice is withdrawn after ten minutes of the drill's clock. Screens of another process look on. The
drill's clock runs `--speed` times as fast as the real one, so answers and steps come that much denser; seconds
printed are real ones. People, their answers and the lines are simulated.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import create_engine, select

from bench import machine
from bench.night import START, Telephone, console, make_city, places, screens
from shouye.base.access import WHOLE, Actor, named
from shouye.base.delivery.store import attempt_table
from shouye.base.kernel import (
    AT_ONCE,
    Database,
    JobSource,
    Mode,
    PacedClock,
    SimClock,
    Tx,
    next_due,
    pace,
    run_due,
)
from shouye.base.kernel.vault import KEY_SETTING
from shouye.base.tasks import LadderClock
from shouye.base.tasks.store import task_table
from shouye.doors.web.assets.build import build
from shouye.during import call, warn
from shouye.during.call.store import obligation_table
from shouye.during.warn.service import Ground, propose
from shouye.main import Program, assemble
from tests.servers import OWNER, as_owner, initialise, start

WITHDRAWN_AFTER = timedelta(minutes=10)
"""Every step of the ladder has been climbed by then."""
FIRST_S, ALL_S, LATE_S, CANCEL_S = 5.0, 30.0, 2.0, 60.0
"""Targets."""


def sign(tx: Tx, program: Program, obligations: int) -> int:
    """One notice that obliges so many posts."""
    county, divisions = places(program.roster, obligations)
    ground = Ground("rainstorm", "暴雨", county, "RED", divisions, "3小时100毫米（虚构）", (), tx.now, tx.now)
    draft = propose(tx, warn.Act.ISSUE, ground)
    return warn.approve(tx, _signer(tx), draft).id


def _signer(tx: Tx) -> Actor:
    return named(tx.of(warn.WarnPolicy).approvers[0])


@dataclass
class TimedLadder:
    """The ladder's clock, and how late in real seconds each step was committed."""

    speed: float
    ladder: LadderClock = field(default_factory=LadderClock)
    late_s: list[float] = field(default_factory=list)

    def next_at(self, tx: Tx) -> datetime | None:
        return self.ladder.next_at(tx)

    def run_due(self, database: Database) -> int:
        steps = select(task_table.c.next_at, task_table.c.kind, task_table.c.taken)
        with database.read() as tx:
            waiting = steps.where(task_table.c.next_at <= tx.now).order_by(task_table.c.next_at, task_table.c.id)
            due = tx.run(waiting.limit(AT_ONCE)).all()
        climbed = self.ladder.run_due(database)
        now = database.clock.now()
        late = [now - at for at, kind, taken in due[:climbed] if kind == "call" and taken]
        self.late_s += [one.total_seconds() / self.speed for one in late]
        return climbed


@contextmanager
def program(url: str, city: Path, phone: Telephone) -> Iterator[Program]:
    database = Database(url, SimClock(START))
    try:
        yield assemble(database, city, Mode.SIMULATION, {"simulated": phone}, "演练")
    finally:
        database.close()


def opening(url: str, city: Path, obligations: int) -> dict[str, Any]:
    """Nothing else at work: the rate of opening them, and of the same rows put into bare tables."""
    with program(url, city, Telephone(SimClock(START), 1)) as house:
        database = house.database
        with database.begin() as tx:
            sign(tx, house, obligations)
        begun = time.perf_counter()
        while run_due(database):
            pass
        opened = time.perf_counter() - begun
        ladder = LadderClock()
        begun = time.perf_counter()
        ladder.run_due(database)
        intended = time.perf_counter() - begun
        with database.read() as tx:
            count = call.balance(tx, WHOLE).opened
        tables = [bare_inserts(database, table.name) for table in (task_table, obligation_table, attempt_table)]
        bare, rings = tables[0] + tables[1], tables[2]
    return {
        "obligations": count,
        "opened_per_s": count / opened,
        "bare_rows_per_s": count / bare,
        "opening_share_of_bare_inserts": bare / opened,
        "opened_and_intended_per_s": count / (opened + intended),
        "with_intents_share_of_bare_inserts": (bare + rings) / (opened + intended),
    }


def bare_inserts(database: Database, name: str) -> float:
    """Seconds to put the rows of a table into an empty one without indexes, one durable transaction."""
    if database.engine.dialect.name == "sqlite":
        path = database.engine.url.database
        with closing(sqlite3.connect(str(path))) as source:
            rows = source.execute(f'SELECT * FROM "{name}"').fetchall()
            columns = [row[1] for row in source.execute(f'PRAGMA table_info("{name}")')]
        with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "bare.db")) as bare:
            bare.execute("PRAGMA journal_mode=WAL")
            bare.execute("PRAGMA synchronous=FULL")
            bare.execute(f"CREATE TABLE t ({', '.join(f'c{i}' for i in range(len(columns)))})")
            begun = time.perf_counter()
            bare.executemany(f"INSERT INTO t VALUES ({','.join('?' * len(columns))})", rows)
            bare.commit()
            return time.perf_counter() - begun
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        rows = raw.execute(f'SELECT * FROM "{name}"').fetchall()
        raw.execute(f'CREATE TABLE bare_{name} AS SELECT * FROM "{name}" WHERE false')
        raw.commit()
        with raw.cursor() as cursor:
            begun = time.perf_counter()
            cursor.executemany(f"INSERT INTO bare_{name} VALUES ({','.join(['%s'] * len(rows[0]))})", rows)
            raw.commit()
            return time.perf_counter() - begun


def live(url: str, city: Path, obligations: int, speed: float, lines: int | None, looking: int) -> dict[str, Any]:
    """One notice, live: from its signature until everybody concerned has heard that it is withdrawn."""
    phone = Telephone(SimClock(START), speed, lines)
    with program(url, city, phone) as house, console(house.database, house.roster) as served:
        database, found = house.database, dict[str, Any]()
        clock = database.clock = phone.clock = PacedClock(START, speed)
        ladder, stop = TimedLadder(speed), threading.Event()
        sources = [JobSource(), ladder, *house.sources[2:]]
        loop = threading.Thread(
            target=pace, args=(sources, database, clock, stop), kwargs={"changed": served.context.tick}
        )
        with screens(served, looking, found):
            loop.start()
            with database.begin() as tx:
                notice = sign(tx, house, obligations)
            signed, signed_at = time.perf_counter(), clock.now()
            time.sleep(clock.seconds_until(signed_at + WITHDRAWN_AFTER))
            with database.begin() as tx:
                warn.withdraw(tx, _signer(tx), notice, "测速：撤回")
            withdrawn, withdrawn_at = time.perf_counter(), clock.now()
            _quiet(database)
            stop.set()
            loop.join()
        with database.read() as tx:
            mine = call.obligations(tx, WHOLE, notice)
            balance = call.balance(tx, WHOLE, notice)
    called = {number: one for number, one in phone.sent.items() if one.purpose == "call"}
    first: dict[int, float] = {}
    for number, one in called.items():
        first[one.person] = min(phone.rung[number], first.get(one.person, phone.rung[number]))
    waits = sorted(first[item.primary] - signed for item in mine if item.primary in first)
    before = [wait for wait in waits if wait <= withdrawn - signed]
    told = {
        one.person: phone.rung[number]
        for number, one in phone.sent.items()
        if one.purpose == "tell" and "已撤回" in one.body["text"]
    }
    reached = phone.reached()
    superiors = {
        one.person for one in phone.sent.values() if one.purpose == "tell" and "已撤回" not in one.body["text"]
    }
    heard_s = {person: max(0.0, (at - withdrawn_at).total_seconds() / speed) for person, at in reached.items()}
    words = [at - withdrawn - heard_s.get(person, 0.0) for person, at in told.items()]
    return found | {
        "lines": lines or "as many as it takes",
        "speed": speed,
        "obligations": balance.opened,
        "persons_called": len(first),
        "balance_holds": balance.holds and balance.open == 0,
        "first_attempt_s": waits[0],
        "all_attempted_s": before[-1],
        "attempted_within_30s": sum(wait <= ALL_S for wait in waits) / len(mine),
        "attempted_before_withdrawal": len(before) / len(mine),
        **{f"step_late_{name}_s": value for name, value in machine.percentiles(ladder.late_s).items()},
        "steps_climbed": len(ladder.late_s),
        "reached": len(reached),
        "told_of_withdrawal": len(told),
        "reached_but_not_told": len((reached.keys() | superiors) - told.keys()),
        "told_but_not_reached": len(told.keys() - reached.keys() - superiors),
        "told_exactly_those_reached": told.keys() == reached.keys() | superiors,
        "cancel_last_told_s": max(words),
    }


def _quiet(database: Database) -> None:
    """Until nobody is on the line any more and every word has gone out."""
    open_ones = select(attempt_table.c.id).where(attempt_table.c.state != "closed").limit(1)
    while True:
        time.sleep(0.2)
        with database.read() as tx:
            upcoming = next_due(tx)
            if tx.run(open_ones).first() is None and (upcoming is None or upcoming > tx.now):
                return


@contextmanager
def databases(kind: str) -> Iterator[Any]:
    """Addresses of empty durable databases, one after another."""
    with tempfile.TemporaryDirectory(prefix="shouye-bench-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield lambda number: f"sqlite:///{folder / f'{number}.db'}"
            return
        if OWNER:
            shutil.chown(folder, OWNER, OWNER)
        data = folder / "data"
        initialise(data)
        settings = {"listen_addresses": "''", "unix_socket_directories": f"'{folder}'", "port": "5432"}
        start(data, folder / "log", settings)
        os.environ.setdefault(KEY_SETTING, str(folder / "contacts.key"))
        address = f"postgresql://shouye@/{{}}?host={folder}&port=5432"

        def fresh(number: int) -> str:
            engine = create_engine(
                address.format("postgres").replace(":", "+psycopg:", 1), isolation_level="AUTOCOMMIT"
            )
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE b{number}")
            engine.dispose()
            return address.format(f"b{number}")

        try:
            yield fresh
        finally:
            as_owner("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate", "--pgdata", data)


def measure(kind: str, obligations: int, speed: float, lines: list[int | None], looking: int) -> dict[str, Any]:
    build()
    with tempfile.TemporaryDirectory() as folder, databases(kind) as fresh:
        city = make_city(Path(folder), copies=-(-obligations // 5_400))
        found: dict[str, Any] = {"machine": machine.machine(), "database": kind}
        found["opening"] = opening(fresh(0), city, obligations)
        for number, some in enumerate(lines, start=1):
            name = "live" if some is None else f"live_{some}_lines"
            found[name] = live(fresh(number), city, obligations, speed, some, looking)
        return found


def show(found: dict[str, Any]) -> None:
    out = Console(width=110)
    out.print(found["machine"], found["database"])
    for name, part in found.items():
        if name in ("machine", "database"):
            continue
        out.print(f"\n{name}", style="bold")
        for key, value in part.items():
            out.print(f"  {key}: {value:,.3f}" if isinstance(value, float) else f"  {key}: {value}")
        if name == "opening":
            continue
        held = {
            f"first attempt <= {FIRST_S:g} s": part["first_attempt_s"] <= FIRST_S,
            f"steps late p99 <= {LATE_S:g} s": part["step_late_p99_s"] <= LATE_S,
            "withdrawal told to exactly those reached": part["told_exactly_those_reached"],
            f"within {CANCEL_S:g} s": part["cancel_last_told_s"] <= CANCEL_S,
        }
        if name == "live":
            held[f"all attempted within {ALL_S:g} s"] = part["all_attempted_s"] <= ALL_S
        for target, met in held.items():
            out.print(f"  target: {target}: {'met' if met else 'NOT met'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--obligations", type=int, default=5_060)
    parser.add_argument("--speed", type=float, default=10.0, help="1 is the real clock: ten minutes a run")
    parser.add_argument("--lines", type=int, default=300, help="lines of a second run; 0: one run only")
    parser.add_argument("--screens", type=int, default=3, help="0: nobody looks")
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-obligations-….json")
    wanted = parser.parse_args()
    lines = [None, wanted.lines] if wanted.lines else [None]
    found = measure(wanted.database, wanted.obligations, wanted.speed, lines, wanted.screens)
    show(found)
    if wanted.keep:
        print(machine.keep(f"obligations-{wanted.database}", found))


if __name__ == "__main__":
    main()
