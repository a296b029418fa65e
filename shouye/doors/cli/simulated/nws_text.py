"""VTEC 文本产品 — a warning whose VTEC begins with T: a test product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    at = now.astimezone(UTC)
    end = at + timedelta(hours=1)
    lines = [
        "000",
        f"WFUS5{number % 10} KSIM {at:%d%H%M}",
        "FFWSIM",
        "",
        "TEST...Simulated product...TEST",
        f"{at:%H%M} UTC {at:%a %b %d %Y}".upper(),
        "",
        f"XXC001-{end:%d%H%M}-",
        f"/T.NEW.KSIM.FF.W.{number % 9999 + 1:04d}.{at:%y%m%dT%H%MZ}-{end:%y%m%dT%H%MZ}/",
        "",
        "...THIS IS A SIMULATION...",
        "",
        "$$",
    ]
    return "\n".join(lines).encode("ascii")


MAKER = Maker(make=_make, marked="VTEC 以 T 开头（测试产品）")
