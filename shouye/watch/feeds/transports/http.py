"""HTTP 推送 — the source calls us: the door (`doors/web`) takes the request, checks its key and hands it over."""

from __future__ import annotations

import asyncio

from shouye.watch.feeds.model import Desk, Feed, Transport


async def _run(feed: Feed, desk: Desk) -> None:
    """Nothing to run here: the console's own server listens."""
    await asyncio.Event().wait()


TRANSPORT = Transport(term="HTTP 推送", run=_run, options={"most_bytes": 16 * 1024 * 1024})
