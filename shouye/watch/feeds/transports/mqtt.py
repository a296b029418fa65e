"""MQTT 3.1.1、5.0 — a department's broker: subscribed at QoS 1, each message acknowledged after it is stored.

The broker keeps our session (`client_id`): what it has not been told we stored it sends again, also after a
restart on either side. Publishers should use QoS 1; QoS 0 is promised by nobody, and beyond a bound it is counted
and left. Whoever may publish is the broker's to say: a station is believed within the block's list.
`${NAME}` in `username` and `password` is taken from the environment. With `tls` the broker shows a certificate
of `ca_file` (else of the system's); `cert_file` and `key_file` are ours, for a broker that asks.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from shouye.base.kernel import draw
from shouye.watch.feeds.model import BadFeed, Desk, Feed, Transport
from shouye.watch.feeds.transports import TLS_OPTIONS, aside, check_tls, deliver, tls_of
from shouye.watch.intake import Message, RefusalCode, Refused, read_messages

_OPTIONS: dict[str, str | int | float | bool] = {
    "host": "127.0.0.1",
    "port": 1883,
    "version": "3.1.1",
    "topic": "",
    "client_id": "",
    "username": "",
    "password": "",
    **TLS_OPTIONS,
    "timeout_s": 10,
    "keepalive_s": 30,  # proposed, like all that follow
    "most_bytes": 262_144,
    "most_waiting": 10_000,
}
_MOST_TOGETHER = 500
_MOST_BYTES_TOGETHER = 4 * 1024 * 1024
_MOST_WAITING_BYTES = 64 * 1024 * 1024
_AT_ONCE = 65_536
"""Payloads as small as this are read at once; larger ones in a thread, so that they hold up no other source."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_SESSION_S = 7 * 24 * 3600
_VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}


class _Socket(ssl.SSLSocket):
    """Closed when the handshake fails; the client library leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            self.close()
            raise


class _Listener(aiomqtt.Client):
    """A client that tells the broker only what is stored; QoS 0 beyond the bounds is counted and left.

    Of a payload that is too large only the beginning is kept, so that nobody fills the memory with what waits.
    """

    def __init__(self, *given: Any, most_waiting: int, most_bytes: int, **named: Any) -> None:
        super().__init__(*given, **named)
        self._client.manual_ack_set(True)
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._bytes = 0
        self.waiting: asyncio.Queue[Any] = asyncio.Queue()
        self.left = 0

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        if message.qos == 0 and (self.waiting.qsize() >= self._most_waiting or self._bytes >= _MOST_WAITING_BYTES):
            self.left += 1
            return
        message.payload = message.payload[: self._most_bytes + 1]
        self._bytes += len(message.payload)
        self.waiting.put_nowait(message)

    async def some(self) -> list[Any]:
        """What has come, at least one; ends with the connection."""
        coming = asyncio.ensure_future(self.waiting.get())
        try:
            await asyncio.wait((coming, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise self._disconnected.exception() or aiomqtt.MqttError("disconnected")
        finally:
            if not coming.done():
                coming.cancel()
        found = [coming.result()]
        size = len(found[0].payload)
        while len(found) < _MOST_TOGETHER and size < _MOST_BYTES_TOGETHER and not self.waiting.empty():
            found.append(self.waiting.get_nowait())
            size += len(found[-1].payload)
        self._bytes -= size
        return found

    def acknowledge(self, message: Any) -> None:
        if message.qos:
            self._client.ack(message.mid, message.qos)


def _decoded(feed: Feed, message: Any) -> Sequence[Message]:
    """One payload as the feed's codec reads it; the topic is told to the mapping."""
    payload = bytes(message.payload)
    most = int(feed.option("most_bytes", _OPTIONS["most_bytes"]))
    if len(payload) > most:
        return [Refused(RefusalCode.LENGTH, f"超过 {most} 字节", payload[:most])]
    options = replace(feed.session_options, settings={**feed.settings, "topic": str(message.topic)})
    return list(read_messages(feed.codec, payload, options))


def _all_decoded(feed: Feed, heard: Sequence[Any]) -> list[Message]:
    return [message for one in heard for message in _decoded(feed, one)]


async def _hear(feed: Feed, desk: Desk, client: _Listener) -> None:
    """Until the connection ends: store, then acknowledge."""
    host = str(feed.option("host", _OPTIONS["host"]))
    while True:
        heard = await client.some()
        small = sum(len(one.payload) for one in heard) <= _AT_ONCE
        messages = _all_decoded(feed, heard) if small else await aside(_all_decoded, feed, heard)
        if messages:
            await deliver(desk, feed, messages, host)
        for one in heard:
            client.acknowledge(one)
        if client.left:
            left, client.left = client.left, 0
            await aside(desk.note, feed.name, "qos 0 left", left)


def _client(feed: Feed) -> _Listener:
    version = str(feed.option("version", "3.1.1"))
    named: dict[str, Any] = {}
    if version == "5":
        make: Any = Properties
        properties = make(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = _SESSION_S
        named = {"properties": properties, "clean_start": False}
    else:
        named = {"clean_session": False}
    if context := tls_of(feed, server=False):
        context.sslsocket_class = _Socket
        named["tls_context"] = context
    if user := _filled(feed, "username"):
        named |= {"username": user, "password": _filled(feed, "password")}
    return _Listener(
        str(feed.option("host", _OPTIONS["host"])),
        int(feed.option("port", _OPTIONS["port"])),
        identifier=str(feed.option("client_id")) or f"shouye-{feed.name}",
        protocol=_VERSIONS[version],
        timeout=float(feed.option("timeout_s", _OPTIONS["timeout_s"])),
        keepalive=int(feed.option("keepalive_s", _OPTIONS["keepalive_s"])),
        most_waiting=int(feed.option("most_waiting", _OPTIONS["most_waiting"])),
        most_bytes=int(feed.option("most_bytes", _OPTIONS["most_bytes"])),
        **named,
    )


def _filled(feed: Feed, name: str) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), str(feed.option(name)))


async def _run(feed: Feed, desk: Desk) -> None:
    """Connect, and connect again after a growing, jittered pause."""
    number, pause = 0, _FIRST_PAUSE_S
    while True:
        try:
            async with _client(feed) as client:
                for topic in str(feed.option("topic")).split():
                    await client.subscribe(topic, qos=1)
                pause = _FIRST_PAUSE_S
                await _hear(feed, desk, client)
        except aiomqtt.MqttError as error:
            shown = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            await aside(desk.note, feed.name, "tls failed" if shown else "broker away")
        number += 1
        await asyncio.sleep(pause * (0.5 + draw(0, feed.name, number)))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _check(feed: Feed) -> None:
    if str(feed.option("version", "3.1.1")) not in _VERSIONS:
        raise BadFeed(f"{feed.name}：version 可用 {'、'.join(_VERSIONS)}")
    if feed.option("password") and not re.fullmatch(r"\$\{\w+\}", str(feed.option("password"))):
        raise BadFeed(f"{feed.name}：口令不得写在接入块里，请写 ${{环境变量}}")
    check_tls(feed, server=False)


TRANSPORT = Transport(term="MQTT", run=_run, options=_OPTIONS, required=("host", "topic"), check=_check)
