"""所见 — what the person who looks may see: the rooms' reads, cut to his division. 依据: design.md 3.16."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shouye.base import access, pulse, tasks
from shouye.base.kernel import AlertLevel, TransferStage, Tx
from shouye.base.roster import Roster
from shouye.doors.web.unheard import Unheard, unheard
from shouye.during import call, warn
from shouye.watch import assess, observe

_CODE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b", re.ASCII)

BOARD_KINDS = ("call",)
"""Kinds of task that have a board of their own and would drown the list."""


def grade(level: str | None) -> AlertLevel | TransferStage | None:
    """The level as a word with a colour, or as words alone."""
    if level is None:
        return None
    return AlertLevel(level) if level in AlertLevel.__members__ else TransferStage(level)


@dataclass(frozen=True)
class Sight:
    """所见 — one reading of everything a page may need, in one transaction."""

    tx: Tx
    roster: Roster
    scope: access.Scope

    def inside(self, division: str) -> bool:
        return self.scope.covers(self.roster, division)

    @property
    def city_wide(self) -> bool:
        """Is the whole city in sight?"""
        return self.inside(self.roster.city.id)

    @cached_property
    def elements(self) -> observe.Elements:
        """监测要素 — names, units, decimals."""
        return observe.Elements.in_force(self.tx)

    @cached_property
    def owed(self) -> list[tasks.Task]:
        """现在应办 — most urgent first."""
        return tasks.owed(self.tx, self.scope, without=BOARD_KINDS)

    @cached_property
    def notices(self) -> list[warn.Notice]:
        """All notices, in force or not, that concern the scope."""
        return warn.notices(self.tx, self.scope)

    @cached_property
    def in_force(self) -> list[warn.Notice]:
        return [notice for notice in self.notices if notice.state is warn.NoticeState.IN_FORCE]

    @cached_property
    def proposals(self) -> list[warn.Proposal]:
        """待批."""
        return warn.proposals(self.tx, self.scope, only_pending=True)

    @cached_property
    def situations(self) -> list[assess.Situation]:
        return assess.situations(self.tx, self.scope)

    @cached_property
    def silences(self) -> list[observe.Silence]:
        return observe.silence(self.tx, self.scope)

    @cached_property
    def lines(self) -> list[pulse.Line]:
        """听不到的，按坏在哪里 — one line for each cause: a feed, a channel, a job, a process, gauges."""
        return pulse.silent(self.tx, self.scope)

    @cached_property
    def unheard(self) -> list[Unheard]:
        """听不到的 — silent gauges and places without any, grouped by cause."""
        return unheard(self.situations, self.silences)

    @cached_property
    def units(self) -> Mapping[tuple[int, str], call.Balance]:
        """叫应 by (notice, division), each notice in its present round: an earlier one was taken up into it."""
        present = {notice.id: notice.round for notice in self.notices}
        found = call.balances(self.tx, self.scope, "notice", "round", "division")
        return {
            (int(notice), division): one
            for (notice, number, division), one in found.items()
            if present.get(int(notice)) == int(number)
        }

    @cached_property
    def asleep(self) -> list[tuple[int, str]]:
        """无一人应答的村 — (notice, village) where calls are open and nobody answers for it."""
        return [
            key
            for key, one in self.units.items()
            if one.open and not one.answered and not one.handed_over and self.is_village(key[1])
        ]

    @cached_property
    def names(self) -> dict[str, str]:
        return access.names(self.tx)

    def balance(self, notice: int | None = None) -> call.Balance:
        found = [one for (number, _), one in self.units.items() if notice is None or number == notice]
        return sum(found, call.Balance())

    def concerns(self, county: str) -> bool:
        """与本范围有关 — it lies inside, or it is above."""
        return self.scope.concerns(self.roster, county)

    def is_village(self, division: str) -> bool:
        return self.roster.divisions[division].level.value == "village"

    def title(self, task: tasks.Task) -> str:
        """事项怎么叫 — what is not heard is said with its place."""
        inside = task.kind == "silence" and task.division != self.roster.city.id
        return f"{self.roster.division(task.division).short}：{task.title}" if inside else task.title

    def told(self, text: str) -> str:
        """A sentence of the machine's with its elements in words: 水位（stage_m）的时间不可能."""
        known = self.elements.by_name
        return _CODE.sub(lambda one: f"{known[one[0]].term}（{one[0]}）" if one[0] in known else one[0], text)

    def who(self, tag: str) -> str:
        """谁 — a post's title with its place, an account's name, or what the machine calls itself."""
        held, _, stand_in = tag.partition(access.IN_PLACE)
        if stand_in:
            return f"{self.who(held)}（{self.names.get(stand_in, stand_in)} 代）"
        post = self.roster.posts.get(tag)
        if post is not None:
            place = "" if post.division == self.roster.city.id else self.roster.full_name(post.division) + " "
            return f"{place}{post.title}"
        return self.names.get(tag, {"system": "系统", "operator": "运维人员", "answer": "本人应答"}.get(tag, tag))
