"""地震目录文本 — the pipe-separated events of FDSN web services. 依据: FDSN Web Services 1.2, format=text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from shouye.watch.intake.codecs.cma_json import only
from shouye.watch.intake.codecs.quakeml import QuakeEvent, instant, number, quake_decoded
from shouye.watch.intake.model import STANDARD, BadFrame, Codec, Message, RefusalCode, Refused, SessionOptions

_COLUMNS = (
    "eventid",
    "time",
    "latitude",
    "longitude",
    "depth/km",
    "author",
    "catalog",
    "contributor",
    "contributorid",
    "magtype",
    "magnitude",
    "magauthor",
    "eventlocationname",
    "eventtype",
)
_MOST_BYTES = 32 * 1024 * 1024


def _event(line: str) -> QuakeEvent:
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) not in (len(_COLUMNS) - 1, len(_COLUMNS)):
        raise BadFrame(RefusalCode.LENGTH, f"{len(cells)} 列，应为 {len(_COLUMNS) - 1} 或 {len(_COLUMNS)} 列")
    row = dict(zip(_COLUMNS, cells, strict=False))
    if not row["eventid"]:
        raise BadFrame(RefusalCode.HEADER, "没有 EventID")
    try:
        time = instant(row["time"], UTC)
    except ValueError:
        raise BadFrame(RefusalCode.TIME, f"时间 {row['time'][:40]!r} 不可辨认", row["eventid"]) from None
    return QuakeEvent(
        id=row["eventid"],
        kind=row.get("eventtype", ""),
        time=time,
        lon=number(row["longitude"], "longitude", -180, 360),
        lat=number(row["latitude"], "latitude", -90, 90),
        depth_km=number(row["depth/km"], "depth", -10, 1000),
        magnitude=number(row["magnitude"], "magnitude", -5, 11),
        magnitude_type=row["magtype"],
        place=row["eventlocationname"],
        agency=row["contributor"] or row["author"],
    )


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """Every line that is no heading."""
    if len(data) > _MOST_BYTES:
        yield Refused(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}", data[:1024])
        return
    for raw in data.splitlines():
        if raw.strip() and not raw.startswith(b"#") and not raw.lower().startswith(b"eventid|"):
            try:
                yield quake_decoded(_event(raw.decode("utf-8-sig")))
            except UnicodeDecodeError:
                yield Refused(RefusalCode.ENCODING, "不是 UTF-8", raw)
            except BadFrame as error:
                yield error.about(raw)


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="地震目录文本（FDSN）",
    source="FDSN Web Services 1.2",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
