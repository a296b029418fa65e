"""地震目录 QuakeML 1.2 — events in their preferred origin and magnitude; and the safe XML reader of this shelf.

依据: QuakeML 1.2 BED (depth in metres, UTC where no zone is written).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from lxml import etree

from shouye.base.kernel import BEIJING, iso
from shouye.watch.intake.codecs.cma_json import only
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    SessionOptions,
    WireReading,
)

_MOST_BYTES = 32 * 1024 * 1024
_MOST_DEPTH = 40
_MOST_ELEMENTS = 1_000_000
_MOST_NAMES = 64
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ENCODINGS = re.compile(rb"(utf-?8|us-ascii|iso-8859-\d+|windows-125\d|gb2312|gbk|gb18030|big5)", re.IGNORECASE)
_PUBLIC_ID = re.compile(r"(smi|quakeml):[\w.\-]+/[\w.\-*()_~'/?=&;#+,]*", re.ASCII)


def is_xml(data: bytes) -> bool:
    prolog = _PROLOG.match(data)
    return prolog is not None and data[prolog.end() : prolog.end() + 1] == b"<"


def parse_xml(data: bytes, most_elements: int = _MOST_ELEMENTS) -> etree._Element:
    """可靠地读 XML — no DTD, no entity, no network; bounded in bytes, depth and elements; else a BadFrame."""
    if len(data) > _MOST_BYTES:
        raise BadFrame(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}")
    prolog = _PROLOG.match(data)
    assert prolog is not None, "every text begins with a prolog, be it empty"
    if data[prolog.end() : prolog.end() + 2] == b"<!":
        if data[prolog.end() : prolog.end() + 14].lower() == b"<!doctype html":
            raise BadFrame(RefusalCode.HEADER, "是网页，不是预警")
        raise BadFrame(RefusalCode.UNSUPPORTED, "带有 DTD 或实体声明，一律不读")
    if not data[prolog.end() : prolog.end() + 1] == b"<":
        raise BadFrame(RefusalCode.HEADER, "不是 XML")
    declared = re.search(rb"encoding\s*=\s*[\"']([^\"']*)", prolog[0])
    if declared and not _ENCODINGS.fullmatch(declared[1]):
        raise BadFrame(RefusalCode.ENCODING, f"不读编码 {declared[1][:20]!r}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        text = str(error)
        if "Premature end" in text or "EndTag" in text or "not closed" in text or "Couldn't find end" in text:
            raise BadFrame(RefusalCode.TRUNCATED, f"XML 不完整：{text[:80]}") from None
        if "depth" in text or "huge" in text.lower():
            raise BadFrame(RefusalCode.LENGTH, f"XML 过深或过大：{text[:80]}") from None
        code = RefusalCode.ENCODING if "encoding" in text.lower() else RefusalCode.HEADER
        raise BadFrame(code, f"XML 有误：{text[:80]}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadFrame(RefusalCode.UNSUPPORTED, "带有 DTD 或实体声明，一律不读")
    _bound(root, most_elements)
    return root


def _bound(root: etree._Element, most_elements: int) -> None:
    """Depth and elements, and the names in scope: sorting or canonising them takes their square in time."""
    depth = many = spaces = 0
    for event, found in etree.iterwalk(root, events=("start", "end", "start-ns", "end-ns")):
        if event == "start":
            depth, many = depth + 1, many + 1
            if len(found.attrib) > _MOST_NAMES:
                raise BadFrame(RefusalCode.LENGTH, f"XML 一个元素有 {len(found.attrib)} 个属性")
        elif event == "end":
            depth -= 1
        else:
            spaces += 1 if event == "start-ns" else -1
        if depth > _MOST_DEPTH or many > most_elements or spaces > _MOST_NAMES:
            what = f"{_MOST_DEPTH} 层、{most_elements} 个元素或 {_MOST_NAMES} 个命名空间"
            raise BadFrame(RefusalCode.LENGTH, f"XML 超过 {what}")


def name_of(element: etree._Element) -> str:
    """The name without its namespace; empty for a comment or an instruction."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if name_of(child) == name]


def text_in(element: etree._Element, name: str) -> str:
    """The text of the first child of that name; empty when it is missing or empty."""
    return next(("".join(map(str, child.itertext())).strip() for child in children(element, name)), "")


