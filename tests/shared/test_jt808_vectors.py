"""Every JT/T 808 frame of ../shared/vectors is read as its decoder read it, or refused for what its note says."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from shouye.watch.intake import Decoded, Refused
from shouye.watch.intake.codecs.jt808 import decode, encode
from tests.shared.conftest import SHARED

FRAMES = [
    json.loads(line)
    for line in (SHARED / "vectors" / "jt808" / "frames.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: row["name"])
def test_frames(row: dict[str, Any]) -> None:
    data, said = bytes.fromhex(row["hex"]), row["decoded"]
    message = decode(data)
    if not said["check_ok"] or not said["body_len_ok"]:
        assert isinstance(message, Refused)
        assert message.code in ("crc", "length", "header")
        return
    assert isinstance(message, Decoded)
    assert (message.function, message.station) == (said["msg"], said["terminal"])
    assert message.fields["serial"] == said["serial"]
    assert message.fields["release"] == said.get("proto_version")
    assert message.fields["parts"] == ([said["total"], said["no"]] if said["subpacket"] else None)
    if "body" in said:
        assert message.fields["body"] == said["body"]
    for mine, theirs in (("answers", "serial"), ("result", "result"), ("to", "msg"), ("token", "token")):
        if theirs in said.get("reply", {}):
            assert message.fields[mine] == said["reply"][theirs]
    if "text" in said:
        assert (message.fields["flag"], message.fields["text"]) == (said["text"]["flag"], said["text"]["text"])
    one = message.fields.get("place")
    places = cast(list[dict[str, Any]], message.fields.get("places") or ([one] if one else []))
    items = said["batch"]["items"] if "batch" in said else [said["location"]] if "location" in said else []
    assert len(places) == len(items)
    for place, item in zip(places, items, strict=True):
        check_place(place, item)
    if items:
        first = {reading.element: reading.value for reading in message.readings[:5]}
        assert first == {
            "lat_deg": items[0]["lat"],
            "lon_deg": items[0]["lon"],
            "altitude_m": items[0]["alt"],
            "speed_kmh": items[0]["speed"],
            "course_deg": items[0]["course"],
        }
    assert encode(message) == data


def check_place(place: dict[str, Any], item: dict[str, Any]) -> None:
    for name in ("alarm", "status", "course", "time"):
        assert place[name] == item[name]
    read = dict(place["extra"])
    if not place["rest"]:
        assert read == item["extra"]
    assert all(item["extra"][code] == value for code, value in read.items())
