"""Small feeds and frames for the tests of this room."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from shouye.base.kernel import BEIJING, Database, Mode, SimClock
from shouye.watch.feeds import ElementRule, Feed
from shouye.watch.intake import Decoded, codec_of

T = TypeVar("T")
NOW = datetime(2026, 7, 20, 8, 10, tzinfo=BEIJING)
STATION = "0014020001"
FRAMES: dict[str, bytes] = {
    row["name"]: bytes.fromhex(row["hex"])
    for row in map(
        json.loads,
        (Path(__file__).parents[2] / "frames" / "sl651.jsonl").read_text(encoding="utf-8").splitlines(),
    )
}
RAIN = {"rain_5min_mm": ElementRule("rain_mm", "", timedelta(minutes=5))}


def hydrology(**options: Any) -> Feed:
    return Feed(
        name="hydrology",
        term="水文遥测站",
        owner="水务局",
        meaning="雨量、水位",
        codec_name="sl651",
        transport="tcp",
        interval=timedelta(minutes=5),
        stations={STATION: "53487"},
        elements=RAIN,
        options={"port": 0, **options},
    )


def pushed(**said: Any) -> Feed:
    stations: Mapping[str, str] = {"a": "53486", "A-1": "53486", "b": "53487"}
    given: dict[str, Any] = {
        "name": "push",
        "term": "推送",
        "owner": "应急局",
        "meaning": "雨量、水位",
        "codec_name": "json_rows",
        "transport": "http",
        "interval": timedelta(minutes=5),
        "stations": stations,
        "elements": RAIN,
    }
    return Feed(**{**given, **said})


def documents(codec: str, transport: str = "poll", **said: Any) -> Feed:
    given: dict[str, Any] = {
        "name": codec,
        "term": codec,
        "owner": "应急局",
        "meaning": "公开文件",
        "codec_name": codec,
        "transport": transport,
        "interval": timedelta(hours=1),
        "any_station": True,
    }
    return Feed(**{**given, **said})


def report(minute: int, rain_mm: str, station: str = STATION, serial: int = 9) -> bytes:
    """A timed report of one five-minute rain."""
    encode = codec_of("sl651").encode
    assert encode is not None
    at = NOW.replace(hour=7, minute=minute)
    items = [["F1", "F1", station], ["class", "", "50"], ["F0", "F0", f"{at:%y%m%d%H%M}"], ["22", "19", rain_mm]]
    said = {"direction": "up", "centre": 1, "password": "04D2", "serial": serial, "items": items}
    return encode(Decoded(station, "32", at, (), said))


def row(
    station: str, minute: int, value: object, element: str = "rain_5min_mm", unit: str = "mm", year: int = 2026
) -> dict[str, Any]:
    at = f"{year}-07-20T07:{minute:02}:00+08:00"
    return {"station": station, "element": element, "time": at, "value": value, "unit": unit}


def body(*rows: object) -> bytes:
    return json.dumps({"readings": rows}).encode()


def town(url: str, *, durable: bool = False) -> Database:
    database = Database(url, SimClock(NOW), durable=durable)
    database.create(Mode.SIMULATION, "test")
    return database


def wait_for(look: Callable[[], T | None], seconds: float = 10) -> T:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")
