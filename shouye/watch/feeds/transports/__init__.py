"""传输 — how bytes come, one file for each way; here is what they share: the loop they run in, and delivery.

asyncio lives only here. A transport hands messages over and waits: what it says back leaves after the commit.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import cache
from typing import Any

import structlog

from shouye.base.kernel import load_shelf
from shouye.watch.feeds.model import Desk, Feed, Outcome, Parcel, Receipt, Transport
from shouye.watch.intake import Message

_log = structlog.get_logger(__name__)
_FULL_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 60.0
MOST_IN_PARCEL = 500
"""How many messages go into one transaction's parcel; a larger document is handed over in several."""


@cache
def all_transports() -> dict[str, Transport]:
    """传输货架 — every way in, by its file's name."""
    return load_shelf(sys.modules[__name__], "TRANSPORT", Transport)


async def deliver(desk: Desk, feed: Feed, messages: Sequence[Message], peer: str = "") -> Receipt:
    """交付 — hand over and wait for the commit; a full queue is waited for, so that nothing piles up."""
    outcomes: list[Outcome] = []
    for at in range(0, len(messages), MOST_IN_PARCEL):
        parcel = Parcel(feed, tuple(messages[at : at + MOST_IN_PARCEL]), peer)
        while not desk.offer(parcel):
            await asyncio.sleep(_FULL_PAUSE_S)
        outcomes += (await asyncio.wrap_future(parcel.answer)).outcomes
    return Receipt(tuple(outcomes))


async def aside(work: Callable[..., Any], *given: Any) -> Any:
    """In a thread: what reads files or the database does not hold up the others."""
    return await asyncio.to_thread(work, *given)


async def keep_running(feed: Feed, run: Callable[[Feed, Desk], Awaitable[None]], desk: Desk) -> None:
    """A transport that falls is started again after a growing pause; the others do not notice."""
    pause = 1.0
    while True:
        try:
            await run(feed, desk)
        except Exception as error:  # noqa: BLE001 - one source must not silence the others; it is counted and logged
            _log.warning("feed_failed", feed=feed.name, error=f"{type(error).__name__}: {error}"[:300])
            await aside(desk.note, feed.name, "transport failed")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def hear(feeds: Iterable[tuple[Feed, Transport]], desk: Desk) -> Callable[[], None]:
    """收听 — run every feed in a loop of its own thread; returns what stops them and waits for the end."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def all_feeds() -> None:
        over = asyncio.Event()
        begun.set_result((asyncio.get_running_loop(), over))
        tasks = [asyncio.create_task(keep_running(feed, transport.run, desk)) for feed, transport in feeds]
        await over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(all_feeds()), name="feeds", daemon=True)
    thread.start()
    loop, over = begun.result(timeout=30)

    def stop() -> None:
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=30)

    return stop
