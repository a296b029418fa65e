"""态势 — what stands: one situation for each hazard and division, with its ground and what is not heard."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from shouye.base.access import WHOLE, Scope, concerns
from shouye.base.kernel import Tx, load_shelf
from shouye.watch import observe, stations
from shouye.watch.assess import hazards, store
from shouye.watch.assess.model import Hazard, Situation, strongest, top

_RECENTLY = timedelta(days=1)
"""建议值 — how long a reading that was not judged is named beside the situation."""


@cache
def all_hazards() -> dict[str, Hazard]:
    """灾种货架."""
    return load_shelf(hazards, "HAZARD", Hazard)


def judged_elements() -> frozenset[str]:
    """研判要素 — what any hazard is judged on."""
    return frozenset(element for one in all_hazards().values() for element in one.elements)


def situation(tx: Tx, scope: Scope, hazard: str, division: str) -> Situation | None:
    """一地一灾种的态势 — None when nobody watches that hazard there."""
    return next(iter(_situations(tx, scope, hazard, division)), None)


def situations(tx: Tx, scope: Scope) -> list[Situation]:
    """态势 — every watched division for every hazard in use, the calm and the unknown ones too; highest first."""
    return sorted(
        _situations(tx, scope),
        key=lambda one: (-one.rank, one.since.timestamp() if one.since else 0, one.division, one.hazard),
    )


def _situations(tx: Tx, scope: Scope, hazard: str | None = None, place: str | None = None) -> list[Situation]:
    """All of them, or one hazard's, or that of one place."""
    rows = store.situation_rows(tx)
    open_findings = store.all_findings(tx, open_only=True, hazard=hazard)
    watched = stations.watched_divisions(tx)
    bad = observe.discarded(tx, tx.now - _RECENTLY)
    shelf = all_hazards()
    found = []
    for active in store.active(tx):
        if hazard not in (None, active.hazard):
            continue
        gauges = observe.measuring(tx, active.element)
        same = stations.one_source(tx, active.element)
        silent = {station for group in observe.silence(tx, WHOLE, active.element) for station in group.stations}
        places = {division for kind, division in rows if kind == active.hazard}.union(watched)
        asked_for = places if place is None else places & {place}
        for division in sorted(one for one in asked_for if concerns(tx, scope, one)):
            speaking = [gauge for gauge in gauges.values() if division in gauge.coverage.divisions]
            unheard = tuple(gauge.station for gauge in speaking if gauge.station in silent)
            named, asked = {gauge.station for gauge in speaking}, shelf[active.hazard].elements
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
                    sources=len({same.get(one.station, one.source) for one in leading}),
                    best=strongest(leading),
                    unknown=unknown,
                    unheard=unheard,
                    basis=speaking[0].coverage.basis if speaking else "没有测站",
                    discarded=tuple(one for one in bad if one.station in named and one.element in asked),
                )
            )
    return found
