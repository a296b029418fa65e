"""研判 — judge a stored batch, keep findings and situations, and read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from shouye.base.access import WHOLE, Actor, Scope, concerns, covers
from shouye.base.kernel import NotFound, Refusal, Tx, enqueue, from_ms, iso, load_shelf, record, to_ms
from shouye.base.rules import Rulebook
from shouye.watch import observe, stations
from shouye.watch.assess import agreement, engines, natures, store
from shouye.watch.assess.facts import FindingRaised, FindingRetracted, LatchReset, SituationChanged
from shouye.watch.assess.model import (
    NOTHING_SAID,
    BadActive,
    Engine,
    EngineKind,
    Episode,
    Finding,
    SituationStep,
    Start,
    StationFacts,
    Told,
    Watch,
    top,
)
from shouye.watch.assess.standing import all_hazards
from shouye.watch.observe import Reading

Place = tuple[str, str]
"""(hazard, division)."""


class NotLatched(Refusal):
    """该告警不需要人工复位，或已经结束。"""


class NotRestorable(Refusal):
    """最近读数未低于复电值，或已收不到读数，不能复位。"""


_MANY = 100  # gauges from which on the compiled engine is worth its start


class Assessor:
    """研判员 — the watches in use and the engine that holds this process's sums: one for each database."""

    def __init__(
        self,
        watches: Sequence[Watch],
        kind: str = "auto",
        facts: Mapping[str, StationFacts] = MappingProxyType({}),
    ) -> None:
        self.watches = tuple(watches)
        self.facts = facts
        self.kind = kind
        asked = dict.fromkeys(element for watch in watches for element in watch.hazard.elements)
        named = (real for station in facts.values() for real in station.in_force.values())
        self.elements = tuple(dict.fromkeys((*asked, *named)))
        """Every element that is judged anywhere."""
        self.turn = -1
        """The turn after which this engine stands; another one in the database means that it must begin anew."""
        self.cold: dict[str, datetime] = {}
        """恢复中 — gauges still to be loaded after a start, and the instant from which they are to be judged."""
        self.renew(0)

    @classmethod
    def of(
        cls,
        rulebook: Rulebook,
        active: Mapping[str, str],
        engine: str = "auto",
        facts: Mapping[str, StationFacts] = MappingProxyType({}),
    ) -> Assessor:
        """An assessor for these hazards (`hazard -> rule table`), with a fresh engine of the named kind."""
        shelf = all_hazards()
        if unknown := sorted(set(active) - set(shelf)):
            raise BadActive(f"没有这个灾种：{'、'.join(unknown)}；可用：{'、'.join(shelf)}")
        watches = tuple(
            Watch(shelf[key], rulebook.table(shelf[key].kind, rules)) for key, rules in sorted(active.items())
        )
        return cls(watches, engine, facts)

    def renew(self, gauges: int) -> None:
        """Forget everything; each gauge begins again from what is stored.

        Few gauges are judged at once by the plain engine, which needs no compiling; both say the same.
        """
        kind = self.kind if self.kind != "auto" else "compiled" if gauges > _MANY else "plain"
        self.engine: Engine = load_shelf(engines, "ENGINE", EngineKind)[kind].make(self.watches, self.facts)


_BACK = timedelta(hours=2)
"""How much older than the first new reading a gauge is begun, so that the next late one finds it ready."""
_PORTION = 20
"""Gauges loaded by one job after a start: calls and answers are served in between."""


def begin_recovery(tx: Tx, by: Assessor, *, ahead: bool = True) -> None:
    """开始恢复 — after a start: load the gauges heard so far before anything is raised or cleared."""
    by.turn, _ = store.turn(tx)
    by.renew(len(stations.gauges(tx, WHOLE)))
    if ahead:
        _chill(tx, by)


