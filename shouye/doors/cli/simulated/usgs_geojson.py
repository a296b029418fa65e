"""地震 GeoJSON — one feature near Datong of the network `sim`, its place 【演练】."""

from __future__ import annotations

import json
from datetime import datetime

from shouye.base.kernel import to_ms
from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    said = {
        "type": "earthquake",
        "mag": 1 + number % 7 / 10,
        "magType": "ml",
        "place": f"【{WORD}】大同附近",
        "time": to_ms(now),
        "updated": to_ms(now),
        "net": "sim",
        "status": "automatic",
    }
    feature = {
        "type": "Feature",
        "id": f"sim{now:%Y%m%d%H%M%S}{number}",
        "properties": said,
        "geometry": {"type": "Point", "coordinates": [113.3, 40.08, 10]},
    }
    document = {"type": "FeatureCollection", "metadata": {"title": f"【{WORD}】"}, "features": [feature]}
    return json.dumps(document, ensure_ascii=False).encode()


MAKER = Maker(make=_make, marked="台网为 sim，地点写明演练")
