"""慢连接 — whoever does not finish his request is let go; whoever does is served, again and again."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Send

from shouye.doors.web.patience import PatientProtocol
from tests.programs import eventually

PATIENCE_S = 0.4
REQUEST = b"GET / HTTP/1.1\r\nHost: console\r\n\r\n"
LONG = REQUEST.replace(b" / ", b" /long ")
ENDLESS = b"POST /read HTTP/1.1\r\nHost: console\r\nContent-Length: 9\r\n\r\nno"
HEARD, TOLD = threading.Event(), threading.Event()


class Hurried(PatientProtocol):
    patience_s = PATIENCE_S


LIMIT = 8


async def page(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers at once; under /long when told to, under /read when the body has ended."""
    if scope["path"] == "/long":
        HEARD.set()
    while scope["path"] == "/long" and not TOLD.is_set():
        await asyncio.sleep(0.01)
    while scope["path"] == "/read" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    speaks = getattr(request, "param", Hurried)
    config = uvicorn.Config(page, http=speaks, limit_concurrency=LIMIT, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
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


def served(address: tuple[str, int]) -> bool | None:
    """In the moment of a rush a polite 503 may come first."""
    with socket.create_connection(address) as caller:
        caller.settimeout(10)
        caller.sendall(REQUEST)
        return caller.recv(1000).startswith(b"HTTP/1.1 204") or None


@pytest.mark.parametrize("address", [PatientProtocol], indirect=True)
@pytest.mark.parametrize("said", [b"", b"G", ENDLESS, REQUEST])
def test_many_slow_ones_leave_room_for_whoever_finishes(address: tuple[str, int], said: bytes) -> None:
    HEARD.clear()
    TOLD.clear()
    with ExitStack() as open_ones:
        early = open_ones.enter_context(socket.create_connection(address))
        early.sendall(LONG)
        assert HEARD.wait(10)
        for _ in range(3 * LIMIT):
            open_ones.enter_context(socket.create_connection(address)).sendall(said)
        for _ in range(3):
            assert eventually(lambda: served(address), 5), "who finishes is not shut out for long"
        TOLD.set()
        early.settimeout(10)
        assert early.recv(1000).startswith(b"HTTP/1.1 204"), "an answer under way is not cut off"
