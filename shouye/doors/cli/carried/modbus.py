"""Modbus 从站 — a device for each unit of the block, whose registers hold small numbers; nothing can mark them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from shouye.doors.cli.simulation import LOOPBACK, Carrier, Plan
from shouye.watch.intake import register_spans


def _carry(plan: Plan) -> Mapping[str, int]:
    feed = plan.feed
    units = [int(word) for word in str(feed.option("units", "1")).split()]
    last = max(address + many for address, many in register_spans(feed.settings))
    held = SimData(0, values=[number % 7 for number in range(last)], datatype=DataType.REGISTERS)
    port = plan.here(str(feed.option("host", LOOPBACK)), int(feed.option("port", 502)))
    with asyncio.Runner() as loop:

        async def begin() -> Any:
            server: Any = ModbusTcpServer(
                [SimDevice(unit, simdata=[held]) for unit in units], address=(LOOPBACK, port)
            )
            await server.listen()
            return server

        server = loop.run(begin())
        over = threading.Event()

        async def last_until_over() -> None:
            while not over.is_set():
                await asyncio.sleep(0.05)

        thread = threading.Thread(target=loop.run, args=(last_until_over(),), daemon=True)
        thread.start()
        time.sleep(plan.seconds)
        over.set()
        thread.join(5)
        loop.run(server.shutdown())
    return {"从站在线": len(units)}


CARRIER = Carrier(carry=_carry)
