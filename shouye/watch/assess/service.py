"""研判 — judge a stored batch, keep findings and situations, and read them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shouye.base.kernel import Tx, iso, load_shelf, record
from shouye.base.rules import Rulebook
from shouye.watch import observe
from shouye.watch.assess import engines, hazards, store
from shouye.watch.assess.facts import FindingRaised, FindingRetracted, SituationChanged
from shouye.watch.assess.model import (
    BadActive,
    Engine,
    EngineKind,
    Episode,
    Finding,
    Hazard,
    Situation,
    SituationStep,
    Watch,
    top,
)

Place = tuple[str, str]
"""(hazard, division)."""


@dataclass(frozen=True)
class Assessor:
    """研判员 — the watches in use and the engine that holds this process's sums: one for each database."""

    watches: tuple[Watch, ...]
    engine: Engine

    @classmethod
    def of(cls, rulebook: Rulebook, active: Mapping[str, str], engine: str = "plain") -> Assessor:
        """An assessor for these hazards (`hazard -> rule table`), with a fresh engine of the named kind."""
        shelf = load_shelf(hazards, "HAZARD", Hazard)
        unknown = sorted(set(active) - set(shelf))
        if unknown:
            raise BadActive(f"没有这个灾种：{'、'.join(unknown)}；可用：{'、'.join(shelf)}")
        watches = tuple(
            Watch(shelf[key], rulebook.table(shelf[key].kind, rules)) for key, rules in sorted(active.items())
        )
        return cls(watches, load_shelf(engines, "ENGINE", EngineKind)[engine].make(watches))


def read_active(path: Path) -> dict[str, str]:
    """在用规则表 — `assess.toml` of a city: `[hazard.rainstorm] rules = "CMA16-2007"`."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return {hazard: str(row["rules"]) for hazard, row in said["hazard"].items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadActive(f"{path.name}：{error}") from None


def judge(tx: Tx, by: Assessor, batch: int) -> None:
    """研判一批 — feed it, with the history of gauges the engine has not met, and record what has changed."""
    readings = observe.stored_in(tx, batch)
    strangers = {reading.station for reading in readings if not by.engine.knows(reading.station)}
    past = [reading for element in by.engine.elements for reading in observe.history(tx, strangers, element)]
    told = by.engine.feed(past + readings)
    lost, touched = _reconcile(tx, told)
    for place in sorted(touched):
        _resituate(tx, place, lost)


def _reconcile(tx: Tx, told: Mapping[str, Sequence[Episode]]) -> tuple[dict[Place, set[str]], set[Place]]:
    """Make the stored findings of these gauges equal to the episodes told.

    Returns the levels that a withdrawal took from each place, and the places concerned. What is stored is
    compared, not what the engine remembers, so a job that runs again changes nothing twice.
    """
    known = store.findings_at(tx, told)
    gauges = observe.gauges(tx)
    retracted: dict[Place, set[str]] = {}
    touched: set[Place] = set()
    episodes = sorted(
        (episode for some in told.values() for episode in some),
        key=lambda episode: (episode.first_at, episode.hazard, episode.station, episode.rank),
    )
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


def findings(tx: Tx, hazard: str | None = None) -> list[Finding]:
    """监测告警 — all of them, withdrawn ones too, by first instant, hazard, level and gauge."""
    return store.all_findings(tx, hazard=hazard)


def finding(tx: Tx, number: int) -> Finding:
    """一条监测告警."""
    return store.finding_by_id(tx, number)


def history(tx: Tx, hazard: str | None = None, division: str | None = None) -> Sequence[SituationStep]:
    """态势变化 — every step up and down, in the order in which we learnt it."""
    return store.steps(tx, hazard, division)


def situation(tx: Tx, hazard: str, division: str) -> Situation | None:
    """一地一灾种的态势 — None when nobody watches that hazard there."""
    return next((one for one in situations(tx) if (one.hazard, one.division) == (hazard, division)), None)


def situations(tx: Tx) -> list[Situation]:
    """态势 — every watched division for every hazard in use, the calm and the unknown ones too; highest first."""
    rows = store.situation_rows(tx)
    open_findings = store.all_findings(tx, open_only=True)
    gauges = observe.gauges(tx)
    found = []
    for active in store.active(tx):
        silent = {station for group in observe.silence(tx, active.element) for station in group.stations}
        divisions = {division for hazard, division in rows if hazard == active.hazard}
        for division in sorted(divisions.union(observe.watched_divisions(tx))):
            speaking = [gauge for gauge in gauges.values() if division in gauge.coverage.divisions]
            unheard = tuple(gauge.station for gauge in speaking if gauge.station in silent)
            here = [one for one in open_findings if one.hazard == active.hazard and division in one.areas]
            leading = top(here)
            row = rows.get((active.hazard, division))
            level = leading[0].level if leading else None
            unknown = len(unheard) == len(speaking)
            calm = "未知" if unknown else "无险情"
            changed_at = row.changed_at if row is not None else None
            found.append(
                Situation(
                    hazard=active.hazard,
                    term=active.term,
                    rules=active.rules,
                    division=division,
                    level=level,
                    rank=leading[0].rank if leading else 0,
                    word=active.words.get(level, leading[0].word) if leading else calm,
                    since=leading[0].first_at if leading else None,
                    changed_at=changed_at,
                    review_at=changed_at + timedelta(seconds=active.review_after_s)
                    if leading and changed_at
                    else None,
                    findings=tuple(sorted(one.id for one in leading)),
                    stations=tuple(sorted({one.station for one in leading})),
                    sources=len({one.source for one in leading}),
                    best=_best(leading),
                    unknown=unknown,
                    unheard=unheard,
                    basis=speaking[0].coverage.basis if speaking else "没有测站",
                )
            )
    return sorted(
        found, key=lambda one: (-one.rank, one.since.timestamp() if one.since else 0, one.division, one.hazard)
    )


def _best(leading: Iterable[Finding]) -> str:
    """The strongest ground at the highest level: the one with the largest sum."""
    strongest = max(leading, key=lambda one: (max(one.values.values(), default=0), one.station), default=None)
    return strongest.text if strongest else ""
