"""接入块 — whose a source is, which of its stations and elements are ours, what became of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from shouye.base.access import WHOLE, Scope
from shouye.base.kernel import BadInput, Refusal, canonical, load_shelf
from shouye.watch.downlink import Order, OrderState
from shouye.watch.feeds import datums
from shouye.watch.feeds.meanings.sender import MEANING as SENDER
from shouye.watch.feeds.meanings.units import MEANING as UNITS
from shouye.watch.intake import (
    ELEMENT_NAMES,
    Codec,
    Decoded,
    Message,
    SessionOptions,
    Signal,
    SignatureState,
    Span,
    WireReading,
    codec_of,
    read_messages,
    spans_of,
)
from shouye.watch.observe import Reading, standard_elements

Setting = str | int | float | bool

AHEAD = timedelta(minutes=15)
"""钟差 — a reading later than that is of a clock gone wild; `proposed`."""
_OLDEST_YEAR = 1950


class BadFeed(BadInput):
    """接入块写得不对，没有启用。"""


class Standing(StrEnum):
    """一条数据的下落 — every row that comes in ends in exactly one of them."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    TEST = "test"
    NOTED = "noted"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Standing.ACCEPTED: "已收",
    Standing.DUPLICATE: "重复",
    Standing.REFUSED: "拒收",
    Standing.TEST: "测试报，不入库",
    Standing.NOTED: "没有监测数据，已记到站",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """回执 — what became of one message: its standing, and for a refusal the code and the reason."""

    standing: Standing
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Receipt:
    """整批回执 — one outcome for each message, in their order; it exists only after the commit."""

    outcomes: tuple[Outcome, ...]


UNLISTED = "station"
"""拒收原因 — the station is not on the feed's list (`RefusalCode` has the reasons of the wire)."""

FOREIGN = "scope"
"""拒收原因 — the key of its sender does not reach the station's division."""


@dataclass(frozen=True)
class Parcel:
    """一批来数 — messages of one feed as heard; `peer` says from where, `answer` waits for the commit."""

    feed: Feed
    messages: tuple[Message, ...]
    peer: str = ""
    heard_at: datetime | None = None
    """When it was heard, where that is not now (what lay in quarantine)."""
    scope: Scope = WHOLE
    """For whose stations its sender may speak (the division of his key)."""
    answer: Future[Receipt] = field(default_factory=Future, compare=False)


class Desk(Protocol):
    """接收台 — what a transport is given: the clock, and the one writer."""

    def now(self) -> datetime: ...

    def offer(self, parcel: Parcel) -> bool:
        """Hand a parcel over; False when the queue is full: wait and offer again."""
        ...

    def recall(self, feed: str, place: str) -> Mapping[str, Any]:
        """What `remember` kept of this place (an address, a file): empty at first. Blocks for a moment."""
        ...

    def remember(self, feed: str, place: str, kept: Mapping[str, Any]) -> None: ...

    def opened(self, feed: str, port: int) -> None:
        """A port is listened to: 0 in the block means any free one."""
        ...

    def orders(self, feed: str) -> Sequence[Order]:
        """召测 — what is to be asked of the devices of this feed. Blocks for a moment, as what follows."""
        ...

    def follow(self, steps: Sequence[Step]) -> None:
        """What became of orders, in turn."""
        ...

    def note(self, feed: str, what: str, many: int = 1) -> None:
        """Something was turned away before it was a message (a connection, a document): counted, never silent."""
        ...


Step = tuple[int, OrderState, str]
"""(order, where it stands now, what the device said); WAITING: its line broke."""

Runs = Callable[["Feed", Desk], Any]
"""运行 — an `async` function that hears the feed until it is cancelled."""


@dataclass(frozen=True)
class Transport:
    """传输 — how bytes come: `run` hears one feed; `options` names what its block may say, with the defaults."""

    term: str
    run: Runs
    options: Mapping[str, Setting]
    required: tuple[str, ...] = ()
    check: Callable[[Feed], None] = lambda _feed: None
    """What else a block must fulfil; raises BadFeed."""


@dataclass(frozen=True)
class ElementRule:
    """要素对照 — their element as ours; `unit` is what the source means where the wire does not say.

    A value covers `step`; one comes `every` so often where that is less often than its station speaks.
    """

    element: str
    unit: str = ""
    step: timedelta | None = None
    every: timedelta | None = None


@dataclass(frozen=True)
class Datum:
    """坐标系 — how its longitude and latitude become WGS-84."""

    term: str
    to_wgs84: Callable[[float, float], tuple[float, float]]


@cache
def all_datums() -> dict[str, Datum]:
    """坐标系货架 — by the word a block writes (GCJ-02 …)."""
    return {one.term: one for one in load_shelf(datums, "DATUM", Datum).values()}


