"""JSON 数据行 — a row of the block's own mapping, or of the form of push, flagged as simulated."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from shouye.doors.cli.simulation import Maker
from shouye.watch.feeds import Feed


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    said = feed.settings
    time_format = str(said.get("time_format", "iso"))
    times: dict[str, Any] = {
        "epoch_s": now.timestamp(),
        "epoch_ms": now.timestamp() * 1000,
        "iso": now.isoformat(),
    }
    at = times[time_format] if time_format in times else now.strftime(time_format)
    row: dict[str, Any] = {str(said.get("time", "time")): at, "simulated": True, "flags": ["simulated"]}
    if not str(said.get("station", "")).startswith("topic:"):
        row[str(said.get("station", "station"))] = station
    columns = {key.removeprefix("column."): number % 7 / 10 for key in said if key.startswith("column.")}
    names = [str(said.get(name, name)) for name in ("element", "value", "unit")]
    element = next(iter(feed.elements), "rain_mm")
    form: dict[str, Any] = dict(zip(names, (element, number % 7 / 10, "mm"), strict=True))
    rows: Any = [row | (columns or form)]
    where = str(said.get("rows", "readings"))
    for part in reversed(where.split(".") if where not in ("", ".") else []):
        rows = {part: rows}
    return json.dumps(rows).encode()


MAKER = Maker(make=_make, marked='每行 "simulated": true，推送格式另有 flags，入库后提示“演练数据”')
