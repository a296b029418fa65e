"""`shouye feeds simulate`: every way in can be driven on loopback, and only into a drill."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from shouye.base.kernel import Database, Mode, WallClock
from shouye.doors.cli.feeds_simulate import make_simulate
from shouye.doors.cli.simulation import all_carriers, all_makers
from shouye.watch import feeds, tally
from shouye.watch.intake import Decoded, all_codecs
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
        """In a thread of its own: a browser test before may have left a loop in this one."""
        with ThreadPoolExecutor(1) as alone:
            return alone.submit(CliRunner().invoke, self.app, ["one", "-d", self.url, *words]).result()

    def counted(self) -> dict[str, int]:
        with self.database.read() as tx:
            return {one.what: one.count for one in tally.counts(tx)}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.database.close()


STATIONS = {
    "sl651": "0014020001",
    "szy206": "1402000001",
    "hj212": "DT1402000000EXAMPLE00001",
    "jt808": "013800000001",
    "miniseed": "SX.DT001.00.HHZ",
}
MARKS = ("演练", "SIM", "Exercise", "/T.NEW.", "simulated")


@pytest.mark.parametrize("codec", all_makers())
def test_what_is_made_up_is_read_and_says_that_it_is_a_drill(codec: str) -> None:
    settings = {"station": "s", "time": "{d} {h}", "time_format": "%Y-%m-%d %H:%M", "column.r": "stage_m @u"}
    station = STATIONS.get(codec, "a")
    feed = feeds.Feed(
        *("one", "一", "测试", "测试", codec, "tcp", timedelta(minutes=5)),
        stations={station: "53487"},
        settings=settings if codec == "table" else {},
    )
    maker, now = all_makers()[codec], WallClock().now().replace(microsecond=0)
    for number in range(3):
        raw = maker.make(feed, station, now, number)
        for message in feed.read(raw):
            assert isinstance(message, Decoded), message
            taken = feeds.translate(feed, message, now)
            assert (message.record, taken.readings) != (None, ())
            assert message.record is not None or taken.refused == ()
            assert not taken.readings or {one.station for one in taken.readings} == {"53487"}
        text = raw.decode("utf-8", "replace") + raw.decode("gb18030", "replace")
        assert not maker.marked or maker.greet or any(mark in text or mark in ascii(text) for mark in MARKS)


def test_every_protocol_and_every_way_in_has_its_file() -> None:
    assert set(all_codecs()) - set(all_makers()) == {"modbus"}, "whose registers the slave itself holds"
    assert set(all_carriers()) == set(feeds.all_transports())


@pytest.mark.parametrize("codec", ["sl651", "szy206", "hj212", "jt808"])
def test_devices_on_a_line(town: Town, codec: str) -> None:
    port = free_port()
    blocks = town.blocks(codec, "tcp", f"options = {{ port = {port} }}", STATIONS[codec])
    with feeds.reception(town.database, blocks) as desk:
        wait_for(lambda: desk.ports.get("one"))
        told = town.simulate("--rate", "50", "--for", "0.2")
    assert told.output.startswith("【演练】一：已确认 10\n"), told.output
    assert sum(town.counted().get(what, 0) for what in ("accepted", "duplicate")) == 10


def test_a_2019_terminal_registers_too(town: Town) -> None:
    port = free_port()
    blocks = town.blocks("jt808", "tcp", f"options = {{ port = {port} }}", "00000000013800000001")
    with feeds.reception(town.database, blocks) as desk:
        wait_for(lambda: desk.ports.get("one"))
        assert "已确认 2" in town.simulate("--rate", "20", "--for", "0.1").output
        assert town.counted()["noted"] == 2, "registered and signed in"


def test_a_broker(town: Town, broker: Mosquitto) -> None:
    mapping = 'rows = ".", station = "topic:2", time = "ts", time_format = "epoch_ms", "column.r" = "rain_mm mm"'
    options = f'host = "127.0.0.1", port = {broker.port}, topic = "a/+/up"'
    more = f"options = {{ {options} }}\nsettings = {{ {mapping} }}"
    blocks = town.blocks("json_rows", "mqtt", more)
    with feeds.reception(town.database, blocks):
        wait_for(lambda: "Sending SUBACK to shouye-one" in broker.log())
        told = town.simulate("--rate", "50", "--for", "0.2").output
        assert told.startswith("【演练】一：代理已收 10\n演练标记：每行")
        wait_for(lambda: town.counted().get("accepted"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    found = Mosquitto(tmp_path / "broker")
    found.start()
    yield found
    found.stop()


TABLE = 'settings = {{ station = "s", time = "t", "column.r" = "rain_mm mm" }}'
REGISTERS = 'settings = {{ time = "arrival", "register.2" = "co_ppm ppm uint16 1" }}'
WAYS = {
    "poll": ("cap", 'any_station = true\noptions = {{ url = "http://127.0.0.1:{port}/x", every_s = 0.1 }}'),
    "folder": ("table", f'options = {{{{ path = "{{drop}}", pattern = "*.xlsx", every_s = 0.1 }}}}\n{TABLE}'),
    "seedlink": ("miniseed", 'options = {{ host = "127.0.0.1", port = {port}, streams = "SX.DT001:HHZ" }}'),
    "modbus": ("modbus", f'options = {{{{ host = "127.0.0.1", port = {{port}}, every_s = 0.1 }}}}\n{REGISTERS}'),
}


@pytest.mark.parametrize("transport", WAYS)
def test_what_is_asked_waits_to_be_asked(town: Town, transport: str) -> None:
    (town.folder / "drop").mkdir()
    codec, more = WAYS[transport]
    more = more.format(port=free_port(), drop=town.folder / "drop")
    station = {"modbus": "1"}.get(codec, STATIONS.get(codec, "a"))
    blocks = town.blocks(codec, transport, more, station)
    done: list[Result] = []
    source = threading.Thread(target=lambda: done.append(town.simulate("--rate", "20", "--for", "0.6")))
    source.start()
    with feeds.reception(town.database, blocks):
        wait_for(lambda: town.counted().get("accepted"))
        source.join(10)
    assert (done[0].exit_code, "没有人来取" in done[0].output) == (0, False), done[0].output
    if transport == "poll":
        with town.database.read() as tx:
            assert {one.status for one in feeds.signals(tx)} == {"Exercise"}


def test_only_into_a_drill(tmp_path: Path) -> None:
    for mode in (Mode.ACTUAL, Mode.TEST):
        (tmp_path / mode.value).mkdir()
        town = Town(tmp_path / mode.value, mode)
        town.blocks("sl651", "tcp", "options = { port = 1 }")
        told = town.simulate()
        assert (told.exit_code, "不是演练库" in told.output) == (2, True)
        town.database.close()


@pytest.mark.parametrize(
    ("codec", "transport", "more", "why"),
    [
        ("json_rows", "http", "", "密钥"),
        ("sl651", "tcp", "options = { port = 1 }", "连不上"),
        ("cap", "poll", 'any_station = true\noptions = { url = "https://example.org/cap" }', "127.0.0.1"),
        ("json_rows", "mqtt", 'options = { host = "127.0.0.1", topic = "a/b", tls = true }', "不加密"),
    ],
)
def test_what_cannot_be_simulated_says_so(town: Town, codec: str, transport: str, more: str, why: str) -> None:
    town.blocks(codec, transport, more)
    told = town.simulate()
    assert (told.exit_code, why in told.output) == (2, True), told.output


def test_no_broker_is_said_in_words(town: Town) -> None:
    town.blocks("json_rows", "mqtt", 'options = { host = "127.0.0.1", topic = "a/b" }')
    result = town.simulate("--port", str(free_port()), "--for", "0.1")
    assert result.exit_code == 2
    assert "本机连不上" in result.stderr
