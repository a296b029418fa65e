"""A department pushes its readings: every row is answered, what is accepted is on disk, a key feeds one feed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shouye.base.access import OPERATOR, WHOLE, Purpose, issue_key
from shouye.doors.cli import simulation
from shouye.doors.web.security import MAX_PUSH
from shouye.watch import observe, tally
from shouye.watch.feeds import Feed, Reception
from shouye.watch.stations import gauges
from tests.doors.web.conftest import Client, Console, served
from tests.watch.feeds.town import FRAMES, body, hydrology, pushed, row

STATIONS = {"a": "53594", "b": "53590"}


@pytest.fixture
def pushing(acting: Console) -> Iterator[Console]:
    """The console of a process that takes data: one feed of JSON, one of frames, one of a foreign network."""
    feeds: dict[str, Feed] = {
        "push": pushed(stations=STATIONS),
        "frames": replace(hydrology(), name="frames", transport="http"),
        "line": hydrology(),
    }
    desk = Reception(acting.city.database, feeds)
    with desk.running(transported=False):
        yield Console(replace(acting.city, reception=desk), acting.tokens)


def key(console: Console, feed: str, division: str = "dt") -> dict[str, str]:
    with console.city.database.begin() as tx:
        _, token = issue_key(tx, OPERATOR, purpose=Purpose.PUSH, division=division, days=1, feed=feed)
    return {"Authorization": f"Bearer {token}"}


def push(client: Client, data: bytes, headers: dict[str, str]) -> Any:
    return client.send_bytes("/api/v1/push", data, headers)


def test_every_row_is_answered_and_what_is_accepted_is_stored(pushing: Console) -> None:
    client, known = pushing.client(), key(pushing, "push")
    year = pushing.city.clock.now().year
    rows = (row("a", 0, 1.5, year=year - 1), row("x", 0, 1, year=year - 1), row("a", 0, "?", year=year - 1))
    answer = push(client, body(*rows), known)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(one["row"], one["standing"], one["word"]) for one in told.pop("rows")] == [
        (1, "accepted", "已收"),
        (2, "refused", "拒收"),
        (3, "refused", "拒收"),
    ]
    assert told == {"feed": "push", "accepted": 1, "duplicate": 0, "refused": 2, "test": 0, "noted": 0}
    with pushing.city.database.read() as tx:
        (stored,) = [one for one in observe.history(tx, ["53594"], "rain_mm") if one.time.year == year - 1]
    assert stored.value == 1.5
    assert push(client, body(rows[0]), known).json()["duplicate"] == 1
    counts = {one["name"]: one["counts"] for one in pushing.client("viewer").get("/api/v1/feeds").json()}
    assert counts["push"]["accepted"] == 1


def test_frames_of_a_protocol_may_be_pushed_as_they_are(pushing: Console) -> None:
    answer = push(pushing.client(), FRAMES["heartbeat"] + FRAMES["heartbeat"][:9], key(pushing, "frames"))
    assert [one["standing"] for one in answer.json()["rows"]] == ["noted", "refused"]


def test_what_nobody_can_read_is_refused_as_a_whole(pushing: Console) -> None:
    known = key(pushing, "push")
    for data in (b"{", b"\xff\xfe", b'{"readings": 3}', b'{"readings": [{}]}', b"[" * 100_000):
        answer = push(pushing.client(), data, known)
        assert answer.status_code == 422
        assert answer.json()["refused"] == 1
    halves = ({"station": "\ud800"}, {"unit": "\ud800"}, {"value": "\ud800"}, {"time": "\ud800\0"})
    for half in halves:
        answer = push(pushing.client(), body(row("a", 0, 1) | half), known)
        assert (answer.status_code, answer.json()["refused"]) == (422, 1), half
    assert push(pushing.client(), b'{"readings": []}', known).status_code == 400
    assert push(pushing.client(), b" " * (MAX_PUSH + 1), known).status_code == 413


def test_a_key_feeds_its_own_feed_from_its_own_network(pushing: Console) -> None:
    assert push(pushing.client(), body(), key(pushing, "nowhere")).status_code == 404
    assert push(pushing.client(), body(), key(pushing, "line")).status_code == 403
    assert push(pushing.client(), body(row("a", 0, 1)), {}).status_code == 401


def test_a_county_s_key_speaks_for_its_own_stations(pushing: Console) -> None:
    with pushing.city.database.read() as tx:
        county = gauges(tx, WHOLE)["53594"].county
        other = next(one.county for one in gauges(tx, WHOLE).values() if one.county != county)
    data = body(row("a", 0, 1, year=pushing.city.clock.now().year - 1))
    desk = Reception(pushing.city.database, {"push": pushed(stations={"a": "53594"})})
    with desk.running(transported=False):
        client = Console(replace(pushing.city, reception=desk), pushing.tokens).client()
        refused = push(client, data, key(pushing, "push", other))
        assert (refused.status_code, refused.json()["rows"][0]["detail"]) == (422, "测站 53594 不在密钥的管辖范围")
        assert push(client, data, key(pushing, "push", county)).json()["accepted"] == 1


def test_a_source_is_simulated_over_the_console(pushing: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "WallClock", lambda: pushing.city.clock)
    token = key(pushing, "push")["Authorization"].removeprefix("Bearer ")
    with served(pushing) as address:
        plan = simulation.Plan(pushed(stations=STATIONS), 50, 0.1, int(address.rpartition(":")[2]), token)
        told = simulation.all_carriers()["http"].carry(plan)
    assert told == {"已收": 5}, "each larger than the one before"
    with pushing.city.database.read() as tx:
        flags = {one.station: flag.why for one in observe.latest_all(tx, WHOLE) for flag in one.flags}
    assert flags == dict.fromkeys(STATIONS.values(), "演练数据")


def test_a_process_without_intake_says_so(acting: Console) -> None:
    answer = push(acting.client(), body(row("a", 0, 1)), key(acting, "push"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "本进程不接收数据。")


def test_what_is_packed_is_refused_in_words(pushing: Console) -> None:
    client, known = pushing.client(), key(pushing, "push")
    packed = gzip.compress(body(row("a", 0, 1.5)))
    for said in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}, {}):
        answer = push(client, packed, known | said)
        assert answer.status_code == 415, answer.text
        assert "不经压缩" in answer.text


def test_a_long_document_is_answered_row_by_row_and_fills_nothing(pushing: Console) -> None:
    client, known = pushing.client(), key(pushing, "push")
    answer = push(client, body(*[row("a", 0, f"?{number}") for number in range(1_100)]), known)
    assert answer.status_code == 422, answer.text
    assert [one["row"] for one in answer.json()["rows"]] == list(range(1, 1_101))
    with pushing.city.database.read() as tx:
        counts = {one.what: one.count for one in tally.counts(tx)}
        held = tally.held(tx, WHOLE, limit=9_999)
    assert counts["refused"] == 1_100
    assert len(held) == 1_000
    assert "?1099" in held[0].raw.decode()
