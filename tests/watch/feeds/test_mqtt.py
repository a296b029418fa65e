"""A real Mosquitto: stored before acknowledged, sent again after a restart of either side."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.kernel import Database
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import BadFeed, Feed
from shouye.watch.feeds.blocks import check_block
from tests.servers import Mosquitto
from tests.watch.feeds.town import body, pushed, report, row, town, wait_for


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    found = Mosquitto(folder)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    yield found
    found.close()


def heard(broker: Mosquitto, version: str = "3.1.1", **said: Any) -> Feed:
    options = {"host": "127.0.0.1", "port": broker.port, "topic": "rain/+/up", "version": version}
    settings = {
        "rows": ".",
        "station": "topic:2",
        "time": "ts",
        "time_format": "epoch_ms",
        "column.r5": "rain_mm mm",
    }
    given = {"name": "mqtt", "transport": "mqtt", "settings": settings, "options": options}
    return pushed(**{**given, **said})


def payload(minute: float, rain_mm: float) -> bytes:
    at_ms = 1_784_505_600_000 + round(minute * 60_000)  # 2026-07-20 08:00 of Beijing
    return json.dumps({"ts": at_ms, "r5": rain_mm}).encode()


def publish(broker: Mosquitto, *messages: tuple[str, bytes]) -> None:
    async def send() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for topic, content in messages:
                await client.publish(topic, content, qos=1)

    # In a thread of its own: a browser test may have left a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, send()).result()


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


def stored(database: Database) -> list[tuple[str, int, float | None]]:
    with database.read() as tx:
        found = observe.history(tx, ["53486", "53487"], "rain_mm")
    return [(one.station, one.time.hour * 60 + one.time.minute - 480, one.value) for one in found]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_json_of_a_department_by_its_own_mapping(database: Database, broker: Mosquitto, version: str) -> None:
    feed = heard(broker, version)
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        publish(
            broker,
            ("rain/a/up", payload(0, 1.5)),
            ("rain/b/up", payload(5, 2.5)),
            ("rain/stranger/up", payload(0, 9)),
            ("rain/a/up", b"{"),
            ("rain/a/up", payload(0, 1.5)),
        )
        wait_for(lambda: sum(counted(database).get(what, 0) for what in ("accepted", "duplicate", "refused")) == 5)
    assert stored(database) == [("53486", 0, 1.5), ("53487", 5, 2.5)]
    assert counted(database) == {
        "accepted": 2,
        "duplicate": 1,
        "refused": 2,
        "refused header": 1,
        "refused station": 1,
    }


def sessions(broker: Mosquitto) -> bool:
    """Has our listener subscribed?"""
    return "Sending SUBACK to shouye-mqtt" in broker.log()


def test_frames_of_a_protocol_may_come_over_mqtt(database: Database, broker: Mosquitto) -> None:
    feed = heard(broker, codec_name="sl651", settings={}, stations={"0014020001": "53487"})
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        publish(broker, ("rain/a/up", report(5, "2.5")))
        wait_for(lambda: counted(database).get("accepted"))
    assert [value for _, _, value in stored(database)] == [2.5]


def test_what_was_sent_while_we_were_away_comes_later(database: Database, broker: Mosquitto) -> None:
    feed = heard(broker)
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        publish(broker, ("rain/a/up", payload(0, 1)))
        wait_for(lambda: counted(database).get("accepted"))
    publish(broker, ("rain/a/up", payload(5, 2)), ("rain/a/up", payload(10, 3)))
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: counted(database).get("accepted") == 3)
    assert stored(database) == [("53486", 0, 1.0), ("53486", 5, 2.0), ("53486", 10, 3.0)]


def test_what_could_not_be_stored_is_not_acknowledged(
    database: Database, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> None:
        raise OSError("disk full")

    feed = heard(broker)
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        monkeypatch.setattr("shouye.watch.feeds.service.observe.store_batch", away)
        publish(broker, ("rain/a/up", payload(0, 1.5)))
        wait_for(lambda: counted(database).get("transport failed"))
        assert stored(database) == []
        monkeypatch.undo()
        wait_for(lambda: counted(database).get("accepted"))
    assert stored(database) == [("53486", 0, 1.5)]


def test_the_broker_is_started_again_under_load(database: Database, broker: Mosquitto) -> None:
    """Every publication that the broker acknowledged is stored in the end, once, and no other."""
    feed = heard(broker)
    told: list[int] = []
    over = threading.Event()

    async def load() -> None:
        minute = 0
        while not over.is_set():
            try:
                async with aiomqtt.Client("127.0.0.1", broker.port, timeout=2) as client:
                    while not over.is_set():
                        await client.publish("rain/a/up", payload((minute - 100_000) / 60, minute / 100), qos=1)
                        told.append(minute)
                        minute += 1
                        await asyncio.sleep(0.003)
            except aiomqtt.MqttError:
                minute += 1  # not acknowledged: nobody promised it
                await asyncio.sleep(0.05)

    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        sender = threading.Thread(target=lambda: asyncio.run(load()))
        sender.start()
        for _ in range(2):
            time.sleep(0.6)
            broker.stop()
            broker.start()
        time.sleep(0.6)
        over.set()
        sender.join()
        wanted = {minute / 100 for minute in told}
        wait_for(lambda: wanted <= {value for _, _, value in stored(database)}, 20)
    extra = {value for _, _, value in stored(database)} - wanted
    assert extra <= {minute / 100 for minute in range(max(told) + 3)}, "only what was really sent"
    assert len(stored(database)) == len({value for _, _, value in stored(database)})


@pytest.mark.parametrize("wrong", [{"version": "4"}, {"password": "secret"}])
def test_a_wrong_block_is_refused(broker: Mosquitto, wrong: dict[str, str]) -> None:
    feed = heard(broker)
    with pytest.raises(BadFeed):
        check_block(pushed(options={**feed.options, **wrong}), feeds.all_transports()["mqtt"], "here")


def test_a_push_body_is_read_over_mqtt_as_over_http(database: Database, broker: Mosquitto) -> None:
    feed = heard(broker, settings={}, options={"host": "127.0.0.1", "port": broker.port, "topic": "push"})
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        publish(broker, ("push", body(row("a", 0, 1.0), row("b", 0, 2.0))))
        wait_for(lambda: counted(database).get("accepted") == 2)


@settings(max_examples=8)
@given(payloads=st.lists(st.binary(max_size=300) | st.text(max_size=40).map(str.encode), min_size=5, max_size=20))
def test_no_payload_breaks_the_listener(fuzzed_broker: tuple[Mosquitto, Database], payloads: list[bytes]) -> None:
    broker, database = fuzzed_broker
    before = counted(database).get("duplicate", 0) + counted(database).get("accepted", 0)
    publish(broker, *(("rain/a/up", one) for one in payloads), ("rain/a/up", payload(0, 1.5)))
    wait_for(lambda: counted(database).get("duplicate", 0) + counted(database).get("accepted", 0) > before)


@pytest.fixture(scope="module")
def fuzzed_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mosquitto, Database]]:
    folder = tmp_path_factory.mktemp("fuzz")
    broker, database = Mosquitto(folder), town(f"sqlite:///{folder / 'town.db'}")
    broker.start()
    feed = heard(broker)
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: sessions(broker))
        yield broker, database
    broker.stop()
    database.close()
