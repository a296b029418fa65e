"""美国气象局文本产品 — VTEC products as Signals: segments, areas (UGC), what each line does to which event.

The WMO heading gives day and hour only; year and month come from the line that dates the product, else from VTEC.
依据: NWS Instruction 10-1701 (product format), 10-1702 (UGC), 10-1703 (VTEC).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shouye.base.kernel import BEIJING
from shouye.watch.intake.codecs.cma_json import to_decoded
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    Signal,
    SignalArea,
    SignalInfo,
)

_MOST_BYTES = 512 * 1024
_MOST_LINES = 200
_MOST_TEXT = 32_768
_HEADING = re.compile(r"^([A-Z]{4}\d{1,2}) ([A-Z]{4}) (\d{6})(?: [A-Z]{3})?\s*$", re.MULTILINE)
_AWIPS = re.compile(r"\s*([A-Z0-9]{4,6})\s*$", re.MULTILINE)
_DATED = re.compile(
    r"^\d{3,4} (?:AM|PM|UTC|Z).{1,40}?([A-Z]{3}) (\d{1,2}) (\d{4})\s*$", re.MULTILINE | re.IGNORECASE
)
_UGC = re.compile(
    r"^[A-Z]{2}[CZ](?:ALL|\d{3})(?:[>-]\s*(?:[A-Z]{2}[CZ])?(?:ALL|\d{3})){0,500}-\s*\d{6}-\s*$", re.MULTILINE
)
_VTEC = re.compile(
    r"/([OTEX])\.(NEW|CON|EXT|EXA|EXB|UPG|CAN|EXP|COR|ROU)\.([A-Z]{4})\.([A-Z]{2})\.([WAYSFON])\.(\d{4})"
    r"\.(\d{6}T\d{4}Z)-(\d{6}T\d{4}Z)/"
)
_HEADLINE = re.compile(r"^\.\.\.(.{1,2000}?)\.\.\.$", re.MULTILINE | re.DOTALL)
_POLYGON = re.compile(r"^LAT\.\.\.LON((?:\s+\d{4,5})+)", re.MULTILINE)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ACTS = {
    "NEW": "发布",
    "CON": "继续",
    "EXT": "延长",
    "EXA": "扩展",
    "EXB": "扩展",
    "UPG": "升级",
    "CAN": "解除",
    "EXP": "解除",
    "COR": "更正",
    "ROU": "例行",
}
_HAZARDS = {
    "FF": "flash_flood",
    "HW": "gale",
    "WI": "gale",
    "EW": "gale",
    "BZ": "snowstorm",
    "WS": "snowstorm",
    "HS": "snowstorm",
    "FG": "fog",
    "FR": "frost",
    "FZ": "frost",
    "HT": "heat",
    "EH": "heat",
    "XH": "heat",
    "DS": "sandstorm",
    "HU": "typhoon",
    "TY": "typhoon",
}
"""灾种 — only where the phenomenon is the same thing; a grade is never translated."""
_EAST_OF_GREENWICH = ("PGUM",)


def _product(data: bytes) -> Decoded:
    text = data.decode("latin-1").replace("\r", "")
    heading = _HEADING.search(text)
    if heading is None:
        raise BadFrame(RefusalCode.HEADER, "没有 WMO 报头（TTAAii CCCC DDHHMM）")
    if not _VTEC.search(text):
        raise BadFrame(RefusalCode.UNSUPPORTED, "没有 VTEC（如 SHEF、HML、LSR），不是预警", heading[2])
    office, sent = heading[2], _sent(text, heading[3])
    awips = _AWIPS.match(text, heading.end() + 1)
    identifier = " ".join(filter(None, (heading[1], office, heading[3], awips[1] if awips else "")))
    infos, tests, notes = [], [], []
    for segment in text[heading.end() :].split("\n$$"):
        lines = _VTEC.findall(segment)
        if lines:
            areas = _areas(segment, office)
            if not areas:
                notes.append("有 VTEC 的段落没有 UGC 区域")
            words = segment.strip()[:_MOST_TEXT]
            found = _HEADLINE.search(words)
            headline = " ".join(found[1].split())[:500] if found else ""
            infos += [_info(line, headline, words, areas) for line in lines]
            tests += [line[0] in ("T", "E") for line in lines]
        if len(infos) > _MOST_LINES:
            raise BadFrame(RefusalCode.LENGTH, f"VTEC 超过 {_MOST_LINES} 行")
    acts = {info.act for info in infos}
    kind = "Alert" if acts == {"发布"} else "Cancel" if acts == {"解除"} else "Update"
    signal = Signal(
        raw=data,
        identifier=identifier,
        sender=office,
        sent=sent,
        status="Test" if all(tests) else "Actual",
        kind=kind,
        infos=tuple(infos),
        scope="Public",
        notes=tuple(dict.fromkeys(notes)),
    )
    return to_decoded(signal)


def _sent(text: str, day_time: str) -> datetime:
    """The instant in the heading nearest to the date that the product itself names."""
    day, hour, minute = int(day_time[:2]), int(day_time[2:4]), int(day_time[4:])
    try:
        if dated := _DATED.search(text):
            near = datetime(int(dated[3]), _MONTHS.index(dated[1].upper()) + 1, int(dated[2]), 12, tzinfo=UTC)
        else:
            times = [time for line in _VTEC.findall(text) for time in line[6:] if not time.startswith("000000")]
            near = datetime.strptime(min(times), "%y%m%dT%H%MZ").replace(tzinfo=UTC)
        days = [near + timedelta(days=step) for step in range(-3, 4)]
        at = next(one for one in days if one.day == day)
        return at.replace(hour=hour, minute=minute).astimezone(BEIJING)
    except (ValueError, StopIteration, OverflowError):
        raise BadFrame(RefusalCode.TIME, f"报头时间 {day_time} 找不到所在的年月") from None


def _vtec_time(text: str) -> datetime | None:
    """All zeros: since before, or until further notice."""
    if text.startswith("000000"):
        return None
    try:
        return datetime.strptime(text, "%y%m%dT%H%MZ").replace(tzinfo=UTC).astimezone(BEIJING)
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"VTEC 时间 {text} 不可辨认") from None


def _info(line: tuple[str, ...], headline: str, text: str, areas: tuple[SignalArea, ...]) -> SignalInfo:
    _, action, office, phenomenon, significance, number, begins, ends = line
    return SignalInfo(
        event=f"{phenomenon}.{significance}",
        hazard=_HAZARDS.get(phenomenon, ""),
        act=_ACTS[action],
        language="en-US",
        onset=_vtec_time(begins),
        expires=_vtec_time(ends),
        sender_name=office,
        headline=headline,
        text=text,
        areas=areas,
        codes=(("VTEC", f"{office}.{phenomenon}.{significance}.{number}"), ("action", action)),
    )


def _areas(segment: str, office: str) -> tuple[SignalArea, ...]:
    """The counties and zones of a segment; its polygon stands with the first."""
    ugc = _UGC.search(segment)
    names = _ugc_codes(ugc[0]) if ugc else []
    east = 1 if office in _EAST_OF_GREENWICH else -1
    polygons = []
    if found := _POLYGON.search(segment):
        numbers = [int(word) / 100 for word in found[1].split()]
        points = [(east * lon, lat) for lat, lon in zip(numbers[::2], numbers[1::2], strict=False)]
        if len(numbers) % 2 == 0 and len(points) >= 3:
            polygons.append((*points, points[0]))
    return tuple(
        SignalArea(name, polygons=tuple(polygons) if at == 0 else (), geocodes=(("UGC", name),))
        for at, name in enumerate(names)
    )


def _ugc_codes(text: str) -> list[str]:
    """`NJC003-031-NYC087-092015-`, `GUZ001>004-…`: a prefix stays until the next; the last is the end time."""
    codes: list[str] = []
    prefix = ""
    for word in re.sub(r"\s", "", text).split("-")[:-2]:
        match = re.fullmatch(r"([A-Z]{2}[CZ])?(ALL|\d{3})(?:>(?:[A-Z]{2}[CZ])?(\d{3}))?", word)
        if match is None or (match[3] and match[2] == "ALL"):
            raise BadFrame(RefusalCode.HEADER, f"UGC {word[:20]!r} 不可辨认")
        prefix = match[1] or prefix
        if match[3]:
            codes += [f"{prefix}{zone:03d}" for zone in range(int(match[2]), int(match[3]) + 1)]
        else:
            codes.append(prefix + match[2])
    return codes


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    if len(data) > _MOST_BYTES:
        return Refused(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}", data[:1024])
    try:
        return _product(data)
    except BadFrame as error:
        return error.about(data)


CODEC = Codec(
    term="美国气象局文本产品（VTEC）",
    source="NWS Instruction 10-1701、10-1702、10-1703",
    decode=decode,
    document=True,
)
