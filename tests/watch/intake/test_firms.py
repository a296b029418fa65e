"""Hot spots: rows of MODIS and VIIRS; passes over one fire are joined, in any order."""

from __future__ import annotations

import math
import random

import pytest

from shouye.base.kernel import iso
from shouye.watch.intake import Decoded, HotSpot, Message, Refused, SessionOptions, codec_of, places

HEAD = (
    "latitude,longitude,brightness,scan,track,acq_date,acq_time,satellite,confidence,version,"
    "bright_t31,frp,daynight"
)


def rows(*lines: str, head: str = HEAD) -> list[Message]:
    decode_all = codec_of("firms").decode_all
    assert decode_all is not None
    return list(decode_all("\n".join((head, *lines)).encode(), SessionOptions()))


def row(lat: float, lon: float, date: str, clock: str, satellite: str = "A", version: str = "6.1NRT") -> str:
    return f"{lat},{lon},300.96,1.0,1.0,{date},{clock},{satellite},36,{version},270.1,10.04,N"


def spots(*lines: str) -> list[HotSpot]:
    records = [message.record for message in rows(*lines) if isinstance(message, Decoded)]
    return [record for record in records if isinstance(record, HotSpot)]


def test_a_row_is_a_claim_of_fire() -> None:
    (read,) = rows(row(40.1, 113.3, "2026-04-05", "0005"))
    assert isinstance(read, Decoded)
    assert read.sent is not None
    assert (iso(read.sent), read.station) == ("2026-04-05T08:05:00+08:00", "40.10000,113.30000")
    assert [(reading.element, reading.value) for reading in read.readings] == [
        ("frp_mw", 10.04),
        ("brightness_k", 300.96),
    ]
    assert read.fields["by_day"] is False


def test_viirs_names_its_columns_and_confidence_otherwise() -> None:
    head = HEAD.replace("brightness", "bright_ti4").replace("bright_t31", "bright_ti5")
    (read,) = rows("40.1,113.3,330.5,0.4,0.4,2026-04-05,613,N,n,2.0NRT,290.1,,D", head=head)
    assert isinstance(read, Decoded)
    assert isinstance(read.record, HotSpot)
    spot = read.record
    assert (spot.confidence, spot.brightness_k, spot.frp_mw, spot.by_day) == ("nominal", 330.5, None, True)
    assert iso(spot.time) == "2026-04-05T14:13:00+08:00"
    assert read.readings[0].flags == ("missing",)


def test_passes_over_one_fire_are_one_place() -> None:
    fire = [
        row(40.1, 113.3, "2026-04-05", "0005"),
        row(40.105, 113.305, "2026-04-05", "0005"),
        row(40.101, 113.301, "2026-04-05", "0310", satellite="T"),
        row(40.1, 113.3, "2026-04-05", "0005", version="6.1"),
        row(40.1, 113.4, "2026-04-05", "0310", satellite="T"),
        row(40.1, 113.3, "2026-04-07", "0005"),
    ]
    found = places(spots(*fire))
    assert [(place.passes, place.spots) for place in found] == [(2, 3), (1, 1), (1, 1)]
    assert iso(found[0].last_seen) == "2026-04-05T11:10:00+08:00"
    assert found[0].first.version == "6.1", "the final version stands, not the near-real-time one"
    for seed in range(5):
        random.Random(seed).shuffle(fire)
        assert places(spots(*fire)) == found


def slowly(scene: list[HotSpot], within_km: float) -> list[list[HotSpot]]:
    """The same rule without cells: every spot against every place."""
    groups: list[list[HotSpot]] = []
    for spot in sorted(scene, key=lambda spot: (spot.time, spot.lat, spot.lon)):
        distances = []
        for at, group in enumerate(groups):
            shrink = math.cos(math.radians((spot.lat + group[0].lat) / 2))
            north, east = spot.lat - group[0].lat, (spot.lon - group[0].lon) * shrink
            distances.append((math.hypot(north, east) * 111.2, at))
        km, nearest = min(distances, default=(math.inf, 0))
        if km <= within_km:
            groups[nearest].append(spot)
        else:
            groups.append([spot])
    return groups


@pytest.mark.parametrize("latitude", [-60.0, -0.01, 0.0, 40.0, 75.0])
def test_places_agree_with_a_slow_search(latitude: float) -> None:
    dice = random.Random(4)
    lines = []
    for hour in range(24):
        for _ in range(6):
            lat, lon = round(latitude + dice.random() / 12, 5), round(113 + dice.random() / 6, 5)
            lines.append(row(lat, lon, "2026-04-05", f"{hour:02d}00"))
    scene = spots(*lines)
    slow = slowly(scene, 1.5)
    assert 1 < len(slow) < len(scene)
    assert [(place.first, place.spots) for place in places(scene)] == [(group[0], len(group)) for group in slow]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (row(99, 113.3, "2026-04-05", "0005"), "encoding"),
        (row(40, 113.3, "2026-04-31", "0005"), "time"),
        (row(40, 113.3, "2026-04-05", "2460"), "time"),
        ("40,113", "length"),
        (row(40, 113.3, "2026-04-05", "0005").replace("40,", ",", 1), "header"),
        (row(40, 113.3, "2026-04-05", "0005").replace("10.04", "hot"), "encoding"),
    ],
)
def test_a_bad_row_is_refused_and_the_next_is_read(line: str, code: str) -> None:
    bad, good = rows(line, row(40.1, 113.3, "2026-04-05", "0005"))
    assert isinstance(bad, Refused)
    assert (bad.code, bad.raw) == (code, line.encode())
    assert isinstance(good, Decoded)


def test_another_table_is_refused() -> None:
    (read,) = rows("1,2", head="a,b")
    assert isinstance(read, Refused)
    assert read.detail == "表头缺少 latitude、longitude、acq_date、acq_time、satellite"
