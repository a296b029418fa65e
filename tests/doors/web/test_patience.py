"""慢连接 — whoever does not finish his request is let go; whoever does is served, again and again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from shouye.doors.web.patience import PatientProtocol

PATIENCE_S = 0.4
REQUEST = b"GET / HTTP/1.1\r\nHost: console\r\n\r\n"


class Hurried(PatientProtocol):
    patience_s = PATIENCE_S


async def page(scope: object, receive: object, send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(page, http=Hurried, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(timeout=5)
    listener.close()


def closed_after_s(caller: socket.socket) -> float:
    """How long until the other side closes."""
    started = time.monotonic()
    caller.settimeout(10)
    assert caller.recv(100) == b""
    return time.monotonic() - started


@pytest.mark.parametrize("said", [b"", b"G", REQUEST[:-2]])
def test_a_head_that_does_not_end_is_not_waited_for(address: tuple[str, int], said: bytes) -> None:
    with socket.create_connection(address) as caller:
        caller.sendall(said)
        assert PATIENCE_S / 2 < closed_after_s(caller) < PATIENCE_S + 3


def test_drop_by_drop_is_no_way_round(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as caller:
        started = time.monotonic()
        try:
            while time.monotonic() - started < 8:
                caller.sendall(b"G")
                time.sleep(PATIENCE_S / 8)
        except OSError:
            pass
        assert time.monotonic() - started < 8


def test_one_who_finishes_is_served_and_slow_afterwards_is_let_go(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as caller:
        caller.settimeout(10)
        for _ in range(3):
            caller.sendall(REQUEST)
            assert caller.recv(1000).startswith(b"HTTP/1.1 204")
            time.sleep(PATIENCE_S * 1.5)
        caller.sendall(REQUEST[:10])
        assert closed_after_s(caller) < PATIENCE_S + 3
