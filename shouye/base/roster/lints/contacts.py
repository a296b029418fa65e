"""联系方式 — whoever holds a post can be called, and nobody fictional has a number that could be real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import CityFiles, Problem, Severity, grouped

_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_UNREAL = "000"


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    numbers = grouped((contact.person, contact.value) for contact in city.records.contacts)
    post_of = {holder.person: holder.post for holder in reversed(city.records.holders)}
    for person in city.records.persons:
        where = f"holders.csv {post_of.get(person.id, person.id)}"
        if person.id not in numbers:
            yield Problem(Severity.ERROR, where, "责任人无联系方式")
        for value in numbers.get(person.id, ()):
            if not _NUMBER.fullmatch(value):
                yield Problem(Severity.ERROR, where, "联系号码应为 5 至 15 位数字")
            elif value.startswith(_UNREAL) != person.fictional:
                what = (
                    "虚构演练人员的号码应以 000 开头" if person.fictional else "号码以 000 开头，不可能是真实号码"
                )
                yield Problem(Severity.ERROR, where, what)
    for sharing in grouped((contact.value, contact.person) for contact in city.records.contacts).values():
        if len(sharing) > 1:
            where = f"holders.csv {post_of.get(sharing[1], sharing[1])}"
            yield Problem(Severity.WARNING, where, f"{len(sharing)} 人共用一个号码，一次应答分不清是谁")


LINT = Lint("联系方式", check, forbids_import=False)
