"""模拟来数的两个货架 — how a message of each protocol is made up (simulated/), and how it is brought (carried/).

All that is made up is weak and without meaning: it proves the way in. Where a format has a place to say so, the
message says that it is simulated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from urllib.parse import urlsplit

from shouye.base.kernel import BadInput, WallClock, load_shelf
from shouye.doors.cli import carried, simulated
from shouye.watch.feeds import Feed

WORD = "演练"
"""How a message says that nothing of it is real."""
LOOPBACK = "127.0.0.1"

Ask = Callable[[bytes], bytes]
"""Sends bytes and waits for what is answered; nothing when nobody answers."""


@dataclass(frozen=True)
class Maker:
    """造报文 — what a station of a block sends at an instant; the number counts what was sent before.

    `marked` says where the message tells that it is simulated; empty: the format has no place for it. `greet` is
    what a station does first on a line.
    """

    make: Callable[[Feed, str, datetime, int], bytes]
    marked: str = ""
    greet: Callable[[Feed, str, Ask], None] | None = None


@dataclass(frozen=True)
class Plan:
    """一次模拟 — which block, how fast, how long; `port` 0: as the block says."""

    feed: Feed
    rate: float
    seconds: float
    port: int = 0
    key: str = ""

    @property
    def maker(self) -> Maker:
        known = all_makers()
        if self.feed.codec_name not in known:
            raise BadInput(f"规约 {self.feed.codec_name} 还不能模拟；可用：{'、'.join(known)}")
        return known[self.feed.codec_name]

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """(station, bytes): one after the other for each station, of the second in which it is asked for."""
        make, stations = self.maker.make, list(self.feed.stations) or [""]
        for number in count():
            station = stations[number % len(stations)]
            yield station, make(self.feed, station, WallClock().now().replace(microsecond=0), number)

    def drive(self, send: Callable[[str, bytes], str]) -> dict[str, int]:
        """So many a second, for so long; returns what was answered how often."""
        begun, found, waiting = time.monotonic(), dict[str, int](), self.messages()
        for number in count():
            due = number / self.rate
            if due >= self.seconds:
                break
            time.sleep(max(0.0, begun + due - time.monotonic()))
            answer = send(*next(waiting))
            found[answer] = found.get(answer, 0) + 1
        return found

    def port_of(self, option: str, default: int) -> int:
        return self.port or int(self.feed.option(option, default))

    def here(self, host: str, port: int | None) -> int:
        """The port of an address that the block calls; it must be this machine's."""
        if host not in (LOOPBACK, "localhost", "::1"):
            raise BadInput(f"接入块 {self.feed.name} 去的是 {host}：演练请把地址改为 {LOOPBACK}")
        return self.port or port or 0

    def here_url(self, url: str) -> int:
        parts = urlsplit(url)
        return self.here(parts.hostname or "", parts.port or 80)


@dataclass(frozen=True)
class Carrier:
    """送到 — brings or serves messages on loopback until the plan's time is over; what was answered, how often."""

    carry: Callable[[Plan], Mapping[str, int]]


@cache
def all_makers() -> dict[str, Maker]:
    """会造的规约, by the codec's name."""
    return load_shelf(simulated, "MAKER", Maker)


@cache
def all_carriers() -> dict[str, Carrier]:
    """会送的传输, by the transport's name."""
    return load_shelf(carried, "CARRIER", Carrier)
