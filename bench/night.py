"""一夜 — what the live benches share: a city of any size, a telephone that takes notes, a served console."""

from __future__ import annotations

import csv
import heapq
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from bench.machine import percentiles
from shouye.base import access
from shouye.base.access import OPERATOR, Role, steady_now
from shouye.base.delivery import Attempt, Receipt, Reply, SimulatedTelephone, read_people
from shouye.base.kernel import BEIJING, Clock, Database, Mode
from shouye.base.roster import DivisionLevel, Roster
from shouye.doors.web import CityContext, create_app
from shouye.main import CITIES

DATONG = CITIES / "datong"
START = datetime(2026, 7, 20, 23, tzinfo=BEIJING)
"""At night every answer is due within five minutes."""
MORE_POSTS = "village_grid_head,village,village,网格长,村民委员会,入户叫醒,3,township_duty,pair,invented"
"""The real list of Datong gives 4,103 posts; with this invented one for its villages a notice can oblige 5,475."""


def make_city(folder: Path, copies: int) -> Path:
    """The folder of Datong with one more post for each village and with `copies` of every county."""
    city = Path(shutil.copytree(DATONG, folder / "city", ignore=shutil.ignore_patterns("scenarios")))
    with (city / "posts.csv").open("a", encoding="utf-8") as file:
        file.write(MORE_POSTS + "\n")
    with (city / "divisions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with (city / "divisions.csv").open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        for number in range(1, copies):
            for row in rows:
                if row["level"] != "city":
                    above = row["parent"] if row["level"] == "county" else f"{row['parent']}-x{number}"
                    names = {key: f"{row[key] or row['name']}{number}" for key in ("name", "short")}
                    writer.writerow({**row, **names, "id": f"{row['id']}-x{number}", "parent": above})
    return city


def places(roster: Roster, obligations: int) -> tuple[str, tuple[str, ...]]:
    """A county, and as many townships of the whole city as a notice for so many obligations names."""
    county = roster.children(roster.city.id)[0].id
    found: list[str] = []
    count = len(roster.posts_of(roster.city.id)) + len(roster.posts_of(county))
    for township in roster.descendants(roster.city.id, DivisionLevel.TOWNSHIP):
        if count >= obligations:
            break
        inside = (township, *roster.descendants(township.id, DivisionLevel.VILLAGE))
        count += sum(len(roster.posts_of(place.id)) for place in inside)
        found.append(township.id)
    return county, tuple(found)


@dataclass
class Telephone:
    """模拟电话并记时 — with `lines`, calls queue for them as at a gateway; None: as many as it takes."""

    clock: Clock
    speed: float
    lines: int | None = None
    phone: SimulatedTelephone = field(
        default_factory=lambda: SimulatedTelephone(read_people(DATONG / "people.toml"), 1)
    )
    rung: dict[int, float] = field(default_factory=dict)
    """Attempt -> the real instant at which its telephone began to ring."""
    sent: dict[int, Attempt] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    _free: list[datetime] = field(default_factory=list)

    def send(self, attempts: Sequence[Attempt], now: datetime) -> list[Reply]:
        handed = time.perf_counter()
        found: list[Reply] = []
        for attempt in attempts:
            replies = self.phone.send([attempt], now)
            begins = now
            if self.lines is not None and not attempt.body.get("message"):
                begins = max(now, heapq.heappop(self._free)) if len(self._free) >= self.lines else now
                heapq.heappush(self._free, replies[0].at + (begins - now))
            self.sent[attempt.id] = attempt
            self.rung[attempt.id] = handed + (begins - now).total_seconds() / self.speed
            found += [Reply(one.attempt, one.at + (begins - now), one.receipt, one.value) for one in replies]
        self.replies += found
        return found

    def reached(self) -> dict[int, datetime]:
        """Whom a call reached, and when we heard so first."""
        found: dict[int, datetime] = {}
        for reply in sorted(self.replies, key=lambda one: one.at):
            attempt = self.sent[reply.attempt]
            heard = reply.receipt in (Receipt.CONFIRMED, Receipt.HEARD, Receipt.DECLINED)
            if attempt.purpose == "call" and heard and reply.at <= self.clock.now():
                found.setdefault(attempt.person, reply.at)
        return found


@dataclass(frozen=True)
class Console:
    """A console that is served, and the key of one who may look at all of it."""

    context: CityContext
    url: str
    token: str


@contextmanager
def console(database: Database, roster: Roster) -> Iterator[Console]:
    """Served by a thread of this process, as `shouye run` does."""
    context = CityContext(database, roster, Mode.SIMULATION, roster.city.name, "测速")
    with database.begin() as tx:
        until = steady_now() + timedelta(days=1)
        word = "a word for this bench"
        access.add_user(
            tx,
            OPERATOR,
            login="bench",
            name="测速",
            password=word,
            role=Role.VIEWER,
            division=roster.city.id,
            expires_at=until,
        )
        token = access.sign_in(tx, access.check_password(tx, access.SignInGate(), "bench", word, "here"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(create_app(context), log_level="warning", timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Console(context, f"http://127.0.0.1:{listener.getsockname()[1]}", token)
        finally:
            context.tick.close()
            server.should_exit = True
            thread.join(timeout=10)


@contextmanager
def screens(served: Console, count: int, found: dict[str, Any]) -> Iterator[None]:
    """Another process that looks: `count` screens, each with its stream; what they met is put into `found`."""
    if not count:
        yield
        return
    words = ["-m", "bench.screens", served.url, served.context.cookie, served.token, str(count)]
    looking = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert looking.stdin is not None
    assert looking.stdout is not None
    looking.stdout.readline()  # every screen is open
    try:
        yield
    finally:
        looking.stdin.close()
        kind, *waits = looking.stdout.read().split()
        looking.wait()
        found["screens"] = kind
        found["pages_fetched"] = len(waits)
        found |= {f"page_{name}_ms": value for name, value in percentiles(map(float, waits)).items()}
