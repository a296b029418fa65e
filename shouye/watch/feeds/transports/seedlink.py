"""SeedLink 3 — a server of seismic streams: we name them, it sends records as they are made.

Where a station's stream was left is remembered after its records are stored, and asked for again at the next
connection; the server sends what it still has.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from shouye.base.kernel import draw
from shouye.watch.feeds.model import BadFeed, Desk, Feed, Transport
from shouye.watch.feeds.transports import aside, deliver

_OPTIONS: dict[str, str | int | float | bool] = {
    "host": "127.0.0.1",
    "port": 18_000,
    "streams": "",  # "SX.DT001:HHZ SX.DT002:BH?"
    "silent_s": 120,  # proposed, like the rest
    "timeout_s": 20,
}
_STREAM = re.compile(r"([A-Z0-9]{1,2})\.([A-Z0-9]{1,5})(?::([A-Z0-9?]{3,5}))?")
_RECORD = 512
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0
_PLACE = "seedlink"


class _Refused(Exception):
    """The server said something else than OK."""


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(f"{line}\r\n".encode("ascii"))
    await writer.drain()
    if not (await reader.readline()).startswith(b"OK"):
        raise _Refused(line)


async def _ask(
    feed: Feed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: Mapping[str, Any]
) -> None:
    """Name every stream, each from where it was left."""
    writer.write(b"HELLO\r\n")
    await reader.readline()
    await reader.readline()
    for network, station, channel in _streams(feed):
        await _say(reader, writer, f"STATION {station} {network}")
        if channel:
            await _say(reader, writer, f"SELECT {channel}")
        left = kept.get(f"{network}.{station}")
        await _say(reader, writer, f"DATA {(int(left, 16) + 1) & 0xFFFFFF:06X}" if left else "DATA")
    writer.write(b"END\r\n")
    await writer.drain()


async def _hear(feed: Feed, desk: Desk) -> None:
    """One connection: packet after packet, stored, then remembered."""
    host, port = str(feed.option("host")), int(feed.option("port", _OPTIONS["port"]))
    kept = dict(await aside(desk.recall, feed.name, _PLACE))
    async with asyncio.timeout(float(feed.option("timeout_s", _OPTIONS["timeout_s"]))):
        reader, writer = await asyncio.open_connection(host, port, limit=65_536)
        await _ask(feed, reader, writer, kept)
    try:
        while True:
            async with asyncio.timeout(float(feed.option("silent_s", _OPTIONS["silent_s"]))):
                head = await reader.readexactly(8)
                record = await reader.readexactly(_RECORD)
            if head[:2] != b"SL":
                raise _Refused("SL")
            if head[2:6] == b"INFO":
                continue
            (message,) = feed.read(record)
            await deliver(desk, feed, [message], host)
            network, station = message.station.split(".")[:2] if "." in message.station else ("", "")
            if station:
                kept[f"{network}.{station}"] = head[2:8].decode("ascii", "replace")
                await aside(desk.remember, feed.name, _PLACE, kept)
    finally:
        writer.close()


async def _run(feed: Feed, desk: Desk) -> None:
    number, pause = 0, _FIRST_PAUSE_S
    while True:
        try:
            await _hear(feed, desk)
        except (OSError, EOFError, TimeoutError, ValueError, _Refused):
            await aside(desk.note, feed.name, "server away")
        number += 1
        await asyncio.sleep(pause * (0.5 + draw(0, feed.name, number)))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _streams(feed: Feed) -> list[tuple[str, str, str]]:
    found = [_STREAM.fullmatch(word) for word in str(feed.option("streams")).split()]
    return [(one[1], one[2], one[3] or "") for one in found if one]


def _check(feed: Feed) -> None:
    words = str(feed.option("streams")).split()
    if not words or len(_streams(feed)) != len(words):
        raise BadFeed(f"{feed.name}：streams 应写成 SX.DT001:HHZ，多个用空格隔开")
    if feed.codec_name != "miniseed":
        raise BadFeed(f'{feed.name}：seedlink 接入须写 codec = "miniseed"')


TRANSPORT = Transport(term="SeedLink", run=_run, options=_OPTIONS, required=("host", "streams"), check=_check)
