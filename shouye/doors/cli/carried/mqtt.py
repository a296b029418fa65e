"""MQTT — published to the broker of this machine, QoS 1, on the block's first topic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiomqtt

from shouye.base.kernel import BadInput
from shouye.doors.cli.simulation import LOOPBACK, WORD, Carrier, Plan
from shouye.watch.feeds import Feed


def _carry(plan: Plan) -> Mapping[str, int]:
    port = plan.here(str(plan.feed.option("host", LOOPBACK)), int(plan.feed.option("port", 1883)))
    if plan.feed.option("tls", False) and not plan.port:
        raise BadInput("接入块要求 TLS：演练请用 --port 给出本机不加密的端口")
    with asyncio.Runner() as loop:

        async def connected() -> aiomqtt.Client:
            return await aiomqtt.Client(LOOPBACK, port).__aenter__()

        try:
            client = loop.run(connected())
        except aiomqtt.MqttError as error:
            raise ConnectionError(str(error)) from None

        def send(station: str, data: bytes) -> str:
            loop.run(client.publish(_topic(plan.feed, station), data, qos=1))
            return "代理已收"

        try:
            return plan.drive(send)
        except aiomqtt.MqttError as error:
            raise ConnectionError(str(error)) from None
        finally:
            loop.run(client.__aexit__(None, None, None))


def _topic(feed: Feed, station: str) -> str:
    """The block's first topic with the station where its mapping looks for it."""
    parts = str(feed.option("topic")).split()[0].split("/")
    where = str(feed.settings.get("station", ""))
    at = int(where.removeprefix("topic:")) if where.startswith("topic:") else 0
    named = [station if number == at else part for number, part in enumerate(parts, start=1)]
    return "/".join(WORD if part in ("+", "#") else part for part in named)


CARRIER = Carrier(carry=_carry)
