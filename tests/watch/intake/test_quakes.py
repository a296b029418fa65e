"""Earthquakes: QuakeML, FDSN text and USGS GeoJSON say the same; revisions are chosen by content."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from shouye.base.kernel import BEIJING, iso
from shouye.watch.intake import Decoded, Message, QuakeEvent, Refused, SessionOptions, codec_of, newest

QUAKEML = """<?xml version="1.0" encoding="UTF-8"?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">
<eventParameters publicID="smi:x/1"><event publicID="smi:x/e/1">
 <preferredOriginID>smi:x/o/2</preferredOriginID><type>earthquake</type>
 <description><text>Datong</text></description><creationInfo><agencyID>NEIC</agencyID></creationInfo>
 <origin publicID="smi:x/o/1"><time><value>1989-10-18T17:00:00Z</value></time></origin>
 <origin publicID="smi:x/o/2"><time><value>1989-10-18T17:01:09.2Z</value></time>
  <latitude><value>39.95</value></latitude><longitude><value>113.81</value></longitude>
  <depth><value>10000</value></depth><evaluationStatus>reviewed</evaluationStatus>
  <creationInfo><creationTime>1989-10-19T00:00:00Z</creationTime></creationInfo></origin>
 <magnitude publicID="smi:x/m/1"><mag><value>5.7</value></mag><type>mb</type></magnitude>
</event></eventParameters></q:quakeml>"""
TEXT = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor"
    "|EventLocationName\nsmi:x/e/1|1989-10-18T17:01:09.2|39.95|113.81|10|NEIC|||7|mb|5.7|NEIC|Datong\n"
)
FEATURE: dict[str, Any] = {
    "type": "Feature",
    "id": "us1",
    "geometry": {"type": "Point", "coordinates": [113.81, 39.95, 10.0]},
    "properties": {
        "mag": 5.7,
        "magType": "mb",
        "place": "Datong",
        "time": 624733269200,
        "updated": 624758400000,
        "net": "NEIC",
        "status": "reviewed",
        "type": "earthquake",
        "ids": ",us1,cn7,",
    },
}


def event(codec: str, data: bytes) -> QuakeEvent:
    read = codec_of(codec).decode(data, SessionOptions())
    assert isinstance(read, Decoded), read
    assert isinstance(read.record, QuakeEvent)
    return read.record


def every(codec: str, data: bytes) -> list[Message]:
    decode_all = codec_of(codec).decode_all
    assert decode_all is not None
    return list(decode_all(data, SessionOptions()))


def feature(**changes: object) -> bytes:
    return json.dumps(FEATURE | {"properties": FEATURE["properties"] | changes}).encode()


def test_three_formats_say_the_same() -> None:
    one, two = event("quakeml", QUAKEML.encode()), event("usgs_geojson", feature())
    three = event("fdsn_text", TEXT.encode())
    assert one == replace(two, id="smi:x/e/1", other_ids=())
    assert one == replace(three, kind="earthquake", status="reviewed", updated=one.updated)
    assert one.time is not None
    assert one.time.astimezone(BEIJING).isoformat() == "1989-10-19T01:01:09.200000+08:00"
    read = codec_of("usgs_geojson").decode(feature(), SessionOptions())
    assert isinstance(read, Decoded)
    assert [(reading.element, reading.value, reading.unit) for reading in read.readings] == [
        ("magnitude", 5.7, "mb"),
        ("depth_km", 10.0, "km"),
        ("lon_deg", 113.81, "°"),
        ("lat_deg", 39.95, "°"),
    ]


def test_a_number_keeps_all_its_digits() -> None:
    assert event("usgs_geojson", feature(mag=10.199999809265137 / 2)).magnitude == 10.199999809265137 / 2
    assert event("usgs_geojson", feature(mag=-1e-05)).magnitude == -1e-05


def test_quakeml_faults_are_noted() -> None:
    odd = QUAKEML.replace("e/1", "e(1)&gt;").replace("09.2Z", "09.2").replace("10000", "29.0")
    odd = odd.replace("<type>earthquake", "<type>null")
    assert event("quakeml", odd.encode()).notes == (
        "publicID 不合 QuakeML 的写法",
        "type 写作 null，按未说明读",
        "发震时间没有时区，按 UTC 读",
        "深度不足 100 米，可能误用了千米",
    )
    bare = event("quakeml", QUAKEML.replace("<origin", "<other").replace("</origin>", "</other>").encode())
    assert (bare.time, bare.lat, bare.notes) == (None, None, ("没有震源",))


def test_a_blast_is_kept_and_is_no_earthquake() -> None:
    assert event("usgs_geojson", feature(type="earthquake")).is_quake
    blast = event("usgs_geojson", feature(type="quarry blast"))
    assert (blast.kind, blast.is_quake) == ("quarry blast", False)


def test_the_newest_revision_wins_in_any_order() -> None:
    first = event("usgs_geojson", feature())
    assert first.updated is not None
    later = replace(first, magnitude=5.9, updated=first.updated + timedelta(hours=1))
    renamed = replace(later, id="cn7", other_ids=("us1",), updated=first.updated + timedelta(hours=2))
    tied = replace(first, magnitude=5.8, status="automatic")
    other = replace(first, id="zz", other_ids=())
    for order in permutations((first, later, renamed, tied, other)):
        assert newest(order) == [renamed, other]
    assert newest((tied, first)) == newest((first, tied)) == [first], "of one instant the reviewed stands"


def test_a_bad_line_is_refused_and_the_next_is_read() -> None:
    bad, good = every("fdsn_text", b"a|b|c\n" + TEXT.encode())
    assert isinstance(bad, Refused)
    assert (bad.code, bad.raw) == ("length", b"a|b|c")
    assert isinstance(good, Decoded)
    assert good.sent is not None
    assert iso(good.sent) == "1989-10-19T01:01:09+08:00"


@pytest.mark.parametrize(
    ("codec", "data", "code"),
    [
        ("usgs_geojson", feature(time=None), "time"),
        ("usgs_geojson", feature(time=1e400), "time"),
        ("usgs_geojson", feature(time=10**17), "time"),
        ("usgs_geojson", feature(mag=99), "encoding"),
        ("usgs_geojson", feature(mag="5"), "encoding"),
        ("usgs_geojson", feature(mag=float("nan")), "encoding"),
        ("usgs_geojson", feature().replace(b", 10.0]", b"]").replace(b"39.95]", b"39.95, 1, 2]"), "length"),
        ("usgs_geojson", b'{"type": "FeatureCollection", "features": 1}', "header"),
        ("usgs_geojson", b"[" * 50_000, "header"),
        ("fdsn_text", TEXT.replace("5.7", "V").encode(), "encoding"),
        ("fdsn_text", TEXT.replace("39.95", "99.95").encode(), "encoding"),
        ("fdsn_text", TEXT.replace("1989-10", "1989-13").encode(), "time"),
        ("quakeml", QUAKEML.replace("09.2Z", "69.2Z").encode(), "time"),
        ("quakeml", QUAKEML.replace("5.7", "5,7").encode(), "encoding"),
        ("quakeml", QUAKEML[:300].encode(), "truncated"),
        ("quakeml", b"<other/>", "header"),
    ],
)
def test_what_cannot_be_an_earthquake_is_refused(codec: str, data: bytes, code: str) -> None:
    read = codec_of(codec).decode(data, SessionOptions())
    assert isinstance(read, Refused), read
    assert read.code == code
