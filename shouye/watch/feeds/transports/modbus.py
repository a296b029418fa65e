"""Modbus/TCP 轮询 — devices do not call: they are asked, each in turn, for the registers of the block's map."""

from __future__ import annotations

import asyncio
import logging

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from shouye.watch.feeds.model import BadFeed, Desk, Feed, Transport
from shouye.watch.feeds.transports import aside, deliver
from shouye.watch.intake import Message, modbus_pair, register_spans

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # a device that is silent is counted here, for people

_OPTIONS: dict[str, str | int | float | bool] = {
    "host": "127.0.0.1",
    "port": 502,
    "units": "1",
    "function": 3,
    "every_s": 10,  # proposed, like the rest
    "timeout_s": 3,
}


async def _ask(feed: Feed, desk: Desk, client: AsyncModbusTcpClient, unit: int) -> list[Message]:
    """Every span of registers of one device; a device that is silent does not hold up the others."""
    function = int(feed.option("function", 3))
    read = client.read_holding_registers if function == 3 else client.read_input_registers
    found: list[Message] = []
    for address, count in register_spans(feed.settings):
        try:
            answer = await read(address, count=count, device_id=unit)
        except ModbusException:
            await aside(desk.note, feed.name, f"unit {unit} silent")
            return found
        if answer.isError():
            await aside(desk.note, feed.name, f"unit {unit} exception {answer.exception_code}")
        else:
            data = modbus_pair(unit, function, address, answer.registers)
            found += feed.read(data)
    return found


async def _run(feed: Feed, desk: Desk) -> None:
    host, port = str(feed.option("host", "127.0.0.1")), int(feed.option("port", 502))
    client = AsyncModbusTcpClient(host, port=port, timeout=float(feed.option("timeout_s", 3)), retries=1)
    try:
        while True:
            if client.connected or await client.connect():
                for unit in _units(feed):
                    if messages := await _ask(feed, desk, client, unit):
                        await deliver(desk, feed, messages, host)
            else:
                await aside(desk.note, feed.name, "not reached")
            await asyncio.sleep(float(feed.option("every_s", 10)))
    finally:
        client.close()


def _units(feed: Feed) -> list[int]:
    return [int(word) for word in str(feed.option("units", "1")).split()]


def _check(feed: Feed) -> None:
    if feed.codec_name != "modbus" or feed.settings.get("time") != "arrival":
        raise BadFeed(f'{feed.name}：modbus 接入须写 codec = "modbus"，settings 里 time = "arrival"')
    if not register_spans(feed.settings):
        raise BadFeed(f"{feed.name}：settings 里没有寄存器表")
    try:
        units = _units(feed)
    except ValueError:
        units = []
    if not units or not all(0 <= unit <= 247 for unit in units) or int(feed.option("function", 3)) not in (3, 4):
        raise BadFeed(f"{feed.name}：units 应为 0–247 的从站地址，function 为 3 或 4")


TRANSPORT = Transport(term="Modbus/TCP 轮询", run=_run, options=_OPTIONS, required=("host",), check=_check)
