"""待批 — what is signed with one press: every rise that waits for the same county, and whom that would wake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from shouye.base.kernel import rank_of
from shouye.base.roster import DivisionLevel
from shouye.doors.web.sight import Sight
from shouye.during import call, warn

RISES = (warn.Act.ISSUE, warn.Act.RAISE)


@dataclass(frozen=True)
class Pending:
    """一并待批 — the drafts of one press; `wakes` counts what each would open; empty when nobody is woken."""

    county: str
    drafts: tuple[warn.Proposal, ...]
    wakes: tuple[Mapping[DivisionLevel, int], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(draft.id for draft in self.drafts)

    @property
    def rank(self) -> int:
        return max(rank_of(draft.level) for draft in self.drafts)

    @property
    def total(self) -> Mapping[DivisionLevel, int]:
        return sum((Counter(one) for one in self.wakes), Counter())

    @property
    def seen(self) -> str:
        """What the officer had before his eyes: a draft may change in place while he reads."""
        drafts = [f"{draft.id}:{draft.act.value}:{draft.level}" for draft in self.drafts]
        return " ".join([*drafts, str(sum(self.total.values()))])


def together(sight: Sight) -> list[Pending]:
    """Rises of one county together, in the order in which they were drawn up; anything else by itself."""
    groups: dict[tuple[str, int], list[warn.Proposal]] = {}
    for draft in sight.proposals:
        groups.setdefault((draft.county, 0 if draft.act in RISES else draft.id), []).append(draft)
    return [
        Pending(county, tuple(drafts), () if alone else tuple(_wakes(sight, draft) for draft in drafts))
        for (county, alone), drafts in groups.items()
    ]


def _wakes(sight: Sight, draft: warn.Proposal) -> Mapping[DivisionLevel, int]:
    current = warn.notice_for(sight.tx, sight.scope, draft.hazard, draft.county)
    divisions = {*draft.divisions, *(current.divisions if current else ())}
    return call.preview(sight.tx, sight.scope, draft.level, draft.county, divisions)
