"""行政区划、岗位、责任人 — the records of a city and its posts, and what follows from them by thought alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from shouye.base.kernel import BEIJING, NotFound, Refusal

K = TypeVar("K")
V = TypeVar("V")


class CityAlreadyImported(Refusal):
    """库中已有一个城市，不能再次导入。"""


class BadCity(Refusal):
    """城市数据有错误，未导入；请先运行 shouye city check。"""


class DivisionLevel(StrEnum):
    """区划层级 — 市, 县, 乡, 村; each division's parent is exactly one level up."""

    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"

    @property
    def word(self) -> str:
        return {"city": "市级", "county": "县级", "township": "乡级", "village": "村级"}[self.value]

    @property
    def above(self) -> DivisionLevel | None:
        """The next level up; the city has none."""
        order = list(DivisionLevel)
        place = order.index(self)
        return order[place - 1] if place else None


KIND_WORDS: Mapping[str, str] = {
    "city": "市",
    "district": "区",
    "county": "县",
    "zone": "开发区",
    "street": "街道",
    "town": "镇",
    "township": "乡",
    "village": "村",
    "community": "社区",
}
"""区划类型 — the kind of a division and its Chinese word."""

KINDS_AT: Mapping[DivisionLevel, tuple[str, ...]] = {
    DivisionLevel.CITY: ("city",),
    DivisionLevel.COUNTY: ("district", "county", "zone"),
    DivisionLevel.TOWNSHIP: ("street", "town", "township", "zone"),
    DivisionLevel.VILLAGE: ("village", "community"),
}


def in_force(valid_from: date | None, valid_to: date | None, day: date) -> bool:
    """有效期 — `valid_from` is the first day, `valid_to` the first day no longer; empty means open."""
    return (valid_from is None or valid_from <= day) and (valid_to is None or day < valid_to)


@dataclass(frozen=True, slots=True)
class Division:
    """行政区划 — a place that somebody answers for, under our own stable id."""

    id: str
    name: str
    short: str
    level: DivisionLevel
    kind: str
    parent: str | None
    lon: float | None
    lat: float | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class DivisionCode:
    """官方代码 — what one official list called this division, and since when."""

    division: str
    scheme: str
    code: str
    name_in_list: str
    valid_from: date | None
    valid_to: date | None


def padded(code: str) -> str:
    """Official codes are twelve digits; lists print them short by leaving out zeros at the end."""
    return code.ljust(12, "0")


@dataclass(frozen=True, slots=True)
class PostKind:
    """岗位名目 — one line of the pattern by which every division of a level gets its posts."""

    kind: str
    level: DivisionLevel
    division_kinds: tuple[str, ...]
    title: str
    department: str
    duty: str
    order: int
    superior_kind: str | None
    holding: str
    mark: str


@dataclass(frozen=True, slots=True)
class Post:
    """岗位 — `<division>/<kind>`; `superior` is the post that hears when this one does not answer."""

    id: str
    division: str
    kind: str
    title: str
    level: DivisionLevel
    order: int
    superior: str | None
    department: str
    duty: str
    holding: str
    mark: str


@dataclass(frozen=True, slots=True)
class Person:
    """人员 — somebody who holds posts; `fictional` people exist for drills only."""

    id: int
    name: str
    fictional: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """联系方式 — one number of one person."""

    person: int
    kind: str
    value: str


def plain(number: str) -> str:
    """号码归一 — as it is compared: digits without the country's prefix; other addresses in small letters."""
    digits = "".join(sign for sign in number if sign.isdigit())
    if "@" in number or not digits:
        return number.strip().lower()
    return digits.removeprefix("00").removeprefix("86") if len(digits) > 12 else digits


@dataclass(frozen=True, slots=True)
class Holder:
    """责任人 — a person in a post as A 角 or B 角, on every day or on one shift."""

    post: str
    role: str
    person: int
    shift: str | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Shift:
    """班次 — minutes of the Beijing day; a shift whose end is not after its start crosses midnight."""

    name: str
    term: str
    start_minute: int
    end_minute: int

    def covers(self, minute: int) -> bool:
        if self.start_minute < self.end_minute:
            return self.start_minute <= minute < self.end_minute
        return minute >= self.start_minute or minute < self.end_minute


