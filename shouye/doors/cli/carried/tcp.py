"""设备直连 — one line to the block's port, on which stations greet, then report; answers are waited for."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from shouye.doors.cli.simulation import LOOPBACK, Carrier, Plan

_PATIENCE_S = 10
_ANSWER_BYTES = 65_536


def _carry(plan: Plan) -> Mapping[str, int]:
    with socket.create_connection((LOOPBACK, plan.port_of("port", 0)), timeout=_PATIENCE_S) as line:

        def ask(data: bytes) -> bytes:
            line.sendall(data)
            try:
                return line.recv(_ANSWER_BYTES)
            except TimeoutError:
                return b""

        if greet := plan.maker.greet:
            for station in plan.feed.stations:
                greet(plan.feed, station, ask)
        return plan.drive(lambda _station, data: "已确认" if ask(data) else "未确认")


CARRIER = Carrier(carry=_carry)