def instant(text: str, zone: tzinfo) -> datetime:
    """An ISO instant in Beijing time; `zone` is taken where none is written. ValueError when it is none."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.replace(" Z", "Z").replace(" +", "+")))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(BEIJING)
    except OverflowError:
        raise ValueError(text) from None


@dataclass(frozen=True)
class QuakeEvent:
    """地震 — one event in one revision; `kind` keeps blasts apart from earthquakes."""

    id: str
    kind: str
    time: datetime | None
    lon: float | None
    lat: float | None
    depth_km: float | None
    magnitude: float | None
    magnitude_type: str = ""
    place: str = ""
    agency: str = ""
    status: str = ""
    updated: datetime | None = None
    other_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_quake(self) -> bool:
        """天然地震 — a blast, a collapse or a sonic boom is kept but is no earthquake."""
        return self.kind in ("earthquake", "induced or triggered event", "")


def newest(events: Iterable[QuakeEvent]) -> list[QuakeEvent]:
    """最新修订 — of each event the revision with the latest update, chosen by content, whatever came first.

    Events are the same when they share any identifier, since a network's id may give way to another's.
    """
    ranked = sorted(events, key=_revision, reverse=True)
    root: dict[str, str] = {}

    def find(id: str) -> str:
        while root.setdefault(id, id) != id:
            id = root[id]
        return id

    for event in ranked:
        for other in event.other_ids:
            root[find(other)] = find(event.id)
    chosen: dict[str, QuakeEvent] = {}
    for event in ranked:
        chosen.setdefault(find(event.id), event)
    return sorted(chosen.values(), key=lambda event: (event.time or _DAWN, event.id))


_DAWN = datetime(1, 1, 2, tzinfo=BEIJING)


def _revision(event: QuakeEvent) -> tuple[datetime, bool, str]:
    return (event.updated or _DAWN, event.status in ("reviewed", "final", "manual"), repr(event))


def quake_decoded(event: QuakeEvent) -> Decoded:
    """地震的通用字段 — what every earthquake codec says in the same words."""
    numbers = (
        ("magnitude", event.magnitude, event.magnitude_type),
        ("depth_km", event.depth_km, "km"),
        ("lon_deg", event.lon, "°"),
        ("lat_deg", event.lat, "°"),
    )
    return Decoded(
        station=event.id,
        function=event.kind or "unknown",
        sent=event.updated or event.time,
        readings=tuple(
            WireReading(element, event.time, value, unit, () if value is not None else ("missing",))
            for element, value, unit in numbers
        ),
        fields={
            key: iso(value) if isinstance(value, datetime) else value
            for key, value in vars(event).items()
            if value not in ("", (), None)
        },
        note="；".join(event.notes),
        record=event,
    )


def number(text: str, name: str, low: float, high: float) -> float | None:
    """A number in its range; None when nothing is written."""
    if not text.strip():
        return None
    if not re.fullmatch(r"\s*[+-]?\d{1,9}(\.\d{0,20})?([eE][+-]?\d{1,2})?\s*", text, re.ASCII):
        raise BadFrame(RefusalCode.ENCODING, f"{name} {text[:20]!r} 不是数")
    value = float(text)
    if not low <= value <= high:
        raise BadFrame(RefusalCode.ENCODING, f"{name} {text[:20]} 超出 {low:g}～{high:g}")
    return value


def _event(element: etree._Element) -> QuakeEvent:
    origin = _preferred(element, "origin", text_in(element, "preferredOriginID"))
    magnitude = _preferred(element, "magnitude", text_in(element, "preferredMagnitudeID"))
    info = next(iter(children(element, "creationInfo")), None)
    id, kind = element.get("publicID") or "", text_in(element, "type")
    notes = []
    if not id:
        raise BadFrame(RefusalCode.HEADER, "event 没有 publicID")
    if not _PUBLIC_ID.fullmatch(id):
        notes.append("publicID 不合 QuakeML 的写法")
    if kind == "null":
        kind = ""
        notes.append("type 写作 null，按未说明读")
    written = _value(origin, "time")
    if origin is None:
        notes.append("没有震源")
    elif written and not re.search(r"(Z|[+-]\d\d:?\d\d)$", written):
        notes.append("发震时间没有时区，按 UTC 读")
    depth_m = number(_value(origin, "depth"), "depth", -10_000, 1_000_000)
    if depth_m is not None and 0 < depth_m < 100:
        notes.append("深度不足 100 米，可能误用了千米")
    return QuakeEvent(
        id=id,
        kind=kind,
        time=_instant_in(written),
        lon=number(_value(origin, "longitude"), "longitude", -180, 360),
        lat=number(_value(origin, "latitude"), "latitude", -90, 90),
        depth_km=None if depth_m is None else round(depth_m / 1000, 6),
        magnitude=number(_value(magnitude, "mag"), "mag", -5, 11),
        magnitude_type=text_in(magnitude, "type") if magnitude is not None else "",
        place=next((text_in(said, "text") for said in children(element, "description")), ""),
        agency=text_in(info, "agencyID") or text_in(info, "agencyURI") if info is not None else "",
        status=text_in(origin, "evaluationStatus") or text_in(origin, "evaluationMode")
        if origin is not None
        else "",
        updated=max(_times(element), default=None),
        notes=tuple(notes),
    )


def _times(event: etree._Element) -> Iterator[datetime]:
    """When any part of the event was made: the last of them is its revision."""
    for part in (event, *children(event, "origin"), *children(event, "magnitude")):
        for info in children(part, "creationInfo"):
            if at := _instant_in(text_in(info, "creationTime")):
                yield at


def _preferred(event: etree._Element, name: str, id: str) -> etree._Element | None:
    found = children(event, name)
    return next((item for item in found if item.get("publicID") == id), found[0] if found else None)


def _value(parent: etree._Element | None, name: str) -> str:
    quantity = next(iter(children(parent, name)), None) if parent is not None else None
    return text_in(quantity, "value") if quantity is not None else ""


def _instant_in(text: str) -> datetime | None:
    try:
        return instant(text, UTC) if text else None
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"{text[:40]!r} 不是时间") from None


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """Every event of a catalogue, in its order."""
    try:
        root = parse_xml(data)
        if name_of(root) != "quakeml":
            raise BadFrame(RefusalCode.HEADER, f"根元素 {name_of(root)[:40]} 不是 quakeml")
        events = [
            event for catalogue in children(root, "eventParameters") for event in children(catalogue, "event")
        ]
    except BadFrame as error:
        yield error.about(data)
        return
    for event in events:
        try:
            yield quake_decoded(_event(event))
        except BadFrame as error:
            yield BadFrame(error.code, error.detail, event.get("publicID") or "").about(
                etree.tostring(event, with_tail=False)
            )


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="地震目录 QuakeML 1.2",
    source="QuakeML 1.2 Basic Event Description",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
