"""模拟来数 — `shouye feeds simulate NAME`: what the stations of a block might send, on loopback, for a drill only.

It refuses a database that is not of Simulation. The values are weak and meaningless: they prove the way in.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Annotated, Any
from urllib.parse import urlsplit

import aiomqtt
import typer
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from shouye.base.kernel import BadInput, Database, Mode, NotFound, Refusal, WallClock, read_stamp
from shouye.doors.cli.feeds import CityOption, FindCity, Where, blocks, opened, told
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded, register_spans

Send = Callable[[str, bytes], str]
"""Sends one message of a station and says what was answered."""


class NotForDrill(Refusal):
    """这不是演练库，不能往里送模拟数据。"""


def make_simulate(find: FindCity) -> Callable[..., None]:
    def simulate(
        name: Annotated[str, typer.Argument(help="接入块的名称")],
        database: Where,
        city: CityOption = "datong",
        rate: Annotated[float, typer.Option("--rate", min=0.01, max=10_000, help="每秒几条")] = 1.0,
        seconds: Annotated[float, typer.Option("--for", min=0.1, help="持续多少秒")] = 10.0,
        port: Annotated[int, typer.Option("--port", help="本机端口；不给则用接入块里的")] = 0,
        key: Annotated[str, typer.Option("--key", envvar="SHOUYE_PUSH_KEY", help="HTTP 推送的密钥")] = "",
    ) -> None:
        """模拟一个来源：照接入块里的站造数据，只发往本机，只用于演练库。"""
        with told(), opened(database) as found:
            _check_drill(found)
            known = blocks(find(city))
            if name not in known:
                raise NotFound(f"接入块 {name}")
            feed = known[name]
            if feed.transport in _SERVERS:
                with _SERVERS[feed.transport](feed, port):
                    typer.echo(f"【演练】在本机供 {feed.term} 来取，{seconds:g} 秒")
                    time.sleep(seconds)
                return
            waiting = messages(feed)
            try:
                with sender(feed, port, key) as send:
                    sent = drive(waiting, send, rate, seconds)
            except (OSError, aiomqtt.MqttError) as error:
                raise BadInput(f"本机连不上或中途断开：{error}") from None
        answers = "，".join(f"{word} {sent[word]}" for word in sorted(sent))
        typer.echo(f"【演练】已送 {sum(sent.values())} 条：{answers}")

    return simulate


def _check_drill(database: Database) -> None:
    with database.read() as tx:
        if read_stamp(tx).get("mode") != Mode.SIMULATION.value:
            raise NotForDrill


def drive(waiting: Iterator[tuple[str, bytes]], send: Send, rate: float, seconds: float) -> dict[str, int]:
    """So many a second, for so long; returns what was answered how often."""
    begun, found = time.monotonic(), dict[str, int]()
    for number in count():
        due = number / rate
        if due >= seconds:
            return found
        time.sleep(max(0.0, begun + due - time.monotonic()))
        answer = send(*next(waiting))
        found[answer] = found.get(answer, 0) + 1
    raise AssertionError("count() does not end")


def messages(feed: Feed) -> Iterator[tuple[str, bytes]]:
    """One after the other for each station of the block, of the second in which it is sent."""
    make = _MAKERS.get(feed.codec_name)
    if make is None or not feed.stations:
        raise BadInput(f"规约 {feed.codec_name} 还不能模拟；可用：{'、'.join(_MAKERS)}")
    return _endless(feed, make)


def _endless(feed: Feed, make: Callable[[Feed, str, datetime, int], bytes]) -> Iterator[tuple[str, bytes]]:
    for number in count():
        station = list(feed.stations)[number % len(feed.stations)]
        yield station, make(feed, station, WallClock().now(), number)


def _sl651(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    items = [
        ["F1", "F1", station],
        ["class", "", "50"],
        ["F0", "F0", f"{now - timedelta(minutes=number % 5):%y%m%d%H%M}"],
        ["22", "19", f"{number % 7 / 10:.1f}"],
        ["38", "12", "12.60"],
    ]
    said = {"direction": "up", "centre": 1, "password": "0000", "serial": number % 65_535 + 1, "items": items}
    return _encoded(feed, Decoded(station, "32", now, (), said))


def _hj212(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    stamp = f"{now:%Y%m%d%H%M%S}"
    head = {
        "QN": f"{stamp}{number % 1000:03}",
        "ST": "31",
        "CN": "2011",
        "PW": "000000",
        "MN": station,
        "Flag": "5",
    }
    cp = [[["DataTime", stamp]], [["a01001-Rtd", f"{20 + number % 5}"], ["a01001-Flag", "N"]]]
    return _encoded(feed, Decoded(station, "2011", now, (), {"head": head, "cp": cp}))


def _json_rows(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    """A row of the block's own mapping, or of the form of push."""
    said = feed.settings
    time_format = str(said.get("time_format", "iso"))
    times: dict[str, Any] = {
        "epoch_s": now.timestamp(),
        "epoch_ms": now.timestamp() * 1000,
        "iso": now.isoformat(),
    }
    at = times[time_format] if time_format in times else now.strftime(time_format)
    row: dict[str, Any] = {str(said.get("time", "time")): at}
    if not str(said.get("station", "")).startswith("topic:"):
        row[str(said.get("station", "station"))] = station
    columns = {key.removeprefix("column."): number % 7 / 10 for key in said if key.startswith("column.")}
    element = next(iter(feed.elements), "rain_mm")
    form: dict[str, Any] = {"element": element, "value": number % 7 / 10, "unit": "mm"}
    row |= columns or form
    rows: Any = [row]
    where = str(said.get("rows", "readings"))
    for part in reversed(where.split(".") if where not in ("", ".") else []):
        rows = {part: rows}
    return json.dumps(rows).encode()