def _chill(tx: Tx, by: Assessor) -> None:
    heard: dict[str, datetime] = {}
    for reading in observe.latest_all(tx, WHOLE):
        if reading.element in by.elements:
            heard[reading.station] = min(reading.time, heard.get(reading.station, reading.time)) - _BACK
    by.cold = heard
    if by.cold:
        enqueue(tx, kind="assess.recover", lane="engine", due_at=tx.now, payload={})
        store.put_turn(tx, by.turn, len(by.cold))


def _take_turn(tx: Tx, by: Assessor) -> None:
    """Count this judging; an engine whose last one was rolled back, or that another overtook, begins anew."""
    turn, _ = store.turn(tx)
    if by.turn != turn:
        by.turn = turn
        by.renew(len(stations.gauges(tx, WHOLE)))
        _chill(tx, by)
    by.turn += 1
    store.put_turn(tx, by.turn, len(by.cold))


def recovering(tx: Tx) -> int:
    """恢复中 — gauges whose history is not loaded yet; until then they raise and clear nothing."""
    return store.turn(tx)[1]


def recover(tx: Tx, by: Assessor) -> None:
    """恢复一批 — load some gauges and judge what has come meanwhile."""
    _take_turn(tx, by)
    portion = {station: by.cold[station] for station in sorted(by.cold)[:_PORTION]}
    told = _start(tx, by, portion)
    for station in portion:
        del by.cold[station]
    _settle(tx, told)
    store.put_turn(tx, by.turn, len(by.cold))
    if by.cold:
        enqueue(tx, kind="assess.recover", lane="engine", due_at=tx.now, payload={})


def judge(tx: Tx, by: Assessor, batch: int) -> None:
    """研判一批 — feed it, with the history of gauges the engine has not met, and record what has changed."""
    _take_turn(tx, by)
    stored = observe.stored_in(tx, batch)
    agreement.check(tx, by.facts, stored)
    readings = stored.only(lambda _, element: element in by.elements)
    strangers = by.engine.strangers(readings)
    for station, since in observe.to_judge_again(tx, batch).items():  # what counts of an older reading has changed
        strangers[station] = min(since, strangers.get(station, since))
    for reading in readings.only(lambda station, _: station in strangers) if strangers else ():
        strangers[reading.station] = min(reading.time, strangers[reading.station])  # with all it says
    for station in [station for station in strangers if station in by.cold]:
        by.cold[station] = min(by.cold[station], strangers.pop(station) - _BACK)
    told = _start(tx, by, {station: first - _BACK for station, first in strangers.items()})
    if by.cold or told:
        readings = readings.only(lambda station, _: station not in by.cold and station not in told)
    _settle(tx, told | by.engine.feed(readings))


def judge_reset(tx: Tx, by: Assessor, number: int) -> None:
    """研判复位 — a person has reset a latch."""
    _take_turn(tx, by)
    reset = store.reset_by_id(tx, number)
    if reset.station in by.cold:
        by.cold[reset.station] = min(by.cold[reset.station], reset.at - _BACK)
        return
    _settle(tx, _start(tx, by, {reset.station: reset.at - _BACK}))


def reset_latch(tx: Tx, by: Assessor, actor: Actor, number: int) -> None:
    """人工复位 — put the latch of this finding back, when the latest reading is below the restore value.

    依据: 煤矿安全规程 — power that was cut is restored by hand only.
    """
    found = finding(tx, actor.scope, number)
    if not covers(tx, actor.scope, found.division):
        raise NotFound(f"监测告警 {number}")
    watch = next((one for one in by.watches if one.hazard.key == found.hazard), None)
    if watch is None or not found.open or found.level not in watch.hazard.latched:
        raise NotLatched(f"监测告警 {number}")
    since = tx.now - watch.hazard.window
    past = [
        one for element in watch.hazard.elements for one in observe.history(tx, [found.station], element, since)
    ]
    facts = by.facts.get(found.station, NOTHING_SAID)
    if not watch.restorable(watch.constants(facts) | natures.values_at(watch, past, tx.now)):
        raise NotRestorable(f"测站 {found.station}")
    reset = store.add_reset(tx, found.hazard, found.station, actor.tag)
    record(
        tx,
        LatchReset(
            subject=f"finding:{found.id}",
            actor=actor.tag,
            hazard=found.hazard,
            level=found.level,
            station=found.station,
        ),
    )
    enqueue(tx, kind="assess.reset", lane="engine", due_at=tx.now, payload={"reset": reset})


