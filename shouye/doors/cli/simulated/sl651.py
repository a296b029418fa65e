"""水文遥测站 — a timed report of rain and stage; a test report (30H) would not be stored, so nothing marks it."""

from __future__ import annotations

from datetime import datetime, timedelta

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    items = [
        ["F1", "F1", station],
        ["class", "", "50"],
        ["F0", "F0", f"{now - timedelta(minutes=number % 5):%y%m%d%H%M}"],
        ["22", "19", f"{number % 7 / 10:.1f}"],
        ["38", "12", "12.60"],
    ]
    said = {
        "direction": "up",
        "centre": 1,
        "password": str(feed.settings.get("password", "0000")),
        "serial": number % 65_535 + 1,
        "items": items,
    }
    encode = feed.codec.encode
    assert encode is not None, "this protocol is written, too"
    return encode(Decoded(station, "32", now, (), said))


MAKER = Maker(make=_make)
