"""波形服务器 — SeedLink 3 on loopback: who connects and names his streams is sent records."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Mapping

from shouye.doors.cli.simulation import LOOPBACK, Carrier, Plan

_LOOK_S = 0.2


def _carry(plan: Plan) -> Mapping[str, int]:
    asked: Counter[str] = Counter()
    over = threading.Event()
    port = plan.here(str(plan.feed.option("host", LOOPBACK)), int(plan.feed.option("port", 18_000)))
    with socket.create_server((LOOPBACK, port)) as listener:
        listener.settimeout(_LOOK_S)

        def serve() -> None:
            while not over.is_set():
                try:
                    line, _ = listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=_speak, args=(line, plan, asked, over), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        over.wait(plan.seconds)
        over.set()
        thread.join(2)
    return asked


def _speak(line: socket.socket, plan: Plan, asked: Counter[str], over: threading.Event) -> None:
    """One caller: every command is agreed to; after END the records go out."""
    try:
        with line, line.makefile("rb") as said:
            line.settimeout(plan.seconds)
            for word in said:
                if word.strip() == b"HELLO":
                    line.sendall("SeedLink v3.1 (simulated)\r\n【演练】\r\n".encode())
                elif word.strip() == b"END":
                    break
                else:
                    line.sendall(b"OK\r\n")
            for number, (_, record) in enumerate(plan.messages(), start=1):
                if over.wait(1 / plan.rate if number > 1 else 0):
                    return
                line.sendall(b"SL%06X" % (number & 0xFFFFFF) + record)
                asked["送出"] += 1
    except OSError:
        asked["断开"] += 1


CARRIER = Carrier(carry=_carry)