@dataclass(frozen=True, slots=True)
class Station:
    """测站 — a gauge that belongs to the city."""

    id: str
    name: str
    lon: float
    lat: float
    altitude_m: float | None
    county: str
    kind: str


@dataclass(frozen=True)
class CityRecords:
    """花名册全部记录 — what the files say and the tables hold, in file order."""

    divisions: tuple[Division, ...]
    codes: tuple[DivisionCode, ...]
    posts: tuple[Post, ...]
    persons: tuple[Person, ...]
    contacts: tuple[Contact, ...]
    holders: tuple[Holder, ...]
    shifts: tuple[Shift, ...]
    stations: tuple[Station, ...]


class Severity(StrEnum):
    """问题轻重 — an error forbids the import, a warning is for somebody to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """数据问题 — where it stands and what is wrong, in Chinese."""

    severity: Severity
    where: str
    what: str


def refuse_errors(problems: Iterable[Problem]) -> None:
    """A city with an error goes no further; warnings pass."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise BadCity(f"共 {len(errors)} 处，第一处：{errors[0].where} {errors[0].what}")


@dataclass(frozen=True)
class CityFiles:
    """城市数据文件 — a folder as read: its records, and what was wrong already while reading."""

    id: str
    name: str
    code: str
    records: CityRecords
    kinds: tuple[PostKind, ...]
    schemes: tuple[str, ...]
    problems: tuple[Problem, ...]


def posts_from(kinds: Sequence[PostKind], divisions: Sequence[Division]) -> tuple[Post, ...]:
    """按名目设岗 — every division gets the posts of its level and kind; the superior is at or above it."""
    by_id = {division.id: division for division in divisions}
    level_of = {kind.kind: kind.level for kind in kinds}
    posts = []
    for division in divisions:
        at_level = {step.level: step.id for step in lineage(division, by_id)}
        for kind in sorted(kinds, key=lambda kind: (kind.order, kind.kind)):
            if kind.level != division.level or (kind.division_kinds and division.kind not in kind.division_kinds):
                continue
            superior = None
            if kind.superior_kind is not None:
                place = at_level.get(level_of.get(kind.superior_kind, kind.level))
                superior = f"{place}/{kind.superior_kind}" if place else None
            naming = (f"{division.id}/{kind.kind}", division.id, kind.kind, kind.title, kind.level, kind.order)
            posts.append(Post(*naming, superior, kind.department, kind.duty, kind.holding, kind.mark))
    return tuple(posts)


def lineage(division: Division, by_id: Mapping[str, Division]) -> tuple[Division, ...]:
    """The division and what is above it, nearest first; stops at a gap or a circle in broken data."""
    steps = [division]
    while (parent := by_id.get(steps[-1].parent or "")) is not None and parent not in steps:
        steps.append(parent)
    return tuple(steps)


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    """What belongs together under each key, in the order given."""
    found: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}


