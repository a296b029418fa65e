"""真实端口上的接收 — `python -m bench.sockets`: durable before the acknowledgement, with quality and judgement.

The program runs in a process of its own (`bench.door`); here are the senders. Three loads: HTTP batches, single
HTTP reports, SL 651 frames over TCP; each beside the bare store of the same rows in the same run, cut as sent.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine
from shouye.base.kernel import BEIJING, Database, Mode, WallClock
from shouye.watch import observe
from shouye.watch.intake import Decoded, codec_of
from shouye.watch.observe import Reading
from shouye.watch.stations import watch

FIVE = timedelta(minutes=5)
TARGETS = {"http_batches_per_s": 10_000, "http_singles_per_s": 500, "sl651_frames_per_core_s": 3_000}


class Door:
    """The program under load."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        said = json.loads(self._line())
        self.page, self.port, self.key = said["page"], said["line"], said["key"]

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def state(self) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("state\n")
        self._process.stdin.flush()
        found: dict[str, float] = json.loads(self._line())
        return found

    def caught_up(self) -> float:
        """Seconds until the judge has nothing left."""
        begun = time.perf_counter()
        while self.state()["judge_behind"]:
            time.sleep(0.02)
        return time.perf_counter() - begun


@contextmanager
def door(gauges: int) -> Iterator[Door]:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "bench.door", folder, str(gauges)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield Door(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


def newest() -> datetime:
    """The last whole five minutes: readings count back from here."""
    now = WallClock().now().astimezone(BEIJING)
    return now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)


def rain(number: int) -> float:
    """Weak rain that changes: nothing to raise, much to check."""
    return (number * 7 % 13) / 10


Row = tuple[int, datetime, float]


def lanes_of(gauges: int, lanes: int, begin: int, steps: int, together: int) -> list[list[list[Row]]]:
    """For each connection its batches: its own gauges, so many instants together, from `begin` steps ago on."""
    last = newest()
    found = []
    for lane in range(lanes):
        mine = range(lane, gauges, lanes)
        instants = [(step, last - step * FIVE) for step in range(begin, begin - steps, -1)]
        parts = [instants[at : at + together] for at in range(0, steps, together)]
        found.append([[(one, at, rain(one + step)) for step, at in part for one in mine] for part in parts])
    return found


def turns(lanes: list[list[list[Row]]]) -> list[list[Row]]:
    """The batches of all connections, one of each in turn."""
    return [lane[turn] for turn in range(max(map(len, lanes))) for lane in lanes if turn < len(lane)]


def body(rows: list[Row]) -> bytes:
    said = [
        {"station": f"s{gauge:05}", "element": "rain_5min_mm", "time": at.isoformat(), "value": mm, "unit": "mm"}
        for gauge, at, mm in rows
    ]
    return json.dumps({"readings": said}).encode()


