"""波形记录 — ten seconds of a small sine as 512 bytes; the record has no word for a drill."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

from shouye.base.kernel import BadInput
from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed

_SECONDS, _RATE_HZ, _INT32, _EXPONENT = 10, 10, 3, 9


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    """It ends now; `station` is NET.STA.LOC.CHA."""
    try:
        network, name, place, channel = (part.encode("ascii") for part in station.split("."))
    except ValueError:
        raise BadInput(f"波形台站 {station} 应写作 台网.台站.位置.通道") from None
    at = (now - timedelta(seconds=_SECONDS)).astimezone(UTC)
    many = _SECONDS * _RATE_HZ
    head = b"%06dD " % (number % 1_000_000) + name.ljust(5) + place.ljust(2) + channel.ljust(3) + network.ljust(2)
    clock = (at.year, at.timetuple().tm_yday, at.hour, at.minute, at.second)
    head += struct.pack(">HHBBBBHHhh", *clock, 0, 0, many, _RATE_HZ, 1)
    head += struct.pack(">BBBBiHH", 0, 0, 0, 1, 0, 64, 48)
    head += struct.pack(">HHBBBB", 1000, 0, _INT32, 1, _EXPONENT, 0)
    samples = [round((10 + number % 7) * math.sin(step / 3)) for step in range(many)]
    return (head.ljust(64, b"\0") + struct.pack(f">{many}i", *samples)).ljust(1 << _EXPONENT, b"\0")


MAKER = Maker(make=_make)