def _start(tx: Tx, by: Assessor, wanted: Mapping[str, datetime]) -> dict[str, Told]:
    """起算 — begin these gauges with the findings that stood at their instant and the readings behind it."""
    if not wanted:
        return {}
    whole = {station: from_ms(to_ms(since) // 1000 * 1000) for station, since in wanted.items()}
    standing: dict[str, list[Episode]] = {}
    for found in store.findings_reaching(tx, whole):
        since = whole[found.station]
        open_then = found.first_at <= since and (found.until is None or found.until > since)
        if open_then and found.retracted_at is None:
            standing.setdefault(found.station, []).append(found.episode)
    past: dict[str, list[Reading]] = {}
    columns: dict[str, dict[str, observe.Block]] = {}
    reach = {
        station: _last_heard(tx, by, station, since, standing.get(station, ())) - by.engine.lookback
        for station, since in whole.items()
    }
    first = min(reach.values())
    for element in by.elements:
        blocks = observe.blocks(tx, whole, element, first)
        for station, block in blocks.items():
            columns.setdefault(station, {})[element] = block
        for reading in observe.history(tx, whole.keys() - blocks.keys(), element, first):
            if reading.time > reach[reading.station]:
                past.setdefault(reading.station, []).append(reading)
    return {
        station: by.engine.start(
            Start(
                station,
                since,
                tuple(standing.get(station, ())),
                tuple(past.get(station, ())),
                tuple(store.resets_since(tx, station, since)),
                columns.get(station, {}),
            )
        )
        for station, since in sorted(whole.items())
    }


def _last_heard(tx: Tx, by: Assessor, station: str, since: datetime, standing: Sequence[Episode]) -> datetime:
    """The instant before which a past begins: a level that must hold off for a while (`hold`) may have been seen
    below long ago, when the gauge was last heard; that was not before the level was reached."""
    in_force, found = by.facts.get(station, NOTHING_SAID).in_force, [since]
    for watch in (one for one in by.watches if one.hazard.hold):
        reached = max((one.first_at for one in standing if one.hazard == watch.hazard.key), default=None)
        if reached is None:
            continue
        heard = (
            reading.time
            for element in watch.hazard.elements
            for reading in observe.history(
                tx, [station], in_force.get(element, element), reached - timedelta(seconds=1)
            )
        )
        found.append(max((time for time in heard if time <= since), default=since))
    return min(found)


def _settle(tx: Tx, told: Mapping[str, Told]) -> None:
    """Record what the engine has said and set the situations that it concerns."""
    if told:
        lost, touched = _reconcile(tx, told)
        for place in sorted(touched):
            _resituate(tx, place, lost)


def _reconcile(tx: Tx, told: Mapping[str, Told]) -> tuple[dict[Place, set[str]], set[Place]]:
    """Make the stored findings of these gauges equal to the episodes told.

    Returns the levels that a withdrawal took from each place, and the places concerned. What is stored is
    compared, not what the engine remembers, so a job that runs again changes nothing twice.
    """
    reaching = store.findings_reaching(tx, {station: one.since for station, one in told.items()})
    known = {store.episode_key(found): found for found in reaching}
    retracted: dict[Place, set[str]] = {}
    touched: set[Place] = set()
    episodes = sorted(
        (episode for some in told.values() for episode in some.episodes),
        key=lambda episode: (episode.first_at, episode.hazard, episode.station, episode.rank),
    )
    gauges = stations.gauges(tx, WHOLE) if any(store.episode_key(one) not in known for one in episodes) else {}
    for episode in episodes:
        found = known.pop(store.episode_key(episode), None)
        if found is None:
            number = store.add_finding(tx, episode, gauges.get(episode.station))
            found = store.finding_by_id(tx, number)
            record(tx, _raised(found))
        elif _differs(found, episode):
            store.change_finding(tx, found.id, episode)
        else:
            continue
        touched.update((found.hazard, area) for area in found.areas)
    for found in known.values():
        if found.retracted_at is None:
            store.retract_finding(tx, found.id)
            record(tx, _retracted(found))
            for area in found.areas:
                touched.add((found.hazard, area))
                retracted.setdefault((found.hazard, area), set()).add(found.level)
    return retracted, touched


def _differs(found: Finding, episode: Episode) -> bool:
    ground = episode.ground
    stored = (found.until, found.values, found.missing, found.source, found.text, found.retracted_at)
    return stored != (episode.until, ground.values, ground.missing, episode.source, ground.text, None)


def _raised(found: Finding) -> FindingRaised:
    return FindingRaised(
        subject=f"finding:{found.id}",
        hazard=found.hazard,
        rules=found.rules,
        level=found.level,
        rank=found.rank,
        station=found.station,
        division=found.division,
        first_at=iso(found.first_at),
        already_over=found.already_over,
    )


def _retracted(found: Finding) -> FindingRetracted:
    return FindingRetracted(
        subject=f"finding:{found.id}",
        hazard=found.hazard,
        level=found.level,
        station=found.station,
        division=found.division,
        first_at=iso(found.first_at),
    )


def _resituate(tx: Tx, place: Place, lost: Mapping[Place, set[str]]) -> None:
    """Set the situation of one place to the highest open finding, and announce it when the level has changed."""
    hazard, division = place
    leading = top(_open_at(tx, place))
    level, rank = (leading[0].level, leading[0].rank) if leading else (None, 0)
    old = store.situation_rows(tx).get(place)
    previous, previous_rank = (old.level, old.rank) if old is not None else (None, 0)
    if level == previous:
        return
    store.put_situation(tx, hazard, division, known=old is not None, level=level, rank=rank, changed_at=tx.now)
    fallen = "retracted" if previous in lost.get(place, ()) else "ended"
    ground = "crossed" if rank > previous_rank else fallen
    numbers = tuple(sorted(finding.id for finding in leading))
    store.add_step(tx, SituationStep(tx.now, hazard, division, level, previous, ground, numbers))
    record(
        tx,
        SituationChanged(
            subject=f"situation:{hazard}:{division}",
            hazard=hazard,
            division=division,
            level=level,
            previous=previous,
            rank=rank,
            previous_rank=previous_rank,
            findings=list(numbers),
            ground=ground,
        ),
    )


def _open_at(tx: Tx, place: Place) -> list[Finding]:
    hazard, division = place
    return [found for found in store.all_findings(tx, open_only=True, hazard=hazard) if division in found.areas]


def findings(tx: Tx, scope: Scope, hazard: str | None = None) -> list[Finding]:
    """监测告警 — all of them, withdrawn ones too, by first instant, hazard, level and gauge."""
    return [one for one in store.all_findings(tx, hazard=hazard) if concerns(tx, scope, one.division)]


def finding(tx: Tx, scope: Scope, number: int) -> Finding:
    """一条监测告警."""
    found = store.finding_by_id(tx, number)
    if concerns(tx, scope, found.division):
        return found
    raise NotFound(f"监测告警 {number}")


def history(tx: Tx, scope: Scope, hazard: str | None = None, division: str | None = None) -> list[SituationStep]:
    """态势变化 — every step up and down, in the order in which we learnt it."""
    return [one for one in store.steps(tx, hazard, division) if concerns(tx, scope, one.division)]
