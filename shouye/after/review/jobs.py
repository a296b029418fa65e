"""演练中的外界 — the storm that falls and the people who decide, as sources of due work."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shouye.after.review.model import Deciders
from shouye.after.review.service import reached_by
from shouye.base import tasks
from shouye.base.access import SYSTEM, WHOLE, named
from shouye.base.kernel import Database, Tx, WallClock, draw, draw_between, facts_since
from shouye.base.roster import DivisionLevel, Roster
from shouye.during import byhand, call, warn
from shouye.watch import assess, observe

ACTED_ON = ("approve", "review", "takeover", "door", "support")
"""事项类别 — what the simulated deciders of a drill take in hand."""


def how_far(path: Path, print_of: str) -> datetime | None:
    """演到何时 — the drill in this file; None when there is none, or it was not ready to begin."""
    if not path.exists():
        return None
    database = Database(f"sqlite:///{path}", WallClock())
    try:
        if database.version() is None:
            return None
        with database.read() as tx:
            return reached_by(tx, print_of)
    finally:
        database.close()


@dataclass
class StormPlayer:
    """落雨 — hands the storm's readings to observation as they would have arrived.

    In a drill that goes on, what was due by the instant it had `reached` lies in the database: rain comes first.
    """

    readings: Sequence[observe.Reading]
    delay: timedelta
    reached: datetime | None = None
    _next: int = 0

    def __post_init__(self) -> None:
        if self.reached is not None:
            self._next = sum(reading.time + self.delay <= self.reached for reading in self.readings)

    def next_at(self, tx: Tx) -> datetime | None:
        if self._next >= len(self.readings):
            return None
        return self.readings[self._next].time + self.delay

    def run_due(self, database: Database) -> int:
        now = database.clock.now()
        first = self._next
        while self._next < len(self.readings) and self.readings[self._next].time + self.delay <= now:
            self._next += 1
        batch = self.readings[first : self._next]
        if batch:
            with database.begin() as tx:
                observe.store_batch(tx, batch)
        return len(batch)


@dataclass
class DeciderPlayer:
    """模拟决策 — posts that read, are absent, refuse, take over and send people; deterministic by seed.

    What they have in mind follows from the tasks that were opened, so that nothing need be kept of it: in a drill
    that goes on they plan all of it anew and leave out what lies before the instant it had `reached`. What falls
    on that instant is done again where it was not: each act finds what is still to do.
    """

    deciders: Deciders
    seed: int
    reached: datetime | None = None
    _planned: list[tuple[datetime, int, str]] = field(default_factory=list)
    _last: int = 0
    _last_fact: int = 0
    _free_at: dict[str, datetime] = field(default_factory=dict)

    def next_at(self, tx: Tx) -> datetime | None:
        for task in tasks.opened_after(tx, self._last, ACTED_ON):
            self._last = task.id
            self._plan(tx, task)
        for fact in facts_since(tx, self._last_fact, ("CallsLate",)):
            self._last_fact = fact.id
            for task in tasks.in_group(tx, fact.subject, "door"):
                if task.closed_at is None and task.opened_at <= fact.at:  # it has grown: its owner looks again
                    self._plan(tx, task, since=fact.at)
        arrivals = [visit.eta_at for visit in byhand.visits(tx, WHOLE, only_open=True)]
        return min([*arrivals, *(item[0] for item in self._planned[:1])], default=None)

    def run_due(self, database: Database) -> int:
        """One act, or one arrival."""
        with database.begin() as tx:
            if self._planned and self._planned[0][0] <= tx.now:
                _, number, post = heapq.heappop(self._planned)
                self._act(tx, tasks.task(tx, WHOLE, number), post)
                return 1
            arrived = [visit for visit in byhand.visits(tx, WHOLE, only_open=True) if visit.eta_at <= tx.now]
            for visit in arrived[:1]:
                found = draw(self.seed, "door", visit.notice, visit.division, visit.id) < self.deciders.found
                byhand.end_visit(tx, SYSTEM, visit.id, found=found)
            return len(arrived[:1])

    def _plan(self, tx: Tx, task: tasks.Task, since: datetime | None = None) -> None:
        """When somebody gets to it: a person does one thing after another, and may not be there at all."""
        post, from_at = task.owner, since or task.opened_at
        reading = {
            "approve": self.deciders.approve_s,
            "review": self.deciders.review_s,
            "takeover": self.deciders.takeover_s,
            "door": self.deciders.door_s,
            "support": self.deciders.takeover_s,
        }[task.kind]
        if task.kind == "approve" and draw(self.seed, "absent", task.id) < self.deciders.absent:
            others = tx.of(warn.WarnPolicy).approvers[1:]
            post, from_at = (others[0] if others else post), task.due_at
        begin = max(from_at, self._free_at.get(post, from_at))
        seconds = round(draw_between(*reading, self.seed, task.kind, task.id))
        at = begin + timedelta(seconds=seconds)
        if task.kind == "approve":
            self._free_at[post] = at
        if self.reached is None or at >= self.reached:
            heapq.heappush(self._planned, (at, task.id, post))

    def _act(self, tx: Tx, task: tasks.Task, post: str) -> None:
        if task.state not in (tasks.TaskState.OPEN, tasks.TaskState.ACKNOWLEDGED):
            return
        if task.kind == "approve":
            self._decide(tx, task, post)
        elif task.kind == "review":
            self._review(tx, task, post)
        elif task.kind == "takeover":
            self._take_over(tx, task, post)
        elif task.kind == "support":
            tasks.complete(tx, named(post), [task.id])
        else:
            self._send_people(tx, task, post)

    def _decide(self, tx: Tx, task: tasks.Task, post: str) -> None:
        """Whoever reads a county's proposal signs all that lies there for that county: one ring, not two."""
        number = int(task.detail["proposal"])
        if draw(self.seed, "refuse", task.id) < self.deciders.refuse:
            warn.refuse(tx, named(post), number, "模拟决策：暂不签发，继续观察")
        else:
            warn.approve_together(tx, named(post), number, "模拟决策")

    def _review(self, tx: Tx, task: tasks.Task, post: str) -> None:
        notice = warn.notice(tx, WHOLE, int(task.detail["notice"]))
        situation = assess.situation(tx, WHOLE, notice.hazard, notice.county)
        if situation is not None and situation.level is None and not situation.unknown:
            warn.withdraw(tx, named(post), notice.id, "模拟决策：复核时已无险情", ground="ended")
        else:
            warn.extend(tx, named(post), notice.id, "模拟决策：险情仍在或未知，延长")

    def _take_over(self, tx: Tx, task: tasks.Task, post: str) -> None:
        still = call.obligations_by_id(tx, WHOLE, task.detail["obligations"], (call.CallState.UNREACHED,))
        if still:
            call.take_over(tx, named(post), [item.id for item in still])

    def _send_people(self, tx: Tx, task: tasks.Task, post: str) -> None:
        """Send one person to each place on the list that nobody walks to yet."""
        wanted = task.detail["obligations"]
        roster = tx.of(Roster)
        notice = int(task.detail["notice"])
        waiting = (*call.OPEN, call.CallState.HANDED_OVER)
        unheard = call.obligations_by_id(tx, WHOLE, wanted, waiting)
        places = list(dict.fromkeys(item.division for item in unheard))
        since = max((item.opened_at for item in unheard), default=tx.now)  # a new round is a new walk
        awake = call.awake_at(tx, notice, places)
        gone = {visit.division for visit in byhand.visits(tx, WHOLE, notice) if visit.sent_at >= since}
        gone |= {
            visit.division for visit in byhand.visits(tx, WHOLE, only_open=True)
        }  # one walk serves every notice
        for division in places:
            if division in gone:
                continue
            pace = self.deciders.neighbour_min if division in awake else self.deciders.township_min
            minutes = round(draw_between(*pace, self.seed, "walk", notice, division))
            village = roster.division(division).level is DivisionLevel.VILLAGE
            helper = f"{roster.division(division).parent}/township_militia_head" if village else post
            byhand.send_visitor(
                tx, named(post), notice, division, minutes=minutes, visitor=awake.get(division), post=helper
            )