@dataclass(frozen=True)
class Feed:
    """数据接入 — one source: whose it is, how it is heard, whom we believe, and what its words mean here."""

    name: str
    term: str
    owner: str
    """归口部门."""
    meaning: str
    codec_name: str
    transport: str
    interval: timedelta
    """应到间隔 — also what a value covers whose element says nothing else."""
    coordinates: str = "WGS-84"
    enabled: bool = True
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    stations: Mapping[str, str] = field(default_factory=dict)
    """站点对照 — the id on the wire -> our station; a gauge with three ids has three lines."""
    paces: Mapping[str, timedelta] = field(default_factory=dict)
    """Our stations whose interval is not that of the feed."""
    any_station: bool = False
    """A feed of documents (预警、地震、热点) has no stations of ours."""
    elements: Mapping[str, ElementRule] = field(default_factory=dict)
    options: Mapping[str, Setting] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    source: str = ""
    sample: Path | None = None

    @cached_property
    def codec(self) -> Codec:
        return codec_of(self.codec_name)

    @cached_property
    def session_options(self) -> SessionOptions:
        held = int(self.options.get("most_held_bytes", 65_536))
        return SessionOptions(self.source, self.settings, held, None if self.any_station else self.listed)

    @cached_property
    def listed(self) -> frozenset[str]:
        """名单 — who may speak; a session answers nobody else."""
        return frozenset(self.stations)

    def read(self, raw: bytes) -> tuple[Message, ...]:
        """译码 — what its codec makes of one frame or document."""
        return tuple(read_messages(self.codec, raw, self.session_options))

    def admits(self, address: str) -> bool:
        """来源网络 — is the peer inside the networks of the block? None named: only this machine."""
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        peer = mapped or peer
        return any(peer.version == one.version and peer in one for one in self.networks or _LOOPBACK)

    def knows(self, element: str) -> bool:
        """Is this, without the block saying so, an element of ours?"""
        if self.codec.names_are_free and not self.has_columns:
            return element in standard_elements().by_name or element in ELEMENT_NAMES
        return _NAME.fullmatch(element) is not None

    @cached_property
    def has_columns(self) -> bool:
        """The block itself names the elements, column by column."""
        return any(key.startswith("column.") for key in self.settings)

    @property
    def can_be_asked(self) -> bool:
        """召测 — its devices stay on a line of ours, and its protocol has commands."""
        return self.transport == "tcp" and bool(self.codec.commands)

    def in_its_words(self, elements: Iterable[str]) -> tuple[str, ...]:
        """What the source calls elements of ours; a name that it knows itself stays."""
        theirs = {rule.element: name for name, rule in self.elements.items() if rule.element}
        return tuple(one if one in self.elements else theirs.get(one, one) for one in elements)

    @property
    def times_by_arrival(self) -> bool:
        """The wire carries no time (Modbus): what is heard is of now."""
        return self.settings.get("time") == "arrival"

    def option(self, name: str, default: Setting = "") -> Any:
        return self.options.get(name, default)


_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What an element of ours may be called; `hj212:…` and the like are nobody's until a block maps them."""


