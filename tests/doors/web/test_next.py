"""下一步 — his own posts first, then what is overdue, then by due time; a report never before a door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shouye.base import tasks
from shouye.base.access import SYSTEM, WHOLE, Actor, Role, Scope
from shouye.base.tasks import NewTask
from shouye.doors.web.pages.tasks.action import next_task, ordered
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import ENVIRONMENT
from tests.doors.web.conftest import Console

HERE, THERE = "dt/city_duty", "dt-c08/county_duty"


def test_the_order_of_what_is_owed(acting: Console) -> None:
    now = acting.city.clock.now()
    asked = [  # what, who, minutes until due
        ("return", HERE, -90),
        ("door", THERE, 5),
        ("takeover", THERE, -5),
        ("review", HERE, 60),
        ("door", HERE, 30),
        ("takeover", HERE, -1),
    ]
    with acting.city.database.begin() as tx:
        tasks.cancel(tx, SYSTEM, [task.id for task in tasks.owed(tx, WHOLE)])
        new = [
            NewTask(kind, "notice:1", f"{kind} {minutes}", "dt", owner, now + timedelta(minutes=minutes), kind)
            for kind, owner, minutes in asked
        ]
        tasks.open_tasks(tx, new)
    actor = Actor("user:1", "", Role.DUTY, Scope("dt"), (HERE,))
    with acting.city.database.read() as tx:
        rows = ordered(Sight(tx, acting.city.roster, actor.scope), actor)
    titles = ["takeover -1", "door 30", "review 60", "takeover -5", "door 5", "return -90"]
    assert [task.title for task, _ in rows] == titles
    first = next_task(rows)
    assert first is not None
    assert first[0].title == "takeover -1"
    text = acting.client("duty").get("/").text
    assert text.index("takeover -1") < text.index("我来接手")


def test_what_he_may_not_do_is_not_his_next_step(acting: Console) -> None:
    with acting.city.database.begin() as tx:
        tasks.cancel(tx, SYSTEM, [task.id for task in tasks.owed(tx, WHOLE)])
        due = acting.city.clock.now() + timedelta(minutes=1)
        tasks.open_tasks(tx, [NewTask("door", "notice:1", "一扇门", "dt", HERE, due, "door")])
    assert "现在没有要你办的事" in acting.client("viewer").get("/tasks").text
    assert "派人敲门" in acting.client("duty").get("/tasks").text.split("<table>")[0]


def test_a_time_of_another_day_carries_its_day_on_every_page() -> None:
    page = ENVIRONMENT.from_string("{{ at|hm }} {{ at|hms }}")
    at, later = datetime(2025, 11, 27, 6, 30, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert page.render(at=at, now=at) == "14:30 14:30:00"
    assert page.render(at=at, now=later) == "2025-11-27 14:30 2025-11-27 14:30:00"
    assert page.render(at=later, now=later + timedelta(days=1)) == "01-02 08:00 01-02 08:00:00"
