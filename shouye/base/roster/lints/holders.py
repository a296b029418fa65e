"""责任人 — every post is held, by an A 角 and a B 角, at every minute of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import CityFiles, Holder, Problem, Severity, Shift, grouped, in_force

_FILE = "holders.csv"


def check(city: CityFiles, on: date | None) -> Iterator[Problem]:
    shifts = {shift.name: shift for shift in city.records.shifts}
    holders = grouped(
        (holder.post, holder)
        for holder in city.records.holders
        if on is None or in_force(holder.valid_from, holder.valid_to, on)
    )
    for post in city.records.posts:
        found = holders.get(post.id, ())
        if not found:
            yield Problem(Severity.ERROR, f"{_FILE} {post.id}", "岗位无责任人")
        elif not _always(found, shifts):
            yield Problem(Severity.ERROR, f"{_FILE} {post.id}", "值班有空档，并非全天有人")
        for role in "AB" if found else "":
            if role not in {holder.role for holder in found}:
                yield Problem(Severity.WARNING, f"{_FILE} {post.id}", f"没有 {role} 角")


def _always(holders: Sequence[Holder], shifts: dict[str, Shift]) -> bool:
    """Whether somebody is there at every minute; a holder without shift is there all day."""
    if any(holder.shift is None for holder in holders):
        return True
    present = {holder.shift: shifts[holder.shift] for holder in holders if holder.shift in shifts}
    edges = (
        {0} | {shift.start_minute for shift in present.values()} | {shift.end_minute for shift in present.values()}
    )
    return all(any(shift.covers(minute % 1440) for shift in present.values()) for minute in edges)


LINT = Lint("责任人", check, forbids_import=False)
