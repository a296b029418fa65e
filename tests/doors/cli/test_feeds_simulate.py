"""`shouye feeds simulate`: every way in can be driven on loopback, and only into a drill."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from shouye.base.kernel import Database, Mode, WallClock
from shouye.doors.cli.feeds_simulate import make_simulate
from shouye.watch import feeds, tally
from tests.servers import Mosquitto
from tests.watch.feeds.town import wait_for

BLOCK = """
[[feed]]
name = "one"
term = "一"
owner = "测试"
meaning = "测试"
interval_s = 300
stations = {{ "{station}" = "53487" }}
codec = "{codec}"
transport = "{transport}"
{more}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Town:
    def __init__(self, folder: Path, mode: Mode = Mode.SIMULATION) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'town.sqlite'}"
        self.database = Database(self.url, WallClock(), durable=False)
        self.database.create(mode, "test")
        self.app = typer.Typer()
        self.app.command()(make_simulate(lambda _: folder))

    def blocks(self, codec: str, transport: str, more: str, station: str = "0014020001") -> dict[str, feeds.Feed]:
        text = BLOCK.format(codec=codec, transport=transport, more=more, station=station)
        (self.folder / "feeds.toml").write_text(text, encoding="utf-8")
        return feeds.read_feeds(self.folder / "feeds.toml")

    def simulate(self, *words: str) -> Result:
        return CliRunner().invoke(self.app, ["one", "-d", self.url, *words])

    def counted(self) -> dict[str, int]:
        with self.database.read() as tx:
            return {one.what: one.count for one in tally.counts(tx)}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.database.close()


@pytest.mark.parametrize(("codec", "station"), [("sl651", "0014020001"), ("hj212", "DT1402000000EXAMPLE00001")])
def test_devices_on_a_line(town: Town, codec: str, station: str) -> None:
    port = free_port()
    blocks = town.blocks(codec, "tcp", f"options = {{ port = {port} }}", station)
    with feeds.reception(town.database, blocks) as desk:
        wait_for(lambda: desk.ports.get("one"))
        told = town.simulate("--rate", "50", "--for", "0.2")
    assert told.output == "【演练】已送 10 条：已确认 10\n"
    assert sum(town.counted().get(what, 0) for what in ("accepted", "duplicate")) == 10


def test_a_broker(town: Town, broker: Mosquitto) -> None:
    mapping = 'rows = ".", station = "topic:2", time = "ts", time_format = "epoch_ms", "column.r" = "rain_mm mm"'
    options = f'host = "127.0.0.1", port = {broker.port}, topic = "a/+/up"'
    more = f"options = {{ {options} }}\nsettings = {{ {mapping} }}"
    blocks = town.blocks("json_rows", "mqtt", more)
    with feeds.reception(town.database, blocks):
        wait_for(lambda: "Sending SUBACK to shouye-one" in broker.log())
        assert town.simulate("--rate", "50", "--for", "0.2").output == "【演练】已送 10 条：代理已收 10\n"
        wait_for(lambda: town.counted().get("accepted"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    found = Mosquitto(tmp_path / "broker")
    found.start()
    yield found
    found.stop()


@pytest.mark.parametrize("transport", ["poll", "modbus"])
def test_what_is_asked_waits_to_be_asked(town: Town, transport: str) -> None:
    port = free_port()
    (town.folder / "sample.csv").write_text("s,t,r\n0014020001,2026-07-20 08:00,1\n", encoding="utf-8")
    options: dict[str, Any] = {
        "poll": f'sample = "sample.csv"\noptions = {{ url = "http://127.0.0.1:{port}/x", every_s = 0.1 }}\n'
        'settings = { station = "s", time = "t", "column.r" = "rain_mm mm" }',
        "modbus": f'options = {{ host = "127.0.0.1", port = {port}, every_s = 0.1, timeout_s = 0.5 }}\n'
        'settings = { time = "arrival", "register.2" = "co_ppm ppm uint16 1" }',
    }
    codec = {"poll": "table", "modbus": "modbus"}[transport]
    station = {"poll": "0014020001", "modbus": "1"}[transport]
    blocks = town.blocks(codec, transport, options[transport], station)
    done: list[Result] = []
    source = threading.Thread(target=lambda: done.append(town.simulate("--for", "2")))
    source.start()
    with feeds.reception(town.database, blocks):
        wait_for(lambda: town.counted().get("accepted"))
        source.join(10)
    assert done[0].exit_code == 0, done[0].output


def test_only_into_a_drill(tmp_path: Path) -> None:
    town = Town(tmp_path, Mode.ACTUAL)
    town.blocks("sl651", "tcp", "options = { port = 1 }")
    told = town.simulate()
    assert (told.exit_code, "不是演练库" in told.output) == (2, True)
    town.database.close()


@pytest.mark.parametrize(("codec", "transport"), [("jt808", "tcp"), ("json_rows", "http")])
def test_what_cannot_be_simulated_says_so(town: Town, codec: str, transport: str) -> None:
    town.blocks(codec, transport, "options = { port = 1 }" if transport == "tcp" else "")
    told = town.simulate()
    assert (told.exit_code, "模拟" in told.output or "密钥" in told.output) == (2, True)
