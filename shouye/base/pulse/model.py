"""心跳 — who should speak, how long his silence may last, and how many silences are one cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shouye.base.kernel import STEP, Tx

GRACE = 2
"""超时 — silent from two intervals on; `proposed`, no document gives the number."""

LOOK_AGAIN = timedelta(minutes=1)
"""How often we ask anew who should speak at all, so that a new voice is soon expected (proposed)."""


@dataclass(frozen=True)
class Voice:
    """应有的声音 — who (`kind`, `name`) should speak every `interval`, and when he last did.

    `term` is what a person calls it; `feed` is the way on which it comes and `county` where it stands: what fails
    together. `well` is False when he speaks and says nothing of use (来数缺测、来数无效).
    """

    kind: str
    name: str
    term: str
    interval: timedelta
    heard_at: datetime | None
    feed: str = ""
    county: str = ""
    well: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name

    def due_at(self, since: datetime) -> datetime:
        """The instant from which he is silent, when nothing comes; `since` he is expected."""
        return (self.heard_at or since) + GRACE * self.interval + _MOMENT


_MOMENT = timedelta(milliseconds=1)

Probe = Callable[[Tx], Sequence[Voice]]
"""Who of a kind should speak, as it is now."""


@dataclass(frozen=True)
class Voices:
    """听谁 — for each kind of voice how to ask for it; a program installs one."""

    probes: Mapping[str, Probe] = field(default_factory=dict)


@dataclass(frozen=True)
class Pulse:
    """心跳 — a voice as we remember it: since when expected, when next to be looked at, since when silent."""

    voice: Voice
    since: datetime
    due_at: datetime
    silent_at: datetime | None


@dataclass(frozen=True)
class Line:
    """听不到的一行 — one cause: all voices of a feed, of a county, or of a feed in a county; else some of them.

    `whole`: every member of the group is silent, so it is the group that failed.
    """

    kind: str
    feed: str
    county: str
    members: tuple[str, ...]
    of: int
    since: datetime
    heard_at: datetime | None
    terms: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return len(self.members) == self.of

    @property
    def key(self) -> str:
        return f"{self.kind}|{self.feed}|{self.county}|{self.members[0] if self.of == 1 else ''}"


@dataclass(frozen=True)
class Heard:
    """听过一遍 — of the kinds due: whose row changed, who is expected no more; what was silent and what is."""

    kinds: tuple[str, ...] = ()
    changed: tuple[Pulse, ...] = ()
    gone: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Board:
    """听不到的一览 — `listened_at` is None before anybody has listened; and the last step of the clock."""

    lines: tuple[Line, ...]
    expected: int
    """How many should speak."""
    listened_at: datetime | None
    clock_stepped_at: datetime | None = None
    clock_stepped_s: int = 0


Group = tuple[str, str, str]
"""(kind, feed, county)."""


def counted(pulses: Iterable[Pulse]) -> dict[Group, int]:
    """How many should speak, group by group."""
    return dict(Counter((one.voice.kind, one.voice.feed, one.voice.county) for one in pulses))


def lines(silent: Iterable[Pulse], of: Mapping[Group, int]) -> list[Line]:
    """归并 — one line for each cause: the widest group of which all members are silent; `of` counts the groups."""
    kinds: dict[str, list[Pulse]] = {}
    for one in sorted(silent, key=lambda one: one.voice.key):
        kinds.setdefault(one.voice.kind, []).append(one)
    found: list[Line] = []
    for kind in sorted(kinds):
        left = kinds[kind]
        for by_feed, by_county in ((False, False), (True, False), (False, True), (True, True)):
            left = _take_whole(kind, of, left, by_feed, by_county, found)
        for (feed, county), some in _groups(left, True, True).items():
            if feed or county:
                found.append(_line(kind, feed, county, some, of[kind, feed, county]))
            else:
                found += [_line(kind, "", "", [one], 1) for one in some]
    return found


def _take_whole(
    kind: str, of: Mapping[Group, int], left: Sequence[Pulse], by_feed: bool, by_county: bool, found: list[Line]
) -> list[Pulse]:
    """Write a line for each group that is silent as a whole; returns the silent ones that are in none."""
    every: Counter[tuple[str, str]] = Counter()
    for (what, feed, county), many in of.items():
        if what == kind:
            every[feed if by_feed else "", county if by_county else ""] += many
    whole = {
        key: some
        for key, some in _groups(left, by_feed, by_county).items()
        if len(some) == every[key] > 1 and (any(key) or not (by_feed or by_county))
    }
    found += [_line(kind, *key, whole[key], len(whole[key])) for key in sorted(whole)]
    return [one for one in left if _key(one, by_feed, by_county) not in whole]


def _key(one: Pulse, by_feed: bool, by_county: bool) -> tuple[str, str]:
    return one.voice.feed if by_feed else "", one.voice.county if by_county else ""


def _groups(pulses: Iterable[Pulse], by_feed: bool, by_county: bool) -> dict[tuple[str, str], list[Pulse]]:
    groups: dict[tuple[str, str], list[Pulse]] = {}
    for one in pulses:
        groups.setdefault(_key(one, by_feed, by_county), []).append(one)
    return groups


def _line(kind: str, feed: str, county: str, some: Sequence[Pulse], of: int) -> Line:
    return Line(
        kind=kind,
        feed=feed,
        county=county,
        members=tuple(one.voice.name for one in some),
        of=of,
        since=min(one.silent_at for one in some if one.silent_at is not None),
        heard_at=max((one.voice.heard_at for one in some if one.voice.heard_at is not None), default=None),
        terms=tuple(one.voice.term for one in some),
    )


KINDS = {
    "station": "测站",
    "series": "要素",
    "feed": "数据来源",
    "channel": "叫应渠道",
    "job": "后台作业",
    "role": "进程角色",
    "seal": "记录封存",
}
"""What a kind of voice is called; a kind that is not named here goes by its own name."""


def say(line: Line) -> str:
    """The line as a person reads it; a place goes by its id, which the screens put into words."""
    what = KINDS.get(line.kind, line.kind)
    if line.of == 1:
        return f"{what}{line.terms[0]}听不到"
    where = f"来源 {line.feed} " if line.feed else ""
    many = f"全部 {line.of} 个" if line.whole else f"{len(line.members)}/{line.of} 个"
    return f"{where}{what}{many}听不到"


def say_step(step: timedelta, behind: timedelta) -> str:
    """How the machine's clock was set, as a person reads it."""
    way = "向前" if step > timedelta(0) else "往回"
    said = f"机器时钟{way}跳了 {_length(step)}，请核对时间"
    return f"{said}；它现在比程序的时间慢 {_length(behind)}，程序的时间不倒走" if behind >= STEP else said


def _length(span: timedelta) -> str:
    minutes, seconds = divmod(round(abs(span).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "天"), (hours, "小时"), (minutes, "分"), (seconds, "秒"))
    return " ".join(f"{number} {word}" for number, word in parts if number) or "0 秒"
