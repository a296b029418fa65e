"""污染源数采仪 — real-time data of one factor; the standard's data flags have no word for a drill."""

from __future__ import annotations

from datetime import datetime

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    stamp = f"{now:%Y%m%d%H%M%S}"
    head = {
        "QN": f"{stamp}{number % 1000:03}",
        "ST": "31",
        "CN": "2011",
        "PW": "000000",
        "MN": station,
        "Flag": "5",
    }
    cp = [[["DataTime", stamp]], [["a01001-Rtd", f"{20 + number % 5}"], ["a01001-Flag", "N"]]]
    encode = feed.codec.encode
    assert encode is not None, "this protocol is written, too"
    return encode(Decoded(station, "2011", now, (), {"head": head, "cp": cp}))


MAKER = Maker(make=_make)
