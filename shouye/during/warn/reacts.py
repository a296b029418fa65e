"""险情变化之后 — a situation that changes gives a proposal, never a notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shouye.base.access import WHOLE
from shouye.base.kernel import Tx, enqueue, on, rank_of, word_of
from shouye.during.warn import service, store
from shouye.during.warn.model import Act, WarnPolicy, wanted
from shouye.during.warn.service import Ground
from shouye.watch import assess

HOLD_JOB = "warn.hold"
"""作业 — look whether a lower level has lasted long enough to propose lowering."""


@on(assess.SituationChanged)
def weigh(fact: assess.SituationChanged, tx: Tx) -> None:
    """Rises are proposed at once; a ground that was an error is withdrawn at once; falls must last."""
    retracted = fact.ground == "retracted"
    weigh_situation(tx, fact.hazard, fact.division, retracted=retracted)


def weigh_situation(
    tx: Tx, hazard: str, county: str, *, retracted: bool = False, held_since: datetime | None = None
) -> None:
    situation = assess.situation(tx, WHOLE, hazard, county)
    level = situation.level if situation is not None else None
    current = store.in_force(tx, hazard, county)
    act = wanted(current.level if current else None, level)
    pending = store.pending(tx, hazard, county)
    if act in (Act.ISSUE, Act.RAISE):
        service.propose(tx, act, _ground(tx, hazard, county))
        return
    if pending is not None and pending.act in (Act.ISSUE, Act.RAISE):
        service.drop(tx, hazard, county, "依据已更正" if retracted else "险情在签发前已低于该级")
    if act is None:
        if pending is not None and pending.act in (Act.LOWER, Act.WITHDRAW):
            service.drop(tx, hazard, county, "险情又回到原级")
        return
    assert current is not None
    if retracted or held_since is not None:
        below = "依据的读数已更正，险情不成立" if retracted else _fallen(level)
        ground = replace(
            _ground(tx, hazard, county, fallback=current.findings),
            level=current.level if act is Act.WITHDRAW else str(level),
            divisions=current.divisions,
            reason=below,
            findings=current.findings,
        )
        service.propose(tx, act, ground)
        return
    hold = tx.of(WarnPolicy).hold
    payload = {"hazard": hazard, "county": county, "rank": rank_of(current.level)}
    enqueue(tx, kind=HOLD_JOB, lane=f"situation:{hazard}:{county}", due_at=tx.now + hold, payload=payload)


def _ground(tx: Tx, hazard: str, county: str, fallback: tuple[int, ...] = ()) -> Ground:
    """The ground as it stands: the findings of the highest level still open in the county."""
    situation = assess.situation(tx, WHOLE, hazard, county)
    assert situation is not None  # a situation has just changed, so there is one
    open_ids = situation.findings
    found = [assess.finding(tx, WHOLE, number) for number in (open_ids or fallback)]
    top = max(rank_of(item.level) for item in found)
    leading = [item for item in found if rank_of(item.level) == top]
    return Ground(
        hazard=hazard,
        term=situation.term,
        county=county,
        level=leading[0].level,
        divisions=(county,),
        reason="；".join(dict.fromkeys(item.text for item in leading)),
        findings=tuple(item.id for item in leading),
        first_at=min(item.first_at for item in leading),
        found_at=min(item.found_at for item in leading),
    )


def _fallen(level: str | None) -> str:
    return f"险情已持续低于原级，现为{word_of(level)}" if level else "各站已持续低于标准"
