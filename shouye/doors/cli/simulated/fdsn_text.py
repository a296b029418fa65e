"""地震目录文本 — one line near Datong, contributed by SIMULATED, its place 【演练】."""

from __future__ import annotations

from datetime import UTC, datetime

from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed

_HEAD = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude"
    "|MagAuthor|EventLocationName|EventType"
)


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    at = now.astimezone(UTC)
    name = f"simulated-{now:%Y%m%d%H%M%S}-{number}"
    cells = [
        *(name, f"{at:%Y-%m-%dT%H:%M:%S}", "40.08", "113.30", "10.0", "SIMULATED", "", "SIMULATED", name),
        *("ML", f"{1 + number % 7 / 10:.1f}", "SIMULATED", f"【{WORD}】大同附近", "earthquake"),
    ]
    return f"{_HEAD}\n{'|'.join(cells)}\n".encode()


MAKER = Maker(make=_make, marked="来源为 SIMULATED，地点写明演练")
