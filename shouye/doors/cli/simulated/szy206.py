"""水资源监测站 — a report of the water level; the protocol has no word for a drill."""

from __future__ import annotations

from datetime import datetime

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded

_UP_STAGE = "82"
"""Control byte: from the station, a water level."""


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    level_mm = f"{12_600 + number % 7 * 100:08d}"
    clock = f"{now:%S%M%H%d}" + ("" if feed.settings.get("version") == "szy206" else f"{now:%m%y}")
    data = bytes.fromhex(level_mm)[::-1].hex() + "0000" + "0000" + clock + "00"
    encode = feed.codec.encode
    assert encode is not None, "this protocol is written, too"
    return encode(Decoded(station, "C0", None, (), {"control": _UP_STAGE, "data": data}))


MAKER = Maker(make=_make)
