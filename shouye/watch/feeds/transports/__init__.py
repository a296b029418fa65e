"""传输 — how bytes come, one file for each way; here is what they share: the loop they run in, and delivery.

asyncio lives only here. A transport hands messages over and waits: what it says back leaves after the commit.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from shouye.base.kernel import load_shelf
from shouye.watch.feeds.model import BadFeed, Desk, Feed, Outcome, Parcel, Receipt, Setting, Transport
from shouye.watch.intake import Message

_log = structlog.get_logger(__name__)
_FULL_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 60.0
MOST_IN_PARCEL = 500
"""How many messages go into one transaction's parcel; a larger document is handed over in several."""


TLS_OPTIONS: dict[str, Setting] = {"tls": False, "ca_file": "", "cert_file": "", "key_file": ""}
"""加密传输 — whom we trust (`ca_file`), who we are (`cert_file`, `key_file`)."""


def check_tls(feed: Feed, *, server: bool) -> None:
    """Files that a block names must be there; a server shows a certificate, a key belongs to one."""
    named = {name: str(feed.option(name)) for name in ("ca_file", "cert_file", "key_file")}
    if not feed.option("tls", False):
        if any(named.values()):
            raise BadFeed(f"{feed.name}：写了证书，却没有 tls = true")
        return
    if bool(named["cert_file"]) != bool(named["key_file"]) or (server and not named["cert_file"]):
        raise BadFeed(f"{feed.name}：cert_file 与 key_file 须同时写明")
    if lacking := [path for path in named.values() if path and feed.enabled and not Path(path).is_file()]:
        raise BadFeed(f"{feed.name}：没有文件 {'、'.join(lacking)}")


def tls_of(feed: Feed, *, server: bool) -> ssl.SSLContext | None:
    """TLS 1.2 and up, None where the block wants none; a server with a `ca_file` lets in only its certificates."""
    if not feed.option("tls", False):
        return None
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=str(feed.option("ca_file")) or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if feed.option("cert_file"):
        context.load_cert_chain(str(feed.option("cert_file")), str(feed.option("key_file")))
    if server and feed.option("ca_file"):
        context.verify_mode = ssl.CERT_REQUIRED
    return context


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
