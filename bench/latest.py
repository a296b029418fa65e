"""最新值 — `python -m bench.latest`: the latest value of 600 series over HTTP, at 1.2 million observations.

The product's own store and JSON interface, on SQLite or PostgreSQL (--postgresql), behind a real server in a
thread of this process; a client of another process asks again and again, then right after each of a row of
corrections, and checks that it is the corrected value that it was given. With `--peer PYTHON` a
django-ogc-sensorthings of that other environment holds as many observations of as many series on a PostgreSQL
beside it and is asked for the same thing, in every way in which it can be asked.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console

from bench import machine
from bench.live import gauges
from bench.night import DATONG
from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.base.kernel import BEIJING, Database, Mode, SimClock
from shouye.doors import web
from shouye.main import open_city
from shouye.watch import observe
from shouye.watch.observe import Reading
from tests.servers import Postgres, postgres

START = datetime(2026, 7, 1, tzinfo=BEIJING)
STEP = timedelta(minutes=5)
WITHIN_MS = 100
"""Target, 95th percentile."""

ASK = """
import json, sys, time, urllib.error, urllib.request
url, headers, times = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
for line in sys.stdin:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=300) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = json.dumps({"status": error.code}).encode()
        took.append((time.perf_counter() - begun) * 1000)
    print(json.dumps({"took": took, "body": body.decode()}), flush=True)
"""


def value(series: int, number: int) -> float:
    """Like rain: mostly nothing, never the same for long."""
    return float((series * 31 + number * 17) % 90) / 10 if (series + number // 12) % 5 == 0 else 0.0


class Asker:
    """A client in a process of its own, so that it takes no time from the server's."""

    def __init__(self, url: str, headers: dict[str, str], times: int = 1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ASK, url, json.dumps(headers), str(times)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> tuple[list[float], Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return said["took"], json.loads(said["body"])

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


def fill(database: Database, series: int, each: int) -> None:
    """Stored as the product stores: checked, flagged, the latest kept beside."""
    clock = database.clock
    assert isinstance(clock, SimClock)
    for first in range(0, each, 40):
        last = min(each, first + 40)
        clock.move_to(START + (last + 1) * STEP)
        with database.begin() as tx:
            observe.store_batch(
                tx,
                [
                    Reading(f"s{one:05}", "rain_mm", START + (number + 1) * STEP, value(one, number), STEP)
                    for number in range(first, last)
                    for one in range(series)
                ],
            )


def ours(database: Database, series: int, each: int, rounds: int, keys: Path, say: Any) -> dict[str, Any]:
    program = open_city(database, DATONG, Mode.SIMULATION, {}, "演练", gauges(DATONG, series), keys)
    begun = time.perf_counter()
    fill(database, series, each)
    took = time.perf_counter() - begun
    say(f"ours: {series * each:,} observations stored in {took:.0f} s")
    with database.begin() as tx:
        _, token = issue_key(tx, OPERATOR, purpose=Purpose.READ, division=program.roster.city.id, days=1)
    city = web.CityContext(database, program.roster, Mode.SIMULATION, "bench", folder=DATONG)
    with serving(web.create_app(city)) as url:
        asker = Asker(f"{url}/api/v1/latest", {"Authorization": f"Bearer {token}"}, 20)
        _, body = asker.ask()
        assert len(body) == series, len(body)
        steady = [one for _ in range(rounds // 20) for one in asker.ask()[0]]
        asker.close()
        asker = Asker(f"{url}/api/v1/latest", {"Authorization": f"Bearer {token}"})
        asker.ask()
        corrected, newest = [], START + each * STEP
        for number in range(rounds // 4):
            name, said = f"s{number % series:05}", round(1 + number % 50 / 10, 1)
            with database.begin() as tx:
                observe.store_batch(tx, [Reading(name, "rain_mm", newest, said, STEP, 1 + number)])
            waits, body = asker.ask()
            corrected += waits
            (shown,) = [one for one in body if one["station"] == name]
            assert shown["value"] == said, (shown, said)
        asker.close()
    return {
        "stored_per_s": series * each / took,
        "steady": spread(steady),
        "after_a_correction": spread(corrected),
    }


def spread(waits: list[float]) -> dict[str, float]:
    found = sorted(waits)
    return {"asked": len(found), "p50_ms": found[len(found) // 2], "p95_ms": found[len(found) * 95 // 100]}


def peer(python: Path, server: Postgres, series: int, each: int, rounds: int) -> dict[str, Any]:
    """The same readings in django-ogc-sensorthings, asked as its own interface allows."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(__file__).parent / "latest_peer.py"
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        name = server.make()
        words = [folder, str(server.folder), str(server.port), name, str(port), str(series), str(each)]
        process = subprocess.Popen([str(python), str(script), *words], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            found: dict[str, Any] = {"versions": ready["versions"], "ways": {}}
            for way, path in ready["ways"].items():
                asker = Asker(f"http://127.0.0.1:{port}{path}", {})
                try:
                    _, body = asker.ask()
                    if len(body.get("value", ())) != series:
                        refused = {"status": body["status"]} if "status" in body else {"got": len(body["value"])}
                        found["ways"][way] = refused
                        continue
                    found["ways"][way] = spread([one for _ in range(rounds) for one in asker.ask()[0]])
                finally:
                    asker.close()
            return found
        finally:
            process.terminate()
            process.wait()


def measure(
    series: int, each: int, rounds: int, on_postgresql: bool, peer_python: Path | None, say: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "machine": machine.machine(),
        "workload": f"latest of {series} series at {series * each:,} observations, JSON over HTTP on loopback",
        "database": "postgresql" if on_postgresql else "sqlite",
    }
    with ExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory())
        server = parts.enter_context(postgres()) if on_postgresql or peer_python else None
        url = f"sqlite:///{Path(folder) / 'latest.db'}"
        if on_postgresql and server is not None:
            url = server.url(server.make())
        database = Database(url, SimClock(START))
        found["ours"] = ours(database, series, each, rounds, Path(folder), say)
        database.close()
        if peer_python is not None and server is not None:
            found["django_ogc_sensorthings"] = peer(peer_python, server, series, each, max(3, rounds // 40))
            ways = [one["p95_ms"] for one in found["django_ogc_sensorthings"]["ways"].values() if "p95_ms" in one]
            if ways:
                found["times_faster_p95"] = min(ways) / found["ours"]["steady"]["p95_ms"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=600)
    parser.add_argument("--each", type=int, default=2_000, help="observations a series")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true", help="ours on PostgreSQL, too")
    parser.add_argument("--peer", type=Path, help="the Python of an environment with django-ogc-sensorthings")
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-latest.json")
    wanted = parser.parse_args()
    console = Console(width=110)
    found = measure(
        wanted.series, wanted.each, wanted.rounds, wanted.postgresql, wanted.peer, lambda line: console.print(line)
    )
    console.print_json(json.dumps(found, ensure_ascii=False))
    worst = max(found["ours"][kind]["p95_ms"] for kind in ("steady", "after_a_correction"))
    verdict = "met" if worst <= WITHIN_MS else "NOT met"
    console.print(f"target: p95 <= {WITHIN_MS} ms, also right after a correction: {verdict}")
    if wanted.keep:
        print(machine.keep("latest", found))


if __name__ == "__main__":
    main()
