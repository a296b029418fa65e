"""/health — for a watcher here or with a key; it says what is wrong with the program and whom it does not hear."""

from __future__ import annotations

import re
from datetime import timedelta

from shouye.base import pulse
from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.base.kernel import PacedClock, WallClock, enqueue
from shouye.base.pulse import Voice, Voices
from tests.doors.web.conftest import Console


def test_it_says_what_is_wrong_and_whom_it_does_not_hear(acting: Console) -> None:
    database, client = acting.city.database, acting.client()
    now = database.clock.now()
    voice = Voice("feed", "rain-net", "雨量网", timedelta(minutes=5), now - timedelta(hours=1))
    database.install(Voices({"feed": lambda tx: [voice], "job": pulse.house_probes()["job"]}))
    pulse.PulseClock().run_due(database)
    answer = client.get("/health")
    assert answer.status_code == 200, "a feed that is silent is not an illness of ours"
    said = answer.json()
    assert [(line["text"], line["silent"], line["of"]) for line in said["silent"]] == [
        ("数据来源雨量网听不到", 1, 1)
    ]
    assert [(feed["name"], feed["silent_since"] is not None) for feed in said["feeds"]] == [("rain-net", True)]
    assert said["database"] == "sqlite"

    with database.begin() as tx:
        enqueue(tx, kind="assess.wake", lane="engine", due_at=tx.now - timedelta(minutes=5), payload={})
    clock = database.clock
    database.clock = PacedClock(now + timedelta(minutes=2), 1e-6)
    try:
        pulse.PulseClock().run_due(database)
        answer = client.get("/health")
    finally:
        database.clock = clock
    assert answer.status_code == 503
    assert answer.json()["queues"]["engine_waits_s"] >= 300
    assert "后台作业研判听不到" in answer.text


def test_it_says_when_the_clock_of_the_machine_was_set(acting: Console) -> None:
    """The duty office sees it on the desk and says there that it has looked."""
    database, client = acting.city.database, acting.client("duty")
    shown = [WallClock().now()]
    begun = database.clock
    database.clock = WallClock(lambda: shown[0], lambda: 0.0)
    try:
        shown[0] -= timedelta(hours=1)
        pulse.ClockWatch(database.clock).run_due(database)
        said = client.get("/health").json()["clock"]
        assert (said["behind_s"], said["stepped_s"], said["stepped_at"] is not None) == (3600.0, -3600, True)
        desk = client.get("/tasks").text
        assert "机器时钟往回跳了 1 小时" in desk
        (number,) = re.findall(r"/tasks/(\d+)/checked", desk)[:1]
        assert client.post(f"/tasks/{number}/checked", {"csrf": acting.csrf("duty")}).status_code == 303
        assert "机器时钟往回跳了" not in client.get("/tasks").text
    finally:
        database.clock = begun


def test_behind_a_proxy_it_wants_a_key(acting: Console) -> None:
    client = acting.client()
    away = {"X-Forwarded-For": "203.0.113.9"}
    assert client.request("GET", "/health", headers=away).status_code in (303, 401)
    with acting.city.database.begin() as tx:
        _, token = issue_key(tx, OPERATOR, purpose=Purpose.READ, division="dt", days=1)
    known = away | {"Authorization": f"Bearer {token}"}
    assert client.request("GET", "/health", headers=known).status_code == 200
