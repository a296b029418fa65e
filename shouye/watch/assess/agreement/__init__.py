"""同报互检 — of elements that carry the same rain one is in force and judged; the others only check it.

A disagreement raises no level and clears none: somebody must look at the instrument. It ends by itself when both
say the same of an hour again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shouye.base import tasks
from shouye.base.access import SYSTEM
from shouye.base.kernel import Tx, from_ms, iso, record
from shouye.base.tasks import NewTask, Upkeep
from shouye.watch import observe
from shouye.watch.assess.facts import ElementsDisagree
from shouye.watch.assess.model import StationFacts
from shouye.watch.assess.natures import SCALE, Counter, Series, seconds
from shouye.watch.observe import Reading

ELEMENTS = "elements"
"""事项类别 — somebody must look why two elements of one station disagree."""
OVER = timedelta(hours=1)
APART_SHARE, APART_LEAST = 0.2, 1.0
"""建议值 — what two elements may differ in an hour: a fifth of the larger, or one unit."""


@dataclass(frozen=True)
class Compared:
    """一小时的对照 — what the element in force and another one say of the hour before `at`."""

    element: str
    other: str
    at: datetime
    amount: float
    other_amount: float

    @property
    def apart(self) -> bool:
        most = max(self.amount, self.other_amount)
        return abs(self.amount - self.other_amount) > max(APART_LEAST, APART_SHARE * most)


def compared(facts: StationFacts, readings: Iterable[Reading]) -> list[Compared]:
    """Per checking element the latest hour of which both know everything; none where one of them does not."""
    series: dict[str, Series] = {}
    for reading in readings:
        held = series.get(reading.element)
        if held is None:
            wrap = facts.wraps.get(reading.element)
            held = series[reading.element] = Series() if wrap is None else Counter(wrap)
        held.take(reading)
    found = []
    for element, others in sorted(facts.checked_by.items()):
        mine = series.get(facts.in_force.get(element, element))
        for other in others:
            theirs = series.get(other)
            one = None if mine is None or theirs is None else _latest(element, other, mine, theirs)
            found += [] if one is None else [one]
    return found


def _latest(element: str, other: str, mine: Series, theirs: Series) -> Compared | None:
    hour = int(OVER.total_seconds())
    for at in sorted({time for time, _ in theirs.keys} & {time for time, _ in mine.keys}, reverse=True):
        (amount, covered), (other_amount, also) = (one.total(at - hour, at) for one in (mine, theirs))
        if covered == also == hour:
            return Compared(element, other, from_ms(at * 1000), amount / SCALE, other_amount / SCALE)
    return None


def check(tx: Tx, facts: Mapping[str, StationFacts], readings: Iterable[Reading]) -> None:
    """互检 — look at the stations of a batch that have something to check; one task for each disagreement."""
    newest: dict[str, int] = {}
    for reading in readings:
        if reading.station in facts and facts[reading.station].checked_by:
            newest[reading.station] = max(seconds(reading), newest.get(reading.station, 0))
    for station, at in sorted(newest.items()):
        own = facts[station]
        asked = {own.in_force.get(element, element) for element in own.checked_by}
        asked |= {other for others in own.checked_by.values() for other in others}
        since = from_ms(at * 1000) - 3 * OVER
        past = [one for element in sorted(asked) for one in observe.history(tx, [station], element, since)]
        for one in compared(own, past):
            _tell(tx, station, one)


def _tell(tx: Tx, station: str, one: Compared) -> None:
    upkeep = tx.installed.get(Upkeep)
    group = f"station:{station}"
    pair = [one.element, one.other]
    owed = [
        task.id
        for task in tasks.in_group(tx, group, ELEMENTS)
        if not task.closed_at and task.detail["pair"] == pair
    ]
    if not one.apart:
        tasks.complete(tx, SYSTEM, owed)
    elif not owed:
        said = (one.amount, one.other_amount)
        told = ElementsDisagree(
            subject=group,
            station=station,
            element=one.element,
            other=one.other,
            at=iso(one.at),
            amount=said[0],
            other_amount=said[1],
        )
        record(tx, told)
        if isinstance(upkeep, Upkeep):
            when = f"{one.at:%H:%M} 前一小时"
            title = f"测站 {station} 两个要素不一致：{when}判定用 {said[0]:g}，{one.other} {said[1]:g}"
            new = NewTask(
                kind=ELEMENTS,
                group=group,
                title=title,
                division=upkeep.division,
                owner=upkeep.owner,
                due_at=tx.now + upkeep.within,
                ladder=tasks.UPKEEP,
                detail={"pair": pair},
            )
            tasks.open_tasks(tx, [new])
