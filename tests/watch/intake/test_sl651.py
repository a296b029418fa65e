"""SL 651 frames: every function in both codings, refusals with their reason, and nothing that can crash it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake import Decoded, RefusalCode, Refused, SessionOptions, codec_of
from shouye.watch.intake.elements.sl651 import ELEMENTS

CODEC = codec_of("sl651")
assert CODEC.encode is not None
ENCODE = CODEC.encode
ROWS: dict[str, dict[str, Any]] = {
    row["name"]: row
    for row in map(
        json.loads,
        (Path(__file__).parents[2] / "frames" / "sl651.jsonl").read_text(encoding="utf-8").splitlines(),
    )
}
AT = datetime(2026, 7, 20, 8, 0, 6, tzinfo=BEIJING)


def frame(name: str) -> bytes:
    return bytes.fromhex(ROWS[name]["hex"])


def decoded(data: bytes, **options: Any) -> Decoded:
    message = CODEC.decode(data, SessionOptions(**options))
    assert isinstance(message, Decoded), message
    return message


def refused(data: bytes) -> Refused:
    message = CODEC.decode(data)
    assert isinstance(message, Refused), message
    assert message.raw == data
    assert message.detail
    return message


def written(function: str, items: list[Any], sent: datetime = AT, **fields: Any) -> bytes:
    said = {"direction": "up", "password": "04D2", "serial": 7, "items": items, **fields}
    return ENCODE(Decoded("0014020001", function, sent, (), said))


@pytest.mark.parametrize("name", ROWS)
def test_a_frame_says_what_the_row_says(name: str) -> None:
    row, message = ROWS[name], decoded(frame(name))
    assert (message.station, message.function, message.sent) == ("0014020001", row["function"], AT)
    assert [[one.element, one.value, list(one.flags)] for one in message.readings] == row["readings"]


@pytest.mark.parametrize("name", ROWS)
def test_what_was_read_is_written_again_byte_for_byte(name: str) -> None:
    fields = json.loads(json.dumps(decoded(frame(name)).fields))  # as it comes back from quarantine
    assert ENCODE(replace(decoded(frame(name)), fields=fields)) == frame(name)


def test_every_function_of_the_standard_has_a_frame() -> None:
    assert set(ELEMENTS.functions) <= {row["function"] for row in ROWS.values()}


def test_a_time_belongs_to_the_elements_behind_it() -> None:
    at = [(one.element, one.time) for one in decoded(frame("hourly")).readings]
    hour = datetime(2026, 7, 20, 7, 5, tzinfo=BEIJING)
    assert at[:12] == [("rain_5min_mm", hour + timedelta(minutes=5 * step)) for step in range(12)]
    assert at[-1] == ("stage_m", datetime(2026, 7, 20, 8, tzinfo=BEIJING))


def test_the_step_paces_a_series_in_both_codings() -> None:
    hours = [one.time for one in decoded(frame("period_reply")).readings]
    assert [time.hour for time in hours if time] == [6, 7, 8]
    assert [one.time.minute for one in decoded(frame("ascii_equal_interval")).readings if one.time] == [
        55,
        0,
        55,
        0,
    ]


def test_a_step_written_in_hex_is_understood() -> None:
    head = [["F1", "", "0014020001"], ["class", "", "48"], ["F0", "", "2607200700"]]
    told = decoded(written("31", [*head, ["04", "", "00000F"], ["39", "", ["1.000", "1.001"]]]))
    assert [one.time.minute for one in told.readings if one.time] == [0, 15]


def test_several_stations_in_one_frame_keep_their_names() -> None:
    told = decoded(frame("two_stations")).readings
    assert [(one.station, one.value, one.time.minute) for one in told if one.time] == [
        ("", 1.0, 0),
        ("0014020002", 2.0, 55),
    ]


def test_values_after_the_sending_are_marked_unless_the_feed_says_what_its_hour_means() -> None:
    items = [["F1", "", "0014020001"], ["class", "", "48"], ["F0", "", "2607200800"]]
    data = written("34", [*items, ["F4", "", "hex:" + "01" * 12]])
    flags = [one.flags for one in decoded(data).readings]
    assert flags == [()] + [("after-sent",)] * 11
    ends = decoded(data, settings={"hour_group": "last"}).readings
    assert {one.flags for one in ends} == {()}
    assert ends[-1].time == datetime(2026, 7, 20, 8, tzinfo=BEIJING)


def test_a_level_that_falls_to_zero_inside_an_hour_is_doubtful() -> None:
    items = [["F1", "", "0014020001"], ["class", "", "48"], ["F0", "", "2607200705"]]
    told = decoded(written("34", [*items, ["F5", "", "hex:" + "006B" * 7 + "0000" * 5]])).readings
    assert [one.flags for one in told] == [()] * 7 + [("doubtful",)] * 5


def test_a_wrong_definition_byte_does_not_move_the_hour_group() -> None:
    items = [["F1", "", "0014020001"], ["class", "", "48"], ["F0", "", "2607200705"]]
    data = written("34", [*items, ["F5", "5C", "hex:" + "0AAA" * 12], ["38", "", "12.90"]])
    assert [one.value for one in decoded(data).readings] == [27.3] * 12 + [12.9]


def test_what_is_nobodys_standard_is_kept_and_said() -> None:
    told = decoded(frame("vendor_block"))
    assert told.fields["unread"] == "79790211498094021190165638121207"
    assert "16 字节不合标准" in told.note


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "sl651:FF92"),
        ({"source": "beijing"}, "soil_temp_1_c"),
        ({"source": "beijing", "settings": {"FF92": "soil_temp_10cm_c ℃"}}, "soil_temp_10cm_c"),
        ({"source": "elsewhere"}, "sl651:FF92"),
    ],
)
def test_an_extension_means_what_its_source_says(options: dict[str, Any], name: str) -> None:
    assert decoded(frame("extensions"), **options).readings[0].element == name


def test_a_configuration_is_told_in_words() -> None:
    told: Any = decoded(frame("basic_configuration")).fields["parameters"]
    assert [(one["term"], one["value"]) for one in told] == [
        ("中心站地址", [1, 0, 0, 0]),
        ("密码", "04D2"),
        ("中心站 1 主信道类型及地址", "IPV4 10.0.1.1:9708"),
        ("工作方式", "2"),
    ]
    told = decoded(frame("running_configuration")).fields["parameters"]
    assert told[1] == {"code": "28", "term": "水位基值 1", "value": "-1.500", "unit": "m"}


def test_status_version_and_events_are_told_in_words() -> None:
    assert decoded(frame("timed")).fields["status"] == ["交流停电", "蓄电池电压低", "终端箱门开启", "水泵工作"]
    assert decoded(frame("version")).fields["text"] == "YS-651 V2.0"
    events: Any = decoded(frame("events")).fields["events"]
    assert (events["水位超限告警记录"], events["ERC32"], "ERC19" in events) == (1, 2, False)


def test_text_typed_at_the_station_keeps_its_time() -> None:
    told = decoded(frame("manual"))
    assert told.fields["text"] == "ST 0014020001 TT 07200700 Z 1042.31 Q 12.3 天气晴"
    assert {one.time for one in told.readings} == {datetime(2026, 7, 20, 7, tzinfo=BEIJING)}
    new_year = written("35", [["F2", "", "TT 12312355 Z 1.00"]], datetime(2027, 1, 1, 0, 5, tzinfo=BEIJING))
    assert decoded(new_year).readings[0].time == datetime(2026, 12, 31, 23, 55, tzinfo=BEIJING)


def test_a_stray_7e_behind_the_frame_is_no_error() -> None:
    assert decoded(frame("timed") + b"\x7e").readings == decoded(frame("timed")).readings


def test_a_packet_of_many_is_shown_without_readings() -> None:
    first = written("36", [["F1", "", "0014020001"], ["F3", "", "hex:FFD8"]], start="SYN", packets=2, packet=1)
    second = written("36", [], start="SYN", packets=2, packet=2, body="FFD9")
    assert decoded(first).note == "共 2 包的第 1 包"
    assert decoded(second).fields["body"] == "FFD9"
    assert (decoded(second).sent, decoded(second).readings) == (None, ())
    ascii_second = written("36", [], start="SYN", packets=300, packet=299, body="FFD9", mode="ASCII")
    assert ascii_second[24:30] == b"12C12B"  # three HEX digits each, not three decimals
    assert decoded(ascii_second).fields["packet"] == 299


@pytest.mark.parametrize("name", ["timed", "ascii_timed", "query_period"])
def test_every_shortened_frame_is_refused_as_cut(name: str) -> None:
    for size in range(len(frame(name))):
        assert refused(frame(name)[:size]).code is RefusalCode.TRUNCATED


@pytest.mark.parametrize("name", ["timed", "hourly", "query_now"])
def test_no_single_wrong_bit_goes_unseen(name: str) -> None:
    for bit in range(8 * len(frame(name))):
        data = bytearray(frame(name))
        data[bit // 8] ^= 1 << bit % 8
        refused(bytes(data))


def test_why_a_frame_is_refused() -> None:
    good = frame("timed")
    wrong_crc = refused(good[:-1] + bytes([good[-1] ^ 1]))
    assert (wrong_crc.code, wrong_crc.station) == (RefusalCode.CRC, "0014020001")
    assert "校验码" in wrong_crc.detail
    assert refused(good[:12] + bytes([good[12] - 3]) + good[13:]).code is RefusalCode.LENGTH
    assert refused(good + b"\x01").code is RefusalCode.LENGTH
    assert refused(good[:13] + b"\x55" + good[14:]).code is RefusalCode.HEADER
    assert refused(b"##0101QN=1").code is RefusalCode.HEADER
    assert refused(written("32", [["F0", "", "2613200800"]])).code is RefusalCode.TIME
    assert refused(written("32", [["F0", "", "26A7200800"]])).code is RefusalCode.TIME
    assert refused(written("36", [], start="SYN", packets=2, packet=3, body="00")).code is RefusalCode.LENGTH
    assert refused(written("36", [], body="0007")).code is RefusalCode.LENGTH
    no_date = written("36", [], body="0007000000000000")
    assert (refused(no_date).code, refused(no_date).station) == (RefusalCode.TIME, "0014020001")
    assert refused(written("34", [["F4", "", "hex:00FF"]], mode="ASCII")).code is RefusalCode.ENCODING
    odd = b"00072607200800" + b"06ST 0014020001 H TT 2607200800 DRN05 PJ Z 1.0 "
    assert refused(written("31", [], mode="ASCII", body=odd.hex())).code is RefusalCode.ENCODING


@pytest.mark.parametrize(
    "message",
    [
        Decoded("14020001", "37", AT),
        Decoded("0014020001", "37", None),
        Decoded("0014020001", "37", AT, (), {"centre": 300}),
        Decoded("0014020001", "37", AT, (), {"centre": "1"}),
        Decoded("0014020001", "37", AT, (), {"end": "XYZ"}),
        Decoded("0014020001", "32", AT, (), {"items": [["39", "", "123456.789"]]}),
        Decoded("0014020001", "32", AT, (), {"items": [["39", "", "1.0425"]]}),
        Decoded("0014020001", "32", AT, (), {"items": [["39", "", "high"]]}),
        Decoded("0014020001", "32", AT, (), {"items": [["C1", "", "1"]]}),
        Decoded("0014020001", "35", AT, (), {"items": [["F2", "", "Z 1 " * 1100]]}),
        Decoded("0014020001", "31", AT, (), {"mode": "ASCII", "items": [["04", "", "010100"]]}),
    ],
)
def test_what_cannot_be_written_is_refused(message: Decoded) -> None:
    with pytest.raises(BadInput):
        ENCODE(message)


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(data: bytes) -> None:
    for start in (b"", b"\x7e\x7e", b"\x01"):
        CODEC.decode(start + data)


PIECES = [
    bytes.fromhex(piece)
    for piece in (
        *(
            "F0F02607200800",
            "F1F1001402000148",
            "041800000F",
            "0418000005",
            "F460",
            "F5C0",
            "3923",
            "4520",
            "4500",
        ),
        *("FFFF", "F2F2", "F3F3", "FDF6", "0E", "FF", "1A", "7979", "F9F9", "381212", "0120", "0428"),
    )
]
WORDS = (
    *(
        b"ST",
        b"TT",
        b"2607200800",
        b"0014020001",
        b"H",
        b"PJ",
        b"Z",
        b"M",
        b"1.5",
        b"-2",
        b"DRN05",
        b"DRP",
        b"DRH00",
    ),
    *(b"RGZS", b"PIC", b"FF01", b"01", b"class", b"ZT", b"\xff", b""),
)
BODIES = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=5)), max_size=12).map(b"".join)
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=2)), max_size=14).map(b" ".join)


@settings(max_examples=400)
@given(st.sampled_from([*ELEMENTS.functions, "E5"]), st.one_of(BODIES, TEXTS), st.booleans(), st.booleans())
def test_any_body_under_a_right_check_is_read_and_written_again(
    function: str, body: bytes, up: bool, ascii_mode: bool
) -> None:
    """Whoever can compute a CRC can send anything."""
    head = b"0007260720080006" if ascii_mode else bytes.fromhex("0007260720080006")
    fields = {
        "direction": "up" if up else "down",
        "mode": "ASCII" if ascii_mode else "HEX",
        "body": (head + body).hex(),
    }
    data = ENCODE(Decoded("0014020001", function, AT, (), fields))
    message = CODEC.decode(data)
    if isinstance(message, Decoded) and not ascii_mode:
        assert ENCODE(message) == data
