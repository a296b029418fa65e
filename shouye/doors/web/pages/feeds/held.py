"""隔离的一条怎么看 — its bytes as a dump, and what the codec makes of them; who may not act sees neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shouye.doors.web.words import figure
from shouye.watch.feeds import Feed, translate
from shouye.watch.intake import Decoded, Message, Span, WireReading
from shouye.watch.tally import Held, without_secrets

WIDTH = 16
MOST_LINES = 256
"""Four kilobytes are looked at; all of it can be fetched."""
MOST_MESSAGES = 20
MOST_FIELDS = 200
SECRET = frozenset({"password", "pw", "plate", "driver", "auth"})
"""Fields that nobody needs for finding out why a message was refused."""


@dataclass(frozen=True)
class Chunk:
    """同一字段的几个字节 — `field` counts the fields of the frame from 1; 0 is none of them."""

    field: int
    wrong: bool
    hex: str
    text: str


@dataclass(frozen=True)
class Line:
    """一行字节 — where it begins, in hex, as text; cut where a field ends."""

    offset: str
    chunks: tuple[Chunk, ...]

    @property
    def gap(self) -> str:
        """What fills a short line."""
        return " " * (3 * (WIDTH - sum(len(one.text) for one in self.chunks)))


@dataclass(frozen=True)
class Value:
    """报文中的一个数 — their word and value, ours beside it."""

    element: str
    ours: str
    at: datetime | None
    value: str
    unit: str
    flags: str


@dataclass(frozen=True)
class Part:
    """译出的一条 — or why it cannot be read; `fields` are the protocol's own words."""

    refused: str
    reason: str
    station: str
    ours: str
    function: str
    sent: datetime | None
    values: tuple[Value, ...]
    fields: tuple[tuple[str, str], ...]
    would: tuple[str, ...]
    """What would be refused of it now, by the block as it is."""


def dump(raw: bytes, spans: Sequence[Span] = ()) -> list[Line]:
    """Sixteen bytes a line; passwords are asterisks."""
    bare = without_secrets(raw)
    many = min(len(bare), WIDTH * MOST_LINES)
    owner = [0] * many
    for number, span in enumerate(spans, start=1):
        owner[span.begin : min(span.end, many)] = [number] * (min(span.end, many) - span.begin)
    return [
        Line(f"{at:04X}", tuple(_chunks(bare, owner, at, min(at + WIDTH, many), spans)))
        for at in range(0, many, WIDTH)
    ]


def _chunks(bare: bytes, owner: Sequence[int], begin: int, end: int, spans: Sequence[Span]) -> Iterator[Chunk]:
    at = begin
    while at < end:
        to = next((place for place in range(at, end) if owner[place] != owner[at]), end)
        number, part = owner[at], bare[at:to]
        wrong = number > 0 and bool(spans[number - 1].wrong)
        yield Chunk(number, wrong, part.hex(" ").upper(), "".join(_shown(byte) for byte in part))
        at = to


def _shown(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 else "·"


def held_parts(feed: Feed, one: Held, now: datetime) -> list[Part]:
    """What is in it, with the block as it is now."""
    return [_part(feed, message, now) for message in feed.read(one.raw)[:MOST_MESSAGES]]


def _part(feed: Feed, message: Message, now: datetime) -> Part:
    if not isinstance(message, Decoded):
        return Part(message.code.value, message.detail, message.station, "", "", None, (), (), ())
    taken = translate(feed, message, now)
    return Part(
        refused="",
        reason=message.note,
        station=message.station,
        ours=feed.stations.get(message.station, ""),
        function=message.function,
        sent=message.sent,
        values=tuple(_value(feed, one) for one in message.readings),
        fields=tuple(_flat(message.fields))[:MOST_FIELDS],
        would=tuple(dict.fromkeys(sentence for _, sentence in taken.refused)),
    )


def _value(feed: Feed, one: WireReading) -> Value:
    rule = feed.elements.get(one.element)
    ours = "不入库" if rule is not None and not rule.element else rule.element if rule else one.element
    value = "缺测" if one.value is None else one.value if isinstance(one.value, str) else figure(one.value)
    return Value(one.element, ours, one.time, value, one.unit, "、".join(one.flags))


def _flat(said: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested words of a protocol as lines: head.MN, items.3."""
    if isinstance(said, Mapping):
        for key, value in said.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(said, Sequence) and not isinstance(said, str | bytes):
        if said and all(isinstance(one, str | int | float | None) for one in said):
            yield name, "　".join("—" if one in (None, "") else str(one) for one in said)
        else:
            for number, value in enumerate(said, start=1):
                yield from _flat(value, f"{name}.{number}")
    elif said not in (None, "", False):
        last = name.rpartition(".")[2].lower()
        yield name, "******" if last in SECRET else str(said)
