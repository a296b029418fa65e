"""TCP 服务端 — devices connect and speak their protocol; the centre's side is the codec's session.

Bounds, for nobody here authenticates: the block's networks, how many connections, how long without a whole
message, how many messages a second (more waits, nothing is dropped), how much noise. What is answered is stored,
and only stations of the block are answered. With `tls` the port shows `cert_file`; with a `ca_file` beside it only
devices with a certificate of that authority come in.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from shouye.base.kernel import BadInput, Refusal
from shouye.watch.downlink import Order, OrderState, tell
from shouye.watch.feeds.model import BadFeed, Desk, Feed, Step, Transport
from shouye.watch.feeds.transports import TLS_OPTIONS, aside, check_tls, deliver, tls_of
from shouye.watch.intake import Decoded, Message, Refused, Session

_log = structlog.get_logger(__name__)
_READ_BYTES = 16_384
_TICK_S = 5.0
_COUNTS_EVERY_S = 1.0
_ATTEND_EVERY_S = 1.0
_BACKLOG = 1_024

_OPTIONS: dict[str, str | int | float | bool] = {
    "host": "127.0.0.1",
    "port": 0,
    "most_connections": 2_000,  # proposed, like all that follow
    "most_per_address": 2_000,
    "most_held_bytes": 65_536,
    "most_messages_per_s": 200,
    "most_bad_in_a_row": 20,
    "first_message_s": 30,
    "idle_s": 600,
    **TLS_OPTIONS,
}
_HANDSHAKE_S = 10.0
_NOISE = 4
"""How many times what a session may hold somebody may send without one message that can be read."""


@dataclass
class _Server:
    """One listening port: who is on the line, and what was turned away since the last count."""

    feed: Feed
    desk: Desk
    tls: ssl.SSLContext | None = None
    here: Counter[str] = field(default_factory=Counter)
    turned_away: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, list[Order]] = field(default_factory=dict)
    """召测 — by station, what no line has taken up yet."""
    taken_up: set[int] = field(default_factory=set)
    lines: dict[str, _Line] = field(default_factory=dict)
    """Who is on the line, by station."""
    steps: list[Step] = field(default_factory=list)

    def option(self, name: str) -> float:
        return float(self.feed.option(name, _OPTIONS[name]))

    def refusal(self, address: str) -> str:
        """Why this peer may not come in; empty when it may."""
        if not self.feed.admits(address):
            return "foreign network"
        if self.here.total() >= self.option("most_connections"):
            return "too many connections"
        if self.here[address] >= self.option("most_per_address"):
            return "too many of one address"
        return ""

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
        if self.tls and isinstance(writer.transport, asyncio.Transport):
            writer.transport.pause_reading()  # before the first byte of the handshake is taken for a message
        return self._meet(reader, writer)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("", 0))[0])
        if why := self.refusal(address):
            self.turned_away[why] += 1
            writer.close()
            return
        self.here[address] += 1
        try:
            if await self._shakes_hands(writer):
                await _Line(self, reader, writer, address).hear()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # the peer left, or we are stopping: what was not answered is sent again
        except Refusal as refusal:  # it was not stored: no answer leaves, the device sends again
            self.turned_away[type(refusal).__name__] += 1
        finally:
            await _end(writer)
            self.here[address] -= 1
            if not self.here[address]:
                del self.here[address]

    async def _shakes_hands(self, writer: asyncio.StreamWriter) -> bool:
        """握手 — at once, and within the bounds of any other line; counted when it fails, for whatever reason."""
        if self.tls is None:
            return True
        wait_s = min(_HANDSHAKE_S, self.option("first_message_s"))
        try:
            await writer.start_tls(self.tls, ssl_handshake_timeout=wait_s)
        except OSError:  # no TLS, no certificate or a foreign one, too slow, gone
            self.turned_away["tls failed"] += 1
            writer.transport.abort()
            return False
        return True

    def take_up(self, station: str) -> list[tuple[Order, Decoded]]:
        """What is to be asked of this station; from now on its line answers for it."""
        found = self.waiting.pop(station, [])
        self.taken_up |= {one.id for one in found}
        now, commands = self.desk.now(), self.feed.codec.commands
        return [(one, replace(commands[one.command].make(one.inquiry, now), order=one.id)) for one in found]

    async def attend(self) -> None:
        """召测 — once a second: what persons want to know; and write down what became of it."""
        while True:
            await asyncio.sleep(_ATTEND_EVERY_S)
            steps, self.steps = self.steps, []
            try:
                if steps:
                    await aside(self.desk.follow, steps)
                orders = await aside(self.desk.orders, self.feed.name)
            except Exception as error:  # noqa: BLE001 - the database is away: the listening goes on
                _log.warning("orders_away", feed=self.feed.name, error=type(error).__name__)
                self.steps = steps + self.steps
                continue
            settled = {number for number, state, _ in self.steps if state is not OrderState.SENT}
            self.taken_up &= {one.id for one in orders}
            self.waiting = {}
            for one in orders:
                if one.id not in self.taken_up | settled and one.command in self.feed.codec.commands:
                    self.waiting.setdefault(one.station, []).append(one)
            for station in self.waiting.keys() & self.lines.keys():
                self.lines[station].ask(station)

    async def count(self) -> None:
        """Turned-away connections are counted once a second, however many they were."""
        while True:
            await asyncio.sleep(_COUNTS_EVERY_S)
            gone, self.turned_away = self.turned_away, Counter()
            for why, many in sorted(gone.items()):
                await aside(self.desk.note, self.feed.name, why, many)


async def _end(writer: asyncio.StreamWriter) -> None:
    """What was answered still leaves, but whoever does not read it is not waited for."""
    if not writer.transport.is_closing():
        writer.close()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_TICK_S):
                await writer.wait_closed()
    writer.transport.abort()


class _Line:
    """One connection and its session."""

    def __init__(
        self, server: _Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        make = server.feed.codec.session
        assert make is not None, "checked when the block was read"
        self._server = server
        self._reader = reader
        self._writer = writer
        self._address = address
        self._session: Session = make(replace(server.feed.session_options, wanted=self._wanted))
        self._stations: set[str] = set()
        self._asked: dict[int, Order] = {}
        self._is_busy = False
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + server.option("first_message_s")
        self._bad = 0
        self._noise_bytes = 0

    async def hear(self) -> None:
        desk = self._server.desk
        try:
            while True:
                self._is_busy = False
                for station in self._server.waiting.keys() & self._stations:
                    self.ask(station)
                data = await self._read()
                self._is_busy = True
                if data is None:
                    messages, answer = self._session.tick(desk.now())
                elif data:
                    self._noise_bytes += len(data)
                    messages, answer = self._session.receive(data, desk.now())
                else:
                    return
                if not await self._take(messages, answer):
                    return
        finally:
            left = self._settle(self._session.close(desk.now()))
            self._server.steps += [(number, OrderState.WAITING, "") for number in self._asked]
            self._server.taken_up -= self._asked.keys()
            for station in self._stations:
                if self._server.lines.get(station) is self:
                    del self._server.lines[station]
            if left:
                await deliver(desk, self._server.feed, left, self._address)

    def _wanted(self, station: str) -> list[Decoded]:
        """待发命令 — the session asks as soon as a station speaks, so that it is kept on the line."""
        if station not in self._server.feed.listed:
            return []
        found = self._server.take_up(station)
        self._asked |= {one.id: one for one, _ in found}
        self._server.steps += [(one.id, OrderState.SENT, "") for one, _ in found]
        return [request for _, request in found]

    def ask(self, station: str) -> None:
        """召测 — what has come up since; while a message is being stored its answer goes first."""
        if self._is_busy:
            return
        for request in self._wanted(station):
            try:
                self._writer.write(self._session.send(request, self._server.desk.now()))
            except BadInput as refusal:
                self._server.steps.append((request.order, OrderState.UNANSWERED, str(refusal)))
                del self._asked[request.order]

    def _settle(self, messages: list[Message]) -> list[Message]:
        """What answers an order settles it; that nobody answered is told to who asked, not to the quarantine."""
        left: list[Message] = []
        for message in messages:
            order = self._asked.get(message.order)
            if isinstance(message, Refused):
                if order is None:
                    left.append(message)
                    continue
                step = (OrderState.UNANSWERED, message.detail)
            else:
                left.append(message)
                right = self._server.feed.codec.commands[order.command].settles(message) if order else None
                if order is None or right is None:
                    continue
                step = (OrderState.ANSWERED if right else OrderState.REFUSED, tell(message))
            self._server.steps.append((order.id, *step))
            del self._asked[order.id]
        return left

    async def _read(self) -> bytes | None:
        """Bytes, b"" when the line is to end, None when it is time for a tick.

        The deadline moves with whole messages alone: one byte a minute does not keep a line.
        """
        left = self._until - self._loop.time()
        if left <= 0:
            self._server.turned_away["idle"] += 1
            return b""
        try:
            async with asyncio.timeout(min(_TICK_S, left)):
                return await self._reader.read(_READ_BYTES)
        except TimeoutError:
            return None

    async def _take(self, messages: list[Message], answer: bytes) -> bool:
        """Store, then answer. False: enough of this peer."""
        messages = self._settle(messages)
        heard = self._up_to_noise(messages)
        if heard:
            await deliver(self._server.desk, self._server.feed, heard, self._address)
            if spoken := {message.station for message in heard if isinstance(message, Decoded)}:
                self._until = self._loop.time() + self._server.option("idle_s")
                self._stations |= spoken & self._server.feed.listed
                self._server.lines |= dict.fromkeys(self._stations, self)
        if len(heard) == len(messages):
            await self._write(answer)
        if self._is_noise:
            self._server.turned_away["noise"] += 1
            return False
        if messages:
            await asyncio.sleep(len(messages) / self._server.option("most_messages_per_s") - 0.05)
        return True

    def _up_to_noise(self, messages: list[Message]) -> list[Message]:
        """What is kept of them: nothing behind the place where it was enough, for that place is the end."""
        for number, message in enumerate(messages, start=1):
            if isinstance(message, Decoded):
                self._bad = self._noise_bytes = 0
            else:
                self._bad += 1
            if self._is_noise:
                return messages[:number]
        return messages

    @property
    def _is_noise(self) -> bool:
        """Too many bad messages in a row, or too many bytes and no message that could be read."""
        held = self._server.option("most_held_bytes")
        return self._bad > self._server.option("most_bad_in_a_row") or self._noise_bytes > _NOISE * held

    async def _write(self, data: bytes) -> None:
        if data:
            self._writer.write(data)
            async with asyncio.timeout(_TICK_S):
                await self._writer.drain()


async def _run(feed: Feed, desk: Desk) -> None:
    server = _Server(feed, desk, tls_of(feed, server=True))
    host, port = str(feed.option("host", _OPTIONS["host"])), int(feed.option("port", 0))
    listener = await asyncio.start_server(server.meet, host, port, limit=_READ_BYTES, backlog=_BACKLOG)
    desk.opened(feed.name, listener.sockets[0].getsockname()[1])
    async with listener, asyncio.TaskGroup() as group:
        group.create_task(server.count())
        if feed.codec.commands:
            group.create_task(server.attend())
        group.create_task(listener.serve_forever())


def _check(feed: Feed) -> None:
    if feed.codec.session is None:
        raise BadFeed(f"{feed.name}：规约 {feed.codec_name} 没有会话，不能用 tcp 接入")
    check_tls(feed, server=True)


TRANSPORT = Transport(term="TCP 服务端", run=_run, options=_OPTIONS, required=("port",), check=_check)