def _encoded(feed: Feed, message: Decoded) -> bytes:
    assert feed.codec.encode is not None, "the codecs that are simulated write"
    return feed.codec.encode(message)


_MAKERS = {"sl651": _sl651, "hj212": _hj212, "json_rows": _json_rows}


@contextmanager
def sender(feed: Feed, port: int, key: str) -> Iterator[Send]:
    """On loopback, by the block's own transport."""
    if feed.transport == "tcp":
        with socket.create_connection(("127.0.0.1", port or int(feed.option("port", 0))), timeout=10) as line:
            yield lambda _station, data: _over_line(line, data)
    elif feed.transport == "http":
        if not key:
            raise BadInput("HTTP 推送要密钥：--key 或 SHOUYE_PUSH_KEY")
        web = http.client.HTTPConnection("127.0.0.1", port or 8080, timeout=30)
        try:
            yield lambda _station, data: _over_http(web, key, data)
        finally:
            web.close()
    elif feed.transport == "mqtt":
        with asyncio.Runner() as loop:
            client = loop.run(_connected(port or int(feed.option("port", 1883))))
            try:
                yield lambda station, data: _over_mqtt(loop, client, _topic(feed, station), data)
            finally:
                loop.run(client.__aexit__(None, None, None))
    else:
        raise BadInput(f"传输 {feed.transport} 还不能模拟；可用：tcp、http、mqtt")


def _over_line(line: socket.socket, data: bytes) -> str:
    line.sendall(data)
    return "已确认" if line.recv(65_536) else "未确认"


def _over_http(web: http.client.HTTPConnection, key: str, data: bytes) -> str:
    web.request("POST", "/api/v1/push", data, {"Authorization": f"Bearer {key}"})
    answer = web.getresponse()
    told = json.loads(answer.read())
    return str(told["rows"][0]["word"]) if answer.status == 200 else f"{answer.status}"


async def _connected(port: int) -> aiomqtt.Client:
    return await aiomqtt.Client("127.0.0.1", port).__aenter__()


def _over_mqtt(loop: asyncio.Runner, client: aiomqtt.Client, topic: str, data: bytes) -> str:
    loop.run(client.publish(topic, data, qos=1))
    return "代理已收"


def _topic(feed: Feed, station: str) -> str:
    """The block's first topic with the station where its mapping looks for it."""
    parts = str(feed.option("topic")).split()[0].split("/")
    where = str(feed.settings.get("station", ""))
    at = int(where.removeprefix("topic:")) if where.startswith("topic:") else 0
    named = [station if number == at else part for number, part in enumerate(parts, start=1)]
    return "/".join("simulated" if part in ("+", "#") else part for part in named)


@contextmanager
def _serve_document(feed: Feed, port: int) -> Iterator[None]:
    """The block's sample, at the port of its address, whatever the path."""
    if feed.sample is None:
        raise BadInput(f"接入块 {feed.name} 没有样本，无从模拟")
    content = feed.sample.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_given: Any) -> None:
            """Nothing is printed."""

    address = ("127.0.0.1", port or urlsplit(str(feed.option("url"))).port or 80)
    with ThreadingHTTPServer(address, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@contextmanager
def _serve_registers(feed: Feed, port: int) -> Iterator[None]:
    """A device for each unit of the block, whose registers hold small numbers."""
    units = [int(word) for word in str(feed.option("units", "1")).split()]
    last = max(address + many for address, many in register_spans(feed.settings))
    held = SimData(0, values=[number % 7 for number in range(last)], datatype=DataType.REGISTERS)
    with asyncio.Runner() as loop:
        address = ("127.0.0.1", port or int(feed.option("port", 502)))

        async def begin() -> Any:
            server: Any = ModbusTcpServer([SimDevice(unit, simdata=[held]) for unit in units], address=address)
            await server.listen()
            return server

        server = loop.run(begin())
        over = threading.Event()

        async def last_until_over() -> None:
            while not over.is_set():
                await asyncio.sleep(0.05)

        thread = threading.Thread(target=loop.run, args=(last_until_over(),), daemon=True)
        thread.start()
        yield
        over.set()
        thread.join(5)
        loop.run(server.shutdown())


_SERVERS = {"poll": _serve_document, "modbus": _serve_registers}
"""These sources are asked: what is simulated waits to be asked."""
