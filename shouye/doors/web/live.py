"""实时推送 — tells an open screen that something has changed; the screen then fetches itself.

One stream per screen. It carries a version and no content: what a person may see is decided where it is fetched.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from shouye.base.kernel import DatabaseAway, newest_fact
from shouye.doors.web.context import CityContext, Tick
from shouye.doors.web.visit import See
from shouye.watch import observe

router = APIRouter(include_in_schema=False)

POLL_S = 1.0
"""A screen fetches itself at most once a second, however fast a drill runs."""
HEARTBEAT_S = 10.0
STREAM_S = 300.0
"""A stream ends after five minutes; the browser opens it again and is asked anew who it is."""


@router.get("/events")
async def events(visit: See, request: Request) -> StreamingResponse:
    """变动通知 — `changed` with the version."""
    return StreamingResponse(_stream(visit.city.tick, request), media_type="text/event-stream")


async def _stream(tick: Tick, request: Request) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    start = last_sent = loop.time()
    seen = tick.version
    yield f"retry: 2000\nevent: hello\ndata: {seen}\n\n"
    while loop.time() - start < STREAM_S and not tick.closed and not await request.is_disconnected():
        if tick.version != seen:
            seen, last_sent = tick.version, loop.time()
            yield f"event: changed\ndata: {seen}\n\n"
        elif loop.time() - last_sent > HEARTBEAT_S:
            last_sent = loop.time()
            yield "event: alive\ndata: \n\n"
        await asyncio.sleep(POLL_S)


@contextmanager
def following(city: CityContext) -> Iterator[None]:
    """跟随 — where engine or clock are other processes, look for what they did and tell the open screens."""
    done = threading.Event()

    def follow() -> None:
        seen = (0, 0)
        while not done.wait(POLL_S / 2):
            try:
                with city.database.read() as tx:
                    now = newest_fact(tx), observe.newest_batch(tx)
            except DatabaseAway:
                continue  # the database is away for a moment: what happened meanwhile is seen when it is back
            if now != seen:
                seen = now
                city.tick()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)
