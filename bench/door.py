"""被测的一方 — the whole program with many gauges, in a process of its own: `python -m bench.door FOLDER GAUGES`.

Prints where it listens, then answers each line of its input with what it has stored, whether the judge has caught
up and the processor time it has used; ends when its input ends.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from shouye import main
from shouye.base import delivery, roster
from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.base.kernel import Database, Mode, WallClock, dead_jobs, next_due, pace
from shouye.doors import web
from shouye.watch import tally
from shouye.watch.feeds import ElementRule, Feed, Reception

CITY = main.CITIES / "datong"


def feeds_of(gauges: int) -> dict[str, Feed]:
    """One feed pushed by HTTP, one of SL 651 over TCP, each with gauges of its own."""
    rain = {"rain_5min_mm": ElementRule("rain_mm", "", timedelta(minutes=5))}
    push = {f"s{number:05}": f"s{number:05}" for number in range(gauges)}
    line = {f"00{number:08}": f"t{number:05}" for number in range(gauges)}
    bounds = {"port": 0, "most_messages_per_s": 1_000_000}

    def feed(name: str, codec: str, transport: str, stations: dict[str, str], options: dict[str, int]) -> Feed:
        return Feed(
            name,
            term="测速",
            owner="测速",
            codec_name=codec,
            transport=transport,
            meaning="测速",
            interval=timedelta(minutes=5),
            stations=stations,
            elements=rain,
            options=options,
        )

    return {
        "push": feed("push", "json_rows", "http", push, {}),
        "line": feed("line", "sl651", "tcp", line, bounds),
    }


def stations_of(gauges: int) -> tuple[roster.Station, ...]:
    counties = [f"dt-c{number:02}" for number in range(1, 11)]
    return tuple(
        roster.Station(f"{kind}{number:05}", f"{kind}{number}", 0, 0, None, counties[number % 10], "rain")
        for kind in "st"
        for number in range(gauges)
    )


def serve(folder: Path, gauges: int) -> None:
    database = Database(f"sqlite:///{folder / 'bench.sqlite'}", WallClock())
    phone = delivery.SimulatedTelephone(delivery.read_people(CITY / "people.toml"), 1)
    program = main.open_city(database, CITY, Mode.SIMULATION, {"simulated": phone}, "测速", stations_of(gauges))
    desk = Reception(database, feeds_of(gauges))
    city = program.roster.city
    context = web.CityContext(
        database=database,
        roster=program.roster,
        mode=Mode.SIMULATION,
        title=city.name,
        folder=CITY,
        reception=desk,
    )
    with database.begin() as tx:
        _, key = issue_key(tx, OPERATOR, purpose=Purpose.PUSH, division=city.id, days=1, feed="push")
    stop, said = threading.Event(), list[str]()
    with desk.running(), web.console(context, "127.0.0.1", 0, f"{city.id}-c01", said.append):
        on_duty = main.go_on_duty(program)
        work = (on_duty.sources, database, WallClock(), stop, None, context.tick)
        judge = threading.Thread(target=pace, args=work, daemon=True)
        judge.start()
        while "line" not in desk.ports:
            time.sleep(0.01)
        page = next(line for line in said if "http://" in line).split("http://")[1].split("/")[0]
        print(json.dumps({"page": page, "line": desk.ports["line"], "key": key}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(_state(database)), flush=True)
        stop.set()
        database.bell.ring()
        judge.join(10)


def _state(database: Database) -> dict[str, float]:
    with database.read() as tx:
        counts = Counter[str]()
        for one in tally.counts(tx):
            counts[one.what] += one.count
        due = next_due(tx)
        waiting = float(due is not None and due <= tx.now)
        dead = len(dead_jobs(tx))
    return {
        "accepted": counts["accepted"],
        "refused": counts["refused"],
        "judge_behind": waiting,
        "dead": dead,
        "core_s": time.process_time(),
    }


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