class Roster:
    """花名册快照 — who and where, as it stood when it was taken; it never changes and every lookup is a dict's."""

    def __init__(self, records: CityRecords) -> None:
        places = records.divisions
        cities = [place for place in places if place.level is DivisionLevel.CITY]
        if not cities:
            raise NotFound("尚未导入城市")
        self.city = cities[0]
        self.divisions: Mapping[str, Division] = MappingProxyType({place.id: place for place in places})
        self.posts: Mapping[str, Post] = MappingProxyType({post.id: post for post in records.posts})
        self.persons: Mapping[int, Person] = MappingProxyType({one.id: one for one in records.persons})
        self.stations: Mapping[str, Station] = MappingProxyType({one.id: one for one in records.stations})
        self._shifts = {shift.name: shift for shift in records.shifts}
        self._contacts = {(contact.person, contact.kind): contact.value for contact in records.contacts}
        self._lineage = lines = {place.id: lineage(place, self.divisions) for place in places}
        self._children = grouped((place.parent, place) for place in places)
        self._below = grouped(
            ((above.id, level), place)
            for place in places
            for above in lines[place.id][1:]
            for level in (None, place.level)
        )
        self._codes = grouped(((code.scheme, padded(code.code)), code) for code in records.codes)
        self._posts_of = grouped(
            (post.division, post) for post in sorted(records.posts, key=lambda post: post.order)
        )
        by_role = sorted(records.holders, key=lambda holder: holder.role)
        self._holders = grouped((holder.post, holder) for holder in by_role)
        held = dict.fromkeys((holder.person, holder.post) for holder in records.holders)
        self._held = grouped((person, self.posts[post]) for person, post in held)

    @classmethod
    def from_files(cls, city: CityFiles) -> Roster:
        """A snapshot without a database; refuses a city that could not even be read."""
        refuse_errors(city.problems)
        return cls(city.records)

    def division(self, division_id: str) -> Division:
        """The division of this id, or a refusal."""
        if (found := self.divisions.get(division_id)) is None:
            raise NotFound(f"区划 {division_id}")
        return found

    def children(self, division_id: str) -> tuple[Division, ...]:
        """直接下级."""
        return self._children.get(division_id, ())

    def descendants(self, division_id: str, level: DivisionLevel | None = None) -> tuple[Division, ...]:
        """全部下级 — at every level, or at one."""
        return self._below.get((division_id, level), ())

    def ancestors(self, division_id: str) -> tuple[Division, ...]:
        """上级 — nearest first."""
        self.division(division_id)
        return self._lineage[division_id][1:]

    def county_of(self, division_id: str) -> Division | None:
        """所属县 — itself for a county, nothing for the city."""
        return self._at_level(division_id, DivisionLevel.COUNTY)

    def township_of(self, division_id: str) -> Division | None:
        """所属乡镇街道 — itself for a township, nothing above."""
        return self._at_level(division_id, DivisionLevel.TOWNSHIP)

    def _at_level(self, division_id: str, level: DivisionLevel) -> Division | None:
        self.division(division_id)
        return next((step for step in self._lineage[division_id] if step.level is level), None)

    def within(self, division_id: str, scope_id: str) -> bool:
        """是否在辖区内 — the scope itself counts; an unknown place is within nothing."""
        return any(step.id == scope_id for step in self._lineage.get(division_id, ()))

    def full_name(self, division_id: str) -> str:
        """全称 — 灵丘县下关乡白水岭村; the city's name only for the city itself."""
        self.division(division_id)
        steps = [step.short for step in self._lineage[division_id] if step.level is not DivisionLevel.CITY]
        return "".join(reversed(steps)) or self.city.name

    def by_code(self, scheme: str, code: str, on: date | None = None) -> Division | None:
        """按官方代码查 — short or twelve-digit; with `on`, only what the list said that day."""
        found = self._codes.get((scheme, padded(code)), ())
        if on is not None:
            found = tuple(one for one in found if in_force(one.valid_from, one.valid_to, on))
        if not found:
            return None
        latest = max(found, key=lambda one: one.valid_from or date.min)
        return self.divisions[latest.division]

    def posts_of(self, division_id: str, kinds: Collection[str] | None = None) -> tuple[Post, ...]:
        """岗位 — of this division alone, in the order of the pattern."""
        posts = self._posts_of.get(division_id, ())
        return posts if kinds is None else tuple(post for post in posts if post.kind in kinds)

    def holders(self, post_id: str, at: datetime) -> tuple[Person, ...]:
        """此刻责任人 — in calling order: the A 角 (on shift, where there are shifts) first, then the B 角."""
        local = at.astimezone(BEIJING)
        minute, today = local.hour * 60 + local.minute, local.date()
        found: dict[int, Person] = {}
        for holder in self._holders.get(post_id, ()):
            on_shift = holder.shift is None or self._shifts[holder.shift].covers(minute)
            if on_shift and in_force(holder.valid_from, holder.valid_to, today):
                found.setdefault(holder.person, self.persons[holder.person])
        return tuple(found.values())

    def contact(self, person_id: int, kind: str = "mobile") -> str | None:
        """联系电话 — nothing when none is known."""
        return self._contacts.get((person_id, kind))

    def posts_held(self, person_id: int) -> tuple[Post, ...]:
        """此人所任岗位."""
        return self._held.get(person_id, ())
