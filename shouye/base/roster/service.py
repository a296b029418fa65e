"""花名册的动作 — read a city's folder, check it, import it, take a snapshot."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from hashlib import sha256
from math import isfinite, nan
from pathlib import Path
from typing import Any, TypeVar

from shouye.base.kernel import BEIJING, Tx, Vault, record
from shouye.base.roster import lints, store
from shouye.base.roster.facts import CityImported, ContactsResealed
from shouye.base.roster.model import (
    CityAlreadyImported,
    CityFiles,
    CityRecords,
    Contact,
    Division,
    DivisionCode,
    DivisionLevel,
    Holder,
    Person,
    Post,
    PostKind,
    Problem,
    Roster,
    Severity,
    Shift,
    Station,
    posts_from,
    refuse_errors,
)
from shouye.base.roster.store import has_city, insert_city, put_stations, select_city

Row = Mapping[str, str]
T = TypeVar("T")


def load_city(folder: Path) -> CityFiles:
    """读城市数据 — every problem is collected with its row, so that one look shows them all."""
    reader = _Reader(folder)
    city = reader.toml("city.toml")
    for key in ("id", "name", "code"):
        if city and not city.get(key):
            reader.error("city.toml", f"缺少 {key}")
    centre = city.get("centre", {})
    divisions = reader.csv("divisions.csv", lambda row: _division(row, city.get("id", ""), centre), "id")
    shifts = reader.table("shifts", city.get("shifts", {}), _shift)
    kinds = reader.csv("posts.csv", _post_kind, "kind", "division_kinds")
    posts = posts_from(kinds, divisions)
    if (folder / "holders.csv").exists():
        persons, contacts, holders = _registered(reader.csv("holders.csv", _register_row))
    elif city.get("demo_holders"):
        names = reader.toml("demo_names.toml")
        persons, contacts, holders = _demo_holders(posts, shifts, _demo_people(city.get("demo", {}), names))
    else:
        persons, contacts, holders = (), (), ()
    records = CityRecords(
        divisions=divisions,
        codes=reader.csv("division_codes.csv", _division_code, "division", "scheme", "valid_from"),
        posts=posts,
        persons=persons,
        contacts=contacts,
        holders=holders,
        shifts=shifts,
        stations=reader.csv("stations.csv", _station, "id"),
    )
    files = CityFiles(
        id=str(city.get("id", "")),
        name=str(city.get("name", "")),
        code=str(city.get("code", "")),
        records=records,
        kinds=kinds,
        schemes=tuple(city.get("schemes", {})),
        problems=tuple(reader.problems),
    )
    return replace(files, problems=files.problems + tuple(lints.ask(files, None, forbids_import=True)))


def import_city(tx: Tx, city: CityFiles) -> None:
    """导入城市 — into an empty register, all or nothing.

    Broken data is refused; a vacancy is not, because a city with an empty chair must be watched all the same.
    """
    refuse_errors(city.problems)
    if has_city(tx):
        raise CityAlreadyImported(city.id)
    insert_city(tx, city.records)
    record(
        tx,
        CityImported(
            subject=f"city:{city.id}",
            divisions=len(city.records.divisions),
            posts=len(city.records.posts),
            persons=len(city.records.persons),
            stations=len(city.records.stations),
        ),
    )


def snapshot(tx: Tx, *, with_contacts: bool = True) -> Roster:
    """取快照 — the whole register as it stands in this transaction; with the numbers of people or without."""
    return Roster(select_city(tx, with_contacts=with_contacts))


def people_with(tx: Tx, number: str) -> list[int]:
    """谁的号码 — a reply counts only from the number that was called. 依据: design.md 3.15."""
    return store.people_with(tx, number)


def erase_contacts(tx: Tx, before: datetime, truly: bool) -> int:
    """销毁离任人员的联系方式 — of whoever holds no post and held none since `before`."""
    return store.erase_contacts(tx, before.astimezone(BEIJING).date(), truly)


def seal_contacts_again(tx: Tx, vault: Vault) -> int:
    """联系方式换密钥 — every number under the key now in use; returns how many."""
    count = store.seal_again(tx, vault)
    record(tx, ContactsResealed(subject="contacts", actor="operator", count=count, key=vault.number))
    return count


class _Reader:
    """读表 — reads the folder's files; what it cannot read becomes a Problem instead of an end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def error(self, where: str, what: str) -> None:
        self.problems.append(Problem(Severity.ERROR, where, what))

    def toml(self, name: str) -> dict[str, Any]:
        try:
            return tomllib.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.error(name, "缺少此文件")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.error(name, f"不是合格的 UTF-8 TOML：{error}")
        return {}

    def table(self, name: str, found: Mapping[str, Any], convert: Callable[[str, Any], T]) -> tuple[T, ...]:
        """The entries of a TOML table as records."""
        records: list[T] = []
        for key, entry in found.items():
            try:
                records.append(convert(key, entry))
            except (KeyError, TypeError, ValueError):
                self.error(f"city.toml [{name}.{key}]", f"写法有误：{entry}")
        return tuple(records)

    def csv(self, name: str, convert: Callable[[Row], T], *key: str) -> tuple[T, ...]:
        """Rows as records; `key` names the columns that together may occur once."""
        found: list[T] = []
        first_at: dict[tuple[str, ...], int] = {}
        try:
            with (self.folder / name).open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                for row in rows:
                    where = f"{name} 第 {rows.line_num} 行"
                    try:
                        if None in row or None in row.values():
                            raise ValueError("列数与表头不符")
                        found.append(convert({column: cell.strip() for column, cell in row.items()}))
                        same = tuple(row[column].strip() for column in key)
                    except KeyError as error:
                        self.error(where, f"缺少列 {error.args[0]}")
                        break
                    except ValueError as error:
                        self.error(where, str(error))
                        continue
                    if key and same in first_at:
                        self.error(where, f"与第 {first_at[same]} 行重复：{' '.join(same).strip()}")
                        found.pop()
                    first_at.setdefault(same, rows.line_num)
        except FileNotFoundError:
            self.error(name, "缺少此文件")
        except (UnicodeDecodeError, csv.Error):
            self.error(name, "不是 UTF-8 编码的 CSV 文本")
        return tuple(found)