@dataclass(frozen=True)
class Taken:
    """译成本市数据 — the readings of one message in our words, and what could not be taken of it."""

    readings: tuple[Reading, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """(code, sentence) for each value that was not taken."""
    unmapped: tuple[str, ...] = ()
    is_test: bool = False


def translate(feed: Feed, message: Decoded, now: datetime, heard_at: datetime | None = None) -> Taken:
    """对照 — stations, elements, units, intervals, coordinates: from the source's words into ours."""
    readings: list[Reading] = []
    refused: list[tuple[str, str]] = []
    unmapped: list[str] = []
    wire = message.readings
    if feed.times_by_arrival:
        at = (heard_at or now).replace(microsecond=0)
        wire = tuple(replace(one, time=one.time or at) for one in wire)
    if feed.coordinates in (known := all_datums()):
        wire = _moved(wire, known[feed.coordinates])
    for one in wire:
        if "test" in one.flags:
            continue
        station = feed.stations.get(one.station or message.station)
        rule = feed.elements.get(one.element)
        # A status word is no number, a code that no block maps is nobody's element.
        if isinstance(one.value, str) or (rule is None and not feed.knows(one.element)):
            unmapped.append(one.element)
        elif station is None:
            who = one.station or message.station
            refused.append((UNLISTED, f"测站 {who} 不在接入块 {feed.name} 的站点表里"))
        elif rule is None or rule.element:
            try:
                readings.append(_reading(feed, one, station, rule or ElementRule(one.element), now))
            except ValueError as error:
                code, _, sentence = str(error).partition("|")
                refused.append((code, sentence))
    tested = bool(message.readings) and all("test" in one.flags for one in message.readings)
    return Taken(tuple(readings), tuple(refused), tuple(unmapped), tested)


def _reading(feed: Feed, one: WireReading, station: str, rule: ElementRule, now: datetime) -> Reading:
    if one.time is None:
        raise ValueError(f"time|{one.element} 没有时间")
    if one.time > now + AHEAD or one.time.year < _OLDEST_YEAR:
        at = f"{one.time:%Y-%m-%d %H:%M}，现在是 {now:%Y-%m-%d %H:%M}"
        raise ValueError(f"time|{one.element} 的时间不可能：{at}")
    value = one.value
    assert not isinstance(value, str), "words are left out before"
    if value is not None:
        value = UNITS.convert(value, rule.unit or one.unit, UNITS.of(rule.element))
        if not isfinite(value):
            raise ValueError(f"encoding|{one.element} 的值 {one.value:g} 大得不能换算")
    flags = tuple(SENDER[flag] for flag in one.flags if flag in SENDER) if one.flags else ()
    step = rule.step or feed.paces.get(station, feed.interval)
    return Reading(station, rule.element, one.time, value, step, source=station, flags=flags)


def _moved(wire: Sequence[WireReading], datum: Datum) -> tuple[WireReading, ...]:
    """坐标换算 — the longitude and latitude of one station and instant, moved together at the edge."""
    pairs: dict[tuple[str, datetime | None], dict[str, float]] = {}
    for one in wire:
        if one.element in ("lon_deg", "lat_deg") and isinstance(one.value, float | int):
            pairs.setdefault((one.station, one.time), {})[one.element] = float(one.value)
    moved = {
        key: dict(zip(("lon_deg", "lat_deg"), datum.to_wgs84(pair["lon_deg"], pair["lat_deg"]), strict=True))
        for key, pair in pairs.items()
        if len(pair) == 2
    }
    return tuple(
        replace(one, value=moved[one.station, one.time][one.element])
        if one.element in ("lon_deg", "lat_deg") and (one.station, one.time) in moved
        else one
        for one in wire
    )


def fields_of(feed: Feed, raw: bytes, code: str = "", station: str = "") -> tuple[Span, ...]:
    """字节含义 — what each byte of a frame is, by the block as it is; the refused place is marked."""
    messages = feed.read(raw)
    spans = spans_of(feed.codec_name, raw, feed.session_options, messages[0] if messages else None)
    if code != UNLISTED:
        return spans
    return tuple(replace(one, wrong="不在站点表里") if one.said == station else one for one in spans)


def raw_of(feed: Feed, message: Decoded) -> bytes:
    """The bytes of a message that was read but not taken: as it came, written again, or its words as JSON."""
    said = message.fields.get("raw")
    if isinstance(said, str):
        return said.encode()
    if feed.codec.encode is not None:
        try:
            return feed.codec.encode(message)
        except (Refusal, LookupError, TypeError, ValueError):
            pass
    words = {"station": message.station, "function": message.function, "fields": dict(message.fields)}
    return canonical(TypeAdapter(Any).dump_python(words, mode="json", fallback=repr)).encode()


@dataclass(frozen=True)
class HeardSignal:
    """听到的官方预警 — as its codec reads it now, and what speaks against believing it; it ends nothing."""

    id: int
    feed: str
    heard_at: datetime
    signal: Signal
    doubts: tuple[str, ...] = ()

    @property
    def meant(self) -> list[str]:
        """The identifiers to which it refers: as many as a person would look at."""
        return [identifier for _, identifier, _ in self.signal.references[:20]]


def doubts_of(one: HeardSignal, first: Mapping[str, HeardSignal]) -> tuple[str, ...]:
    """存疑之处 — why a signal may be forged; `first` is who was heard first under each identifier it refers to."""
    said = one.signal
    found = [said.signature.detail] if said.signature.state is SignatureState.INVALID else []
    if said.kind != "Alert" and not said.references:
        found.append("没有写明针对哪一条")
    for identifier in one.meant:
        meant = first.get(identifier)
        if meant is None:
            found.append(f"所指的 {identifier} 没有收到过")
        elif meant.signal.sender != said.sender:
            found.append(f"所指的预警是 {meant.signal.sender} 发布的，发布者不同")
        elif meant.signal.signature.holds and not said.signature.holds:
            found.append("所指的预警有签名，这一条没有")
        elif meant.signal.signature.fingerprint != said.signature.fingerprint:
            found.append("签名的证书与所指的预警不同")
        if meant is not None and meant.feed != one.feed:
            found.append(f"所指的预警来自另一来源 {meant.feed}")
    return tuple(dict.fromkeys(found))
