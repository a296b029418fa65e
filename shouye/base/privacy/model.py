"""保存期限 — how long each kind of personal data is kept, and who says so."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shouye.base.kernel import Refusal, Tx

EVERY = timedelta(days=1)
"""How often it is swept (proposed)."""

Eraser = Callable[[Tx, datetime, bool], int]
"""销毁 — (tx, before, truly): destroy what is older than `before`, or only count it; returns how many."""


class BadRetention(Refusal):
    """保存期限（retention.toml）有误，未启用。"""


@dataclass(frozen=True)
class Kept:
    """一类个人信息 — its name for an officer and how it is destroyed."""

    term: str
    erase: Eraser


_KINDS: dict[str, Kept] = {}


def keeps(kind: str, term: str, erase: Eraser) -> None:
    """登记 — a room says that it keeps this kind of personal data, and how it is destroyed."""
    _KINDS[kind] = Kept(term, erase)


def kinds() -> dict[str, Kept]:
    """登记了的各类。"""
    return dict(_KINDS)


@dataclass(frozen=True)
class Period:
    """一类的保存期限 — days after its use has ended; `mark` is proposed where no document gives the number."""

    days: int
    mark: str
    source: str


@dataclass(frozen=True)
class Retention:
    """保存期限表。"""

    periods: Mapping[str, Period]

    def before(self, kind: str, now: datetime) -> datetime:
        """What is older than this goes."""
        return now - timedelta(days=self.periods[kind].days)


def parse_retention(path: Path, kinds: Collection[str]) -> Retention:
    """Read `[kind] days, mark, source` for exactly these kinds: one forgotten would be kept for ever."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
        periods = {
            kind: Period(int(row["days"]), str(row["mark"]), str(row["source"])) for kind, row in said.items()
        }
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRetention(f"{path.name}：{error}") from None
    if wrong := sorted(periods.keys() ^ set(kinds)):
        raise BadRetention(f"{path.name}：缺少或多出 {'、'.join(wrong)}")
    if short := [kind for kind, period in periods.items() if period.days < 0]:
        raise BadRetention(f"{path.name}：天数为负 {'、'.join(short)}")
    return Retention(periods)
