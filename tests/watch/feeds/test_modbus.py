"""Gas detectors that are asked: a map of registers as data, exceptions and silence counted, values stored."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from shouye.base.access import WHOLE
from shouye.base.kernel import BadInput, Database
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import BadFeed, Feed
from shouye.watch.feeds.blocks import check_block
from shouye.watch.intake import (
    Decoded,
    RefusalCode,
    Refused,
    SessionOptions,
    codec_of,
    modbus_pair,
    register_spans,
)
from tests.watch.feeds.town import NOW, pushed, town, wait_for

CODEC = codec_of("modbus")
MAP = {
    "register.0": "o2_pct % uint16 0.01",
    "register.1": "ch4_pct % int16 0.01",
    "register.2": "pressure_hpa kPa float32:little 1",
    "missing": "65535",
    "time": "arrival",
}


@contextmanager
def device(*registers: int) -> Iterator[int]:
    """Unit 1 with these holding registers; yields its port."""
    begun, loop, port = threading.Event(), asyncio.new_event_loop(), 0
    servers: list[Any] = []

    async def serve() -> None:
        held = SimData(0, values=list(registers), datatype=DataType.REGISTERS)
        server: Any = ModbusTcpServer(SimDevice(1, simdata=[held]), address=("127.0.0.1", 0))
        servers.append(server)
        await server.listen()
        begun.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop)
    assert begun.wait(10)
    port = servers[0].transport.sockets[0].getsockname()[1]
    yield port
    asyncio.run_coroutine_threadsafe(servers[0].shutdown(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def polled(port: int, **said: Any) -> Feed:
    given: dict[str, Any] = {
        "name": "gas",
        "codec_name": "modbus",
        "transport": "modbus",
        "stations": {"1": "gas-1"},
        "elements": {},
        "settings": MAP,
        "options": {"host": "127.0.0.1", "port": port, "units": "1", "every_s": 0.05, "timeout_s": 0.3},
    }
    return pushed(**{**given, **said})


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    yield found
    found.close()


def test_a_detector_is_read_by_its_map(database: Database) -> None:
    with device(2096, 65535, 0x4CCD, 0x42CA) as port, feeds.reception(database, {"gas": polled(port)}):
        wait_for(lambda: counted(database).get("accepted"))
    with database.read() as tx:
        found = {one.element: (one.station, one.time, one.value) for one in observe.latest_all(tx, WHOLE)}
    assert found == {
        "o2_pct": ("gas-1", NOW, 20.96),
        "ch4_pct": ("gas-1", NOW, None),
        "pressure_hpa": ("gas-1", NOW, pytest.approx(1011.5, abs=0.01)),
    }


def test_an_absent_register_and_an_absent_device_are_counted(database: Database) -> None:
    with device(1) as port, feeds.reception(database, {"gas": polled(port)}):
        wait_for(lambda: counted(database).get("unit 1 exception 2"))
    with feeds.reception(database, {"gas": polled(1)}):
        wait_for(lambda: counted(database).get("not reached"))
    assert "accepted" not in counted(database)


def decode(data: bytes, **settings: str) -> Decoded | Refused:
    return CODEC.decode(data, SessionOptions(settings={**MAP, **settings}))


def test_a_question_and_its_answer_are_one_message() -> None:
    told = decode(modbus_pair(1, 3, 0, [2096, 0xFFFE]))
    assert isinstance(told, Decoded)
    assert [(one.element, one.value, one.unit) for one in told.readings] == [
        ("o2_pct", 20.96, "%"),
        ("ch4_pct", -0.02, "%"),
    ]
    assert (told.station, told.function) == ("1", "3")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", RefusalCode.TRUNCATED),
        (modbus_pair(1, 3, 0, [1])[:-1], RefusalCode.TRUNCATED),
        (modbus_pair(1, 3, 0, [1]) + b"\0", RefusalCode.LENGTH),
        (modbus_pair(1, 6, 0, [1]), RefusalCode.UNSUPPORTED),
        (b"\0\0\0\1" + modbus_pair(1, 3, 0, [1])[4:], RefusalCode.HEADER),
        (modbus_pair(1, 3, 0, [1])[:12] + modbus_pair(2, 3, 0, [1])[12:], RefusalCode.HEADER),
        (modbus_pair(1, 3, 0, [1])[:12] + modbus_pair(1, 3, 0, [1, 2])[12:], RefusalCode.LENGTH),
        (modbus_pair(1, 3, 0, [1])[:12] + bytes.fromhex("000200000003018302"), RefusalCode.UNSUPPORTED),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, code: RefusalCode) -> None:
    told = decode(data)
    assert isinstance(told, Refused)
    assert (told.code, told.raw) == (code, data)


@given(st.binary(max_size=64))
def test_no_bytes_break_it(data: bytes) -> None:
    assert isinstance(decode(data), Decoded | Refused)


def test_spans_are_as_few_as_the_map_allows() -> None:
    assert register_spans(MAP) == [(0, 4)]
    far = {"register.0": "a_m m uint32 1", "register.2": "b_m m uint16 1", "register.200": "c_m m uint16 1"}
    assert register_spans(far) == [(0, 3), (200, 1)]
    long = {f"register.{at}": f"e{at}_m m uint16 1" for at in range(130)}
    assert register_spans(long) == [(0, 125), (125, 5)]


@pytest.mark.parametrize(
    "meaning", ["", "a_m m uint16", "a_m m int64 1", "a_m m uint16 x", "a_m m uint16:middle 1"]
)
def test_a_wrong_map_is_refused(meaning: str) -> None:
    with pytest.raises(BadInput, match="寄存器表"):
        register_spans({"register.0": meaning})
    with pytest.raises(BadInput, match="寄存器表"):
        register_spans({"register.65536": "a_m m uint16 1"})


@pytest.mark.parametrize(
    "said",
    [
        {"codec_name": "sl651"},
        {"settings": {**MAP, "time": "wire"}},
        {"settings": {"time": "arrival"}},
        {"options": {"host": "h", "units": "x"}},
        {"options": {"host": "h", "units": "300"}},
        {"options": {"host": "h", "function": 6}},
    ],
)
def test_a_wrong_block_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(BadFeed):
        check_block(polled(1, **said), feeds.all_transports()["modbus"], "here")
