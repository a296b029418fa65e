"""卫星热点 — one weak pixel near Datong of a satellite named SIM."""

from __future__ import annotations

from datetime import UTC, datetime

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed

_HEAD = (
    "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,confidence,version,bright_t31,frp"
    ",daynight"
)


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    at = now.astimezone(UTC)
    lat, lon = 40.08 + number % 100 / 1000, 113.3 + number // 100 % 100 / 1000
    row = f"{lat:.5f},{lon:.5f},300.0,1.0,1.0,{at:%Y-%m-%d},{at:%H%M},SIM,10,SIMNRT,280.0,{number % 7}.0,D"
    return f"{_HEAD}\n{row}\n".encode()


MAKER = Maker(make=_make, marked="卫星名为 SIM")
