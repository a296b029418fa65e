"""Restarted under load: no acknowledged reading is lost, none is invented; ten thousand callers block nobody."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.base.kernel import BEIJING, Database, SimClock, WallClock
from shouye.watch import feeds, observe
from shouye.watch.intake import Decoded, codec_of
from tests.programs import program
from tests.servers import OWNER, POSTGRES_SETTINGS, as_owner, initialise, start
from tests.watch.feeds.town import NOW, hydrology, report, town, wait_for

CODEC = codec_of("sl651")


class Sender:
    """A device that sends a report, waits for its acknowledgement, and sends it again when there is none."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port
        self._over = threading.Event()
        self.sent: list[float] = []
        self.acknowledged: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port()), timeout=2) as line:
                    while not self._over.is_set():
                        self.sent.append(number / 10)
                        line.sendall(report(number % 60, f"{number / 10:.1f}", serial=number % 60_000 + 1))
                        told = line.recv(4096)
                        if not told:
                            break
                        assert isinstance(CODEC.decode(told), Decoded)
                        self.acknowledged.append(number / 10)
                        number += 1
                        time.sleep(0.002)
            except OSError:
                time.sleep(0.02)

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)


@pytest.fixture
def cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL of this test's own, and what kills it and starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="shouye-pg-"))
    if OWNER:
        shutil.chown(folder, OWNER, OWNER)
    data = folder / "data"
    initialise(data)
    settings = {**POSTGRES_SETTINGS, "fsync": "on", "unix_socket_directories": f"'{folder}'", "port": "5432"}
    start(data, folder / "log", settings)

    def again() -> None:
        as_owner("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate", "--pgdata", data)
        start(data, folder / "log", settings)

    try:
        yield f"postgresql://shouye@/postgres?host={folder}&port=5432", again
    finally:
        as_owner("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate", "--pgdata", data)
        shutil.rmtree(folder)


def test_postgresql_is_killed_under_load(cluster: tuple[str, Callable[[], None]]) -> None:
    url, again = cluster
    database = town(url, durable=True)
    feed = hydrology()
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        sender = Sender(lambda: port)
        for _ in range(2):
            time.sleep(0.5)
            again()
        before = len(sender.acknowledged)
        wait_for(lambda: len(sender.acknowledged) > before + 5, 20)
        sender.end()
    _check(database, sender)


def _check(database: Database, sender: Sender) -> None:
    """Of each instant the largest acknowledged value stands: nothing less, and nothing that was not sent."""
    with database.read() as tx:
        stored = {one.time.minute: one.value for one in observe.history(tx, ["53487"], "rain_mm")}
    assert sender.acknowledged
    for value in sender.acknowledged:
        standing = stored[round(value * 10) % 60]
        assert standing is not None
        assert standing >= value
    assert set(stored.values()) <= set(sender.sent)


def test_we_are_killed_under_load(tmp_path: Path) -> None:
    """kill -9 in the middle of pushing, twice; what was answered stands in the database."""
    data, sent, told = tmp_path / "data", list[str](), list[str]()
    words = ("run", "--data", str(data), "--port", "0")
    key, begun = "", WallClock().now().astimezone(BEIJING).replace(microsecond=0) - timedelta(days=1)
    for _ in range(2):
        with program(*words) as running:
            address = running.wait_for(r"控制台：(http://\S+/)").group(1)
            if not key:
                key = _key(f"sqlite:///{data / 'shouye.sqlite'}")
            stop = threading.Event()
            pusher = threading.Thread(target=_push_on, args=(address, key, begun, sent, told, stop))
            pusher.start()
            _until(told, len(told) + 20)
            running.kill()
            stop.set()
            pusher.join(10)
    database = Database(f"sqlite:///{data / 'shouye.sqlite'}", SimClock(NOW))
    with database.read() as tx:
        stored = {one.time.isoformat() for one in observe.history(tx, ["53594"], "rain_mm")}
    database.close()
    assert set(told) <= stored <= set(sent)


def _until(told: list[str], many: int) -> None:
    wait_for(lambda: len(told) >= many, 20)


def _key(url: str) -> str:
    database = Database(url, WallClock())
    with database.begin() as tx:
        _, key = issue_key(tx, OPERATOR, purpose=Purpose.PUSH, division="dt", days=1, feed="push")
    database.close()
    return key


def _push_on(
    address: str, key: str, begun: datetime, sent: list[str], told: list[str], stop: threading.Event
) -> None:
    while not stop.is_set():
        at = (begun + timedelta(seconds=len(sent))).isoformat()
        sent.append(at)
        row = {"station": "53594", "element": "rain_5min_mm", "time": at, "value": 0.1, "unit": "mm"}
        asked = urllib.request.Request(
            f"{address}api/v1/push", json.dumps([row]).encode(), {"Authorization": f"Bearer {key}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert json.load(answer)["accepted"] == 1
            told.append(at)
        except (OSError, urllib.error.URLError):
            return


def test_ten_thousand_callers_are_turned_away_and_block_nobody(tmp_path: Path) -> None:
    database = town(f"sqlite:///{tmp_path / 'town.db'}")
    feed = hydrology(most_connections=50, first_message_s=60)
    with feeds.reception(database, {feed.name: feed}) as desk, ExitStack() as lines:
        port = wait_for(lambda: desk.ports.get(feed.name))

        def call() -> socket.socket:
            return lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))

        good, *_mute = (call() for _ in range(50))
        good.sendall(report(0, "1.0"))
        assert good.recv(4096)
        for wave in range(20):
            with ExitStack() as crowd:
                callers = [
                    crowd.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                    for _ in range(500)
                ]
                good.sendall(report(wave, "1.0"))
                assert good.recv(4096)
                assert callers[-1].recv(1) == b""
    database.close()