def post(door: Door, lanes: list[list[bytes]]) -> tuple[float, int]:
    """Seconds, and rows accepted, over so many connections that each wait for their answer.

    One thread that only looks who was answered: the sender is not what is measured.
    """
    head = f"POST /api/v1/push HTTP/1.1\r\nHost: {door.page}\r\nAuthorization: Bearer {door.key}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: "
    ready = [[f"{head}{len(one)}\r\n\r\n".encode() + one for one in lane] for lane in lanes]
    host, _, port = door.page.rpartition(":")
    chooser, accepted = selectors.DefaultSelector(), 0
    begun = time.perf_counter()
    for lane in ready:
        line = socket.create_connection((host, int(port)), timeout=60)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        left = list(reversed(lane))
        line.sendall(left.pop())
        chooser.register(line, selectors.EVENT_READ, [b"", left])
    while chooser.get_map():
        for key, _ in chooser.select(60):
            assert isinstance(key.fileobj, socket.socket)
            line = key.fileobj
            told = line.recv(262_144)
            assert told, "the line was closed"
            key.data[0] += told
            top, end, answer = key.data[0].partition(b"\r\n\r\n")
            if not end or len(answer) < int(top.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
                continue
            assert top.startswith(b"HTTP/1.1 200"), key.data[0][:500]
            accepted += int(answer.split(b'"accepted":')[1].split(b",")[0])
            key.data[0] = b""
            if key.data[1]:
                line.sendall(key.data[1].pop())
            else:
                chooser.unregister(line)
                line.close()
    return time.perf_counter() - begun, accepted


def frames_of(batch: list[Row]) -> bytes:
    encode = codec_of("sl651").encode
    assert encode is not None
    found = []
    for gauge, at, mm in batch:
        station = f"00{gauge:08}"
        items = [
            ["F1", "F1", station],
            ["class", "", "50"],
            ["F0", "F0", f"{at:%y%m%d%H%M}"],
            ["22", "19", f"{mm}"],
        ]
        said = {"direction": "up", "centre": 1, "password": "0000", "serial": gauge % 65_535 + 1, "items": items}
        found.append(encode(Decoded(station, "32", at, (), said)))
    return b"".join(found)


def send(port: int, lanes: list[list[tuple[bytes, int]]]) -> tuple[float, int]:
    """Seconds, and frames acknowledged: every line sends one load, waits for all its answers, then the next."""
    chooser, answered = selectors.DefaultSelector(), 0
    begun = time.perf_counter()
    for lane in lanes:
        line = socket.create_connection(("127.0.0.1", port), timeout=60)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        left = list(reversed(lane))
        data, frames = left.pop()
        line.sendall(data)
        chooser.register(line, selectors.EVENT_READ, [frames, left])
    while chooser.get_map():
        for key, _ in chooser.select(60):
            assert isinstance(key.fileobj, socket.socket)
            line = key.fileobj
            told = line.recv(262_144)
            assert told, "the line was closed"
            acks = told.count(b"\x7e\x7e")
            answered += acks
            key.data[0] -= acks
            if key.data[0] > 0:
                continue
            if key.data[1]:
                data, key.data[0] = key.data[1].pop()
                line.sendall(data)
            else:
                chooser.unregister(line)
                line.close()
    return time.perf_counter() - begun, answered


def bare(batches: list[list[Row]], gauges: int) -> float:
    """Rows a second of the store alone, durable, with its checks, cut the same way: no socket, no judge."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bare.sqlite'}", WallClock())
        database.create(Mode.SIMULATION, "bench")
        names = {f"s{gauge:05}": "county" for gauge in range(gauges)}
        with database.begin() as tx:
            watch(tx, names, ["county"])
        ready = [
            [Reading(f"s{gauge:05}", "rain_mm", at, mm, FIVE, source=f"s{gauge:05}") for gauge, at, mm in batch]
            for batch in batches
        ]
        begun = time.perf_counter()
        for batch in ready:
            with database.begin() as tx:
                observe.store_batch(tx, batch)
        took = time.perf_counter() - begun
        database.close()
    return sum(map(len, ready)) / took


def loaded(door: Door, load: Callable[[], tuple[float, int]]) -> dict[str, float]:
    """One load: its rate on the clock and by the program's processor time, and how far behind the judge was."""
    before = door.state()
    seconds, accepted = load()
    behind_s = door.caught_up()
    after = door.state()
    assert after["dead"] == 0, "a job died under load"
    stored = after["accepted"] - before["accepted"]
    assert stored == accepted, f"{accepted} were acknowledged, {stored} were stored: {before} {after}"
    core_s = after["core_s"] - before["core_s"]
    return {"per_s": accepted / seconds, "per_core_s": accepted / core_s, "judge_behind_s": behind_s}


def measure(gauges: int, steps: int) -> dict[str, Any]:
    met = lanes_of(gauges, 4, steps + 3, 1, 1)  # every gauge has been met, as in a city at work
    many = lanes_of(gauges, 4, steps + 2, steps, 4)
    few = lanes_of(gauges, gauges, 2, 1, 1)
    lines = lanes_of(gauges, max(1, gauges // 20), steps + 2, steps, 1)
    with door(gauges) as program:
        post(program, [[body(one) for one in lane] for lane in met])
        send(program.port, [[(frames_of(one), len(one)) for one in lane] for lane in met])
        program.caught_up()
        bodies = [[body(one) for one in lane] for lane in many]
        batches = loaded(program, lambda: post(program, bodies))
        reports = [[body(one) for lane in few[at::32] for one in lane] for at in range(32)]
        single = loaded(program, lambda: post(program, reports))
        loads = [[(frames_of(one), len(one)) for one in lane] for lane in lines]
        frames = loaded(program, lambda: send(program.port, loads))
    store = {
        name: bare(turns(one), gauges) for name, one in (("batches", many), ("singles", few), ("frames", lines))
    }
    return {
        "machine": machine.machine(),
        "workload": f"{gauges} gauges, 5-min rain; SQLite synchronous=FULL; one process with the console",
        "http_batches_per_s": batches["per_s"],
        "http_batches_per_core_s": batches["per_core_s"],
        "http_batches_share_of_bare_store": batches["per_s"] / store["batches"],
        "http_batches_judge_behind_s": batches["judge_behind_s"],
        "http_singles_per_s": single["per_s"],
        "http_singles_per_core_s": single["per_core_s"],
        "http_singles_share_of_bare_store": single["per_s"] / store["singles"],
        "http_singles_judge_behind_s": single["judge_behind_s"],
        "sl651_frames_per_s": frames["per_s"],
        "sl651_frames_per_core_s": frames["per_core_s"],
        "sl651_frames_share_of_bare_store": frames["per_s"] / store["frames"],
        "sl651_judge_behind_s": frames["judge_behind_s"],
        "bare_store_batches_of_1000_per_s": store["batches"],
        "bare_store_singles_per_s": store["singles"],
        "bare_store_batches_of_20_per_s": store["frames"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gauges", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--keep", action="store_true", help="write bench/results/<date>-sockets.json")
    wanted = parser.parse_args()
    found = measure(wanted.gauges, wanted.steps)
    console = Console(width=110)
    for name, value in found.items():
        console.print(f"{name}: {value:,.2f}" if isinstance(value, float) else f"{name}: {value}")
    for name, target in TARGETS.items():
        console.print(f"target: {name} >= {target:,}: {'met' if found[name] >= target else 'NOT met'}")
    if wanted.keep:
        print(machine.keep("sockets", found))


if __name__ == "__main__":
    main()