def _number(text: str, what: str) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        value = nan
    if value is not None and not isfinite(value):
        raise ValueError(f"{what}不是数字：{text}")
    return value


def _needed(text: str, what: str) -> float:
    if (value := _number(text, what)) is None:
        raise ValueError(f"缺少{what}")
    return value


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"日期应写作 2026-09-01：{text}") from None


def _level(text: str) -> DivisionLevel:
    try:
        return DivisionLevel(text)
    except ValueError:
        raise ValueError(f"没有这样的层级：{text}") from None


def _division(row: Row, city_id: str, centre: Mapping[str, float]) -> Division:
    lon, lat = _number(row["lon"], "经度"), _number(row["lat"], "纬度")
    if row["id"] == city_id and lon is None and lat is None:
        lon, lat = centre.get("lon"), centre.get("lat")
    return Division(
        id=row["id"],
        name=row["name"],
        short=row["short"] or row["name"],
        level=_level(row["level"]),
        kind=row["kind"],
        parent=row["parent"] or None,
        lon=lon,
        lat=lat,
        valid_from=_day(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
    )


def _division_code(row: Row) -> DivisionCode:
    return DivisionCode(
        division=row["division"],
        scheme=row["scheme"],
        code=row["code"],
        name_in_list=row["name_in_list"],
        valid_from=_day(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
    )


def _post_kind(row: Row) -> PostKind:
    if row["holding"] not in ("pair", "shift"):
        raise ValueError(f"holding 应为 pair 或 shift：{row['holding']}")
    return PostKind(
        kind=row["kind"],
        level=_level(row["level"]),
        division_kinds=tuple(row["division_kinds"].split()),
        title=row["title"],
        department=row["department"],
        duty=row["duty"],
        order=int(_needed(row["order"], "次序")),
        superior_kind=row["superior_kind"] or None,
        holding=row["holding"],
        mark=row["mark"],
    )


def _station(row: Row) -> Station:
    return Station(
        id=row["id"],
        name=row["name"],
        lon=_needed(row["lon"], "经度"),
        lat=_needed(row["lat"], "纬度"),
        altitude_m=_number(row["altitude_m"], "海拔"),
        county=row["county"],
        kind=row["kind"],
    )


def _shift(name: str, shift: Mapping[str, str]) -> Shift:
    start, end = (time.fromisoformat(shift[key]) for key in ("start", "end"))
    return Shift(name, shift.get("term", name), start.hour * 60 + start.minute, end.hour * 60 + end.minute)


def _register_row(row: Row) -> Row:
    """A row of holders.csv, checked but still text: people are put together from several rows."""
    if row["role"] not in ("A", "B"):
        raise ValueError(f"角色应为 A 或 B：{row['role']}")
    if not row["name"]:
        raise ValueError("缺少姓名")
    for column in ("post", "contact_kind", "contact", "shift"):
        row[column]
    _day(row["valid_from"]), _day(row["valid_to"])
    return row


def _registered(rows: Iterable[Row]) -> tuple[tuple[Person, ...], tuple[Contact, ...], tuple[Holder, ...]]:
    """责任人登记表 — the same name with the same number is the same person; without a number, in the same post."""
    persons: dict[tuple[str, str], Person] = {}
    contacts: dict[tuple[int, str], Contact] = {}
    holders: list[Holder] = []
    for row in rows:
        key = (row["name"], row["contact"] or row["post"])
        person = persons.setdefault(key, Person(len(persons) + 1, row["name"], fictional=False))
        if row["contact"]:
            kind = row["contact_kind"] or "mobile"
            contacts.setdefault((person.id, kind), Contact(person.id, kind, row["contact"]))
        valid_from, valid_to = _day(row["valid_from"]), _day(row["valid_to"])
        holders.append(Holder(row["post"], row["role"], person.id, row["shift"] or None, valid_from, valid_to))
    return tuple(persons.values()), tuple(contacts.values()), tuple(holders)


def _demo_people(demo: Mapping[str, Any], names: Mapping[str, Any]) -> _DemoPeople:
    return _DemoPeople(
        seed=str(demo.get("seed", "")),
        surnames=tuple(names.get("surnames", ())) or ("甲",),
        given=tuple(names.get("given", ())) or ("某",),
        one_person_villages_percent=int(demo.get("one_person_villages_percent", 0)),
        crossed_villages_percent=int(demo.get("crossed_villages_percent", 0)),
    )


@dataclass(frozen=True, slots=True)
class _DemoPeople:
    """虚构演练人员 — how to invent holders: a seed, the characters of names, and how villages share people."""

    seed: str
    surnames: tuple[str, ...]
    given: tuple[str, ...]
    one_person_villages_percent: int
    crossed_villages_percent: int

    def pick(self, key: str, below: int) -> int:
        """A number that depends on seed and key alone, the same on every machine and Python."""
        return int.from_bytes(sha256(f"{self.seed}|{key}".encode()).digest()[:8]) % below

    def name(self, key: str) -> str:
        """姓名 — a surname and two characters."""
        surname = self.surnames[self.pick(f"{key}|surname", len(self.surnames))]
        first, second = (self.given[self.pick(f"{key}|given{n}", len(self.given))] for n in (1, 2))
        return f"{surname}{first}{second}"


def _demo_holders(
    posts: Iterable[Post], shifts: Sequence[Shift], people: _DemoPeople
) -> tuple[tuple[Person, ...], tuple[Contact, ...], tuple[Holder, ...]]:
    """虚构责任人 — A and B for every post, a pair for every shift of a duty desk.

    As in life, in some villages one person is the A of both posts, in some two people are each other's deputy.
    Numbers begin with 000, which no telephone network gives out.
    """
    persons: list[Person] = []
    holders: list[Holder] = []

    def hold(post: Post, role: str, key: str, shift: str | None = None) -> None:
        if key not in known:
            known[key] = len(persons) + 1
            persons.append(Person(known[key], people.name(key), fictional=True))
        holders.append(Holder(post.id, role, known[key], shift, None, None))

    known: dict[str, int] = {}
    leads: dict[str, Post] = {}
    for post in posts:
        if post.holding == "shift":
            for shift in shifts:
                for role in ("A", "B"):
                    hold(post, role, f"{post.id}|{shift.name}|{role}", shift.name)
            continue
        first, second = f"{post.id}|A", f"{post.id}|B"
        if post.level is DivisionLevel.VILLAGE:
            lead = leads.setdefault(post.division, post)
            draw = people.pick(f"{post.division}|sharing", 100)
            if lead is not post and draw < people.one_person_villages_percent:
                first = f"{lead.id}|A"
            elif lead is not post and draw < people.one_person_villages_percent + people.crossed_villages_percent:
                first, second = f"{lead.id}|B", f"{lead.id}|A"
        hold(post, "A", first)
        hold(post, "B", second)
    contacts = tuple(Contact(person.id, "mobile", f"000{person.id:08d}") for person in persons)
    return tuple(persons), contacts, tuple(holders)


def add_stations(tx: Tx, stations: Iterable[Station]) -> None:
    """添站 — gauges that exist in a drill only stand beside the city's own."""
    put_stations(tx, stations)
