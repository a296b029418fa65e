"""强杀值守 — the city's program in real time: fed, signed and answered over HTTP, killed, started again, checked.

What it said yes to is noted by its callers here, outside it. Whoever got no answer asks again, as a source does.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.crash.drills import CrashLost
from bench.crash.servers import Server
from bench.crash.victim import POINTS, Kill, Probe, Victim, strike
from shouye.base.access import OPERATOR, Purpose, Role, add_user, issue_key
from shouye.base.kernel import BEIJING, Database, WallClock, trusted_keys, verify

SERVING_S = 10.0
"""From the start of a process to its first page. 依据: issue 3, item 4."""

SERVING_CPU_S = 7.0
"""The same in seconds of a core, which a busy machine does not stretch; the rest of the ten is for the disk."""

PATIENCE_S = 120.0
"""After so long it is lost, on however busy a machine."""

LATE_S = 3.0
"""What was due so long ago and still waits means that the program does not keep up."""

CITY, CITY_ID = "datong", "dt"
PASSWORD = "only for this trial 1"
STATIONS = ("53486", "53487", "53488", "53490", "53573", "53582", "53590", "53594")
STEP = timedelta(minutes=5)
HISTORY_H = 8


@dataclass
class Said:
    """应允 — what the program said yes to, as its callers heard it."""

    readings: dict[tuple[str, datetime], float] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    answers: set[tuple[int, int]] = field(default_factory=set)
    offered: dict[tuple[str, datetime], float] = field(default_factory=dict)


def rain(dice: random.Random) -> list[list[tuple[str, datetime, float]]]:
    """Five-minute rain of the last hours, a batch for each instant; the last three are a downpour somewhere."""
    newest = datetime.now(BEIJING).replace(second=0, microsecond=0)
    newest -= timedelta(minutes=newest.minute % 5)
    heavy = dice.sample(STATIONS, 1)
    batches = []
    for back in range(HISTORY_H * 12, -1, -1):
        at = newest - back * STEP
        low, high = (2.0, 6.0) if back < 36 else (0.0, 0.4)
        batches.append([(one, at, round(dice.uniform(low, high) if one in heavy else 0.1, 1)) for one in STATIONS])
    return batches


class Trial:
    """一次试验 — one data folder, one port, the callers, and the program between its deaths."""

    def __init__(self, folder: Path, url: str, seed: int, server: Server | None = None) -> None:
        self.folder, self.url, self.dice, self.server = folder, url, random.Random(seed), server
        self.said = Said()
        self.batches = rain(self.dice)
        self.over = threading.Event()
        self.port = _free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.serving_s: list[float] = []
        self.serving_cpu_s: list[float] = []
        self.kills: list[Kill] = []
        self.key = self._prepare()
        self.errors: list[str] = []

    def _prepare(self) -> str:
        """The first start makes the database; then accounts that outlive every process, and a key."""
        with self.start() as victim:
            victim.stop()
        database = Database(self.url, WallClock())
        with database.begin() as tx:
            until = tx.now + timedelta(days=30)
            leader = ("dt/flood_office_director", "dt/city_leader_on_duty")
            for login, role, posts in (("leader", Role.LEADER, leader), ("duty", Role.DUTY, ("dt/city_duty",))):
                add_user(
                    tx,
                    OPERATOR,
                    login=login,
                    name=login,
                    password=PASSWORD,
                    role=role,
                    division=CITY_ID,
                    posts=posts,
                    expires_at=until,
                )
            _, token = issue_key(tx, OPERATOR, purpose=Purpose.PUSH, division=CITY_ID, days=1, feed="push")
        database.close()
        return token

    def start(self) -> Victim:
        """Started as typed; returns when it serves."""
        words = ["run", "--city", CITY, "--data", str(self.folder), "--port", str(self.port)]
        words += ["--mode", "simulation", "--database", self.url]
        victim = Victim(words, self.folder / "said")
        while True:
            if not victim.alive:
                raise CrashLost(f"没有起来，{self.told()}：\n{victim.last_words()}")
            try:
                if httpx.get(f"{self.base}/sign-in", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if victim.age_s() > PATIENCE_S:
                victim.kill()
                raise CrashLost(f"{PATIENCE_S:.0f} 秒没有开始服务，{self.told()}：\n{victim.last_words()}")
            time.sleep(0.01)
        self.serving_s.append(victim.age_s())
        self.serving_cpu_s.append(victim.cpu_s())
        return victim

    def kill_soon(self, victim: Victim) -> None:
        """At a moment, or at a point; or it is the database's server that dies, and the program goes on."""
        if self.server is not None and len(self.kills) % 3 == 1:
            self._kill_server(victim, self.server)
            return
        if self.dice.random() < 0.4:
            wait = self.dice.uniform(0.0, 2.0)
            time.sleep(wait)
            victim.kill()
            self.kills.append(Kill("time", round(wait, 3), True))
            return
        point = self.dice.choice(POINTS)
        rise = point.draw(self.dice, 0 if point.name in ("intent", "acting", "late") else 30)
        struck = strike(victim, Probe(self.url), point, rise, 3.0)
        if not struck and not victim.alive:
            raise CrashLost(f"自己停了，{self.told()}：\n{victim.last_words()}")
        victim.kill()
        self.kills.append(Kill(point.name, rise, struck))

    def _kill_server(self, victim: Victim, server: Server) -> None:
        wait = self.dice.uniform(0.0, 2.0)
        time.sleep(wait)
        server.kill()
        self.kills.append(Kill("server", round(wait, 3), True))
        time.sleep(0.3)
        server.start()
        self._heard_again(victim)

    def _heard_again(self, victim: Victim) -> None:
        """The program outlives its server: it takes readings again, or shows its pages if none are left."""
        before, end = len(self.batches), time.monotonic() + PATIENCE_S
        while victim.alive and time.monotonic() < end:
            with suppress(httpx.HTTPError):
                seen = httpx.get(f"{self.base}/sign-in", timeout=2).status_code
                if seen == 200 and (len(self.batches) < before or not self.batches):
                    return
            time.sleep(0.05)
        raise CrashLost(f"库服务器重启之后没有恢复，{self.told()}：\n{victim.last_words()}")

    def told(self) -> str:
        return f"强杀 {len(self.kills)} 次：{' '.join(map(str, self.kills))}"

    @contextmanager
    def callers(self) -> Iterator[None]:
        """A source that pushes, a leader who signs, an officer who rings people himself."""
        threads = [
            threading.Thread(target=self._until_over, args=(work,), daemon=True)
            for work in (self._push, self._sign, self._answer)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(timeout=20)

    def _until_over(self, work: Any) -> None:
        with httpx.Client(base_url=self.base, timeout=5) as client:
            while not self.over.is_set():
                try:
                    if not work(client):
                        time.sleep(0.15)
                except httpx.HTTPError:
                    time.sleep(0.05)  # it has just been killed
                except Exception as error:  # noqa: BLE001 - a caller's own fault must not look like silence
                    self.errors.append(repr(error))
                    return

    def _push(self, client: httpx.Client) -> bool:
        if not self.batches:
            return False
        batch = self.batches[0]
        rows = [
            {"station": one, "element": "rain_5min_mm", "time": at.isoformat(), "value": mm, "unit": "mm"}
            for one, at, mm in batch
        ]
        self.said.offered.update({(one, at): mm for one, at, mm in batch})
        answer = client.post(
            "/api/v1/push",
            json={"feed": "push", "readings": rows},
            headers={"Authorization": f"Bearer {self.key}"},
        )
        if answer.status_code >= 500:
            return False
        if answer.status_code != 200:
            raise CrashLost(f"推送被拒：{answer.status_code} {answer.text[:300]}")
        for (one, at, mm), row in zip(batch, answer.json()["rows"], strict=True):
            if row["standing"] not in ("accepted", "duplicate"):
                raise CrashLost(f"推送的一行没有收：{row}")
            self.said.readings[one, at] = mm
        self.batches.pop(0)
        time.sleep(0.04)
        return True

    def _sign(self, client: httpx.Client) -> bool:
        if (token := _known(client, "leader")) is None:
            return False
        found = client.get("/api/v1/proposals")
        if found.status_code != 200:
            client.cookies.clear()
            return False
        for draft in found.json():
            signed = client.post(
                f"/api/v1/proposals/{draft['id']}/sign",
                json={"seen": draft["seen"]},
                headers={"X-CSRF-Token": token},
            )
            if signed.status_code == 200:
                self.said.signed |= {one["number"] for one in signed.json()}
        return False

    def _answer(self, client: httpx.Client) -> bool:
        if (token := _known(client, "duty")) is None:
            return False
        notices = client.get("/api/v1/notices")
        if notices.status_code != 200:
            client.cookies.clear()
            return False
        for notice in notices.json():
            calls = client.get(f"/api/v1/notices/{notice['id']}/calls")
            if calls.status_code != 200:
                continue
            waiting = [one for one in calls.json()["obligations"] if one["state"] == "waiting" and one["primary"]]
            for one in waiting[-2:]:
                told = client.post(
                    f"/api/v1/notices/{notice['id']}/answers",
                    json={"person": one["primary"], "receipt": "confirmed"},
                    headers={"X-CSRF-Token": token},
                )
                if told.status_code == 200:
                    self.said.answers.add((notice["id"], one["primary"]))
        return False

    def audit(self) -> None:
        """The chain as far as it is sealed, after each start."""
        database = Database(self.url, WallClock())
        try:
            with database.read() as tx:
                verdict = verify(tx, trusted_keys(self.folder / "keys"))
        finally:
            database.close()
        if not verdict.intact:
            raise CrashLost(f"封存链不成立，{self.told()}：{verdict.flaws[:3]}")

    def settle(self, limit_s: float = PATIENCE_S) -> None:
        """Until everything offered was taken, and nothing that was due some seconds ago still waits."""
        waits = (
            "SELECT (SELECT count(*) FROM job WHERE ended_at IS NULL AND due_at < {0})"
            " + (SELECT count(*) FROM reply WHERE at < {0})"
            " + (SELECT count(*) FROM attempt WHERE state = 'intent' AND opened_at < {0})"
            " + (SELECT count(*) FROM fact WHERE at < {0} AND id NOT IN (SELECT fact FROM seal))"
        )
        probe, end = Probe(self.url), time.monotonic() + limit_s
        while True:
            if self.errors:
                raise CrashLost("；".join(self.errors))
            ago_ms = int((time.time() - LATE_S) * 1000)
            left = probe.value(waits.format(ago_ms))
            if not self.batches and left == 0:
                probe.close()
                return
            if time.monotonic() > end:
                told = f"还有 {len(self.batches)} 批未推，{left} 件待办"
                raise CrashLost(f"没有安静下来，{self.told()}：{told}")
            time.sleep(0.3)


def _known(client: httpx.Client, login: str) -> str | None:
    """The form token of a session; signs in where there is none. Sessions outlive the process."""
    me = client.get("/api/v1/me")
    if me.status_code != 200:
        page = client.get("/sign-in")
        if page.status_code != 200:
            return None
        token = page.text.split('name="csrf" value="')[1].split('"')[0]
        client.post("/sign-in", data={"login": login, "password": PASSWORD, "csrf": token})
        me = client.get("/api/v1/me")
    return str(me.json()["form_token"]) if me.status_code == 200 else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def watch_and_kill(folder: Path, url: str, seed: int, kills: int, server: Server | None = None) -> Trial:
    """One city, killed so often; everything is checked at the end, the chain after each start."""
    from bench.crash.checks import check

    trial = Trial(folder, url, seed, server)
    with trial.callers():
        for _ in range(kills):
            with trial.start() as victim:
                trial.audit()
                trial.kill_soon(victim)
        with trial.start() as victim:
            trial.audit()
            trial.settle()
            trial.over.set()
            if victim.stop() != 0:
                raise CrashLost(f"没有好好停下：\n{victim.last_words()}")
    check(trial)
    return trial
