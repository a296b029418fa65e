"""SZY 206 and SL/T 427 frames: what is known is read, what is not stays bytes, nothing is guessed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake import Decoded, RefusalCode, Refused, Session, SessionOptions, codec_of

CODEC = codec_of("szy206")
assert CODEC.encode is not None
ENCODE = CODEC.encode
NOW = datetime(2026, 7, 20, 8, 0, 30, tzinfo=BEIJING)
STATION = "1402000D00"
TP5 = "0030080A05"  # second 0, minute 30, hour 8, day 0A
TP427 = "15300820072600"  # 2026-07-20 08:30:15
LEVEL = "10230400"  # 42.310 m, low byte first


def frame(function: str, kind: int, data: str, **fields: Any) -> bytes:
    said = {"control": f"{0x80 | kind:02X}", "data": data, **fields}
    return ENCODE(Decoded(STATION, function, None, (), said))


def decoded(data: bytes, **settings: Any) -> Decoded:
    message = CODEC.decode(data, SessionOptions(settings=settings))
    assert isinstance(message, Decoded), message
    return message


def code(data: bytes) -> RefusalCode:
    message = CODEC.decode(data)
    assert isinstance(message, Refused), message
    assert message.raw == data
    return message.code


def session(**settings: Any) -> Session:
    assert CODEC.session is not None
    return CODEC.session(SessionOptions(settings=settings))


STAGE = frame("C0", 2, LEVEL + "0100" + "6000" + TP427)
OLD_STAGE = frame("C0", 2, LEVEL + "0100" + "6000" + "0030081905")


def test_a_frame_of_the_new_standard() -> None:
    told = decoded(STAGE)
    at = datetime(2026, 7, 20, 8, 30, 15, tzinfo=BEIJING)
    assert [(one.element, one.time, one.value, one.unit, one.flags) for one in told.readings] == [
        ("stage_m", at, 42.31, "m", ())
    ]
    assert (told.station, told.function, told.sent) == (STATION, "C0", at)
    shown = {key: told.fields[key] for key in ("adcode", "number", "version", "alarms", "state", "delay_min")}
    assert shown == {
        "adcode": "140200",
        "number": 13,
        "version": "SL/T 427",
        "alarms": ["工作交流电停电"],
        "state": "0060",
        "delay_min": 0,
    }


def test_the_old_standard_has_no_month_until_a_session_gives_it() -> None:
    (alone,) = decoded(OLD_STAGE).readings
    assert (alone.value, alone.time, alone.flags) == (42.31, None, ("no-month",))
    messages, _ = session().receive(OLD_STAGE, NOW)
    assert isinstance(messages[0], Decoded)
    (dated,) = messages[0].readings
    assert (dated.time, dated.flags) == (datetime(2026, 7, 19, 8, 30, tzinfo=BEIJING), ())


@pytest.mark.parametrize(
    ("day", "clock", "now", "expected"),
    [
        ("20", "3008", "2026-07-20 08:00", "2026-07-20 08:30"),  # half an hour ahead
        ("20", "3010", "2026-07-20 08:00", "2026-06-20 10:30"),  # two hours ahead: last month
        ("31", "5523", "2026-08-01 00:05", "2026-07-31 23:55"),
        ("31", "5523", "2026-07-01 00:05", "2026-05-31 23:55"),
        ("01", "0000", "2026-12-31 23:30", "2027-01-01 00:00"),
    ],
)
def test_which_month_a_day_belongs_to(day: str, clock: str, now: str, expected: str) -> None:
    data = frame("C0", 2, LEVEL + "00000000" + "00" + clock + day + "05")
    messages, _ = session().receive(data, datetime.fromisoformat(now).replace(tzinfo=BEIJING))
    assert isinstance(messages[0], Decoded)
    assert messages[0].sent == datetime.fromisoformat(expected).replace(tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("kind", "values", "settings", "readings"),
    [
        (1, "250100", {}, [("szy206:rain", 12.5, ("unmapped",))]),
        (1, "250100", {"rain": "rain_total_mm"}, [("rain_total_mm", 12.5, ())]),
        (2, "102304F0", {}, [("stage_m", -42.31, ())]),
        (2, "AAAAAAAA", {}, [("stage_m", None, ("missing",))]),
        (2, "FFFFFFFF", {}, [("stage_m", None, ("missing",))]),
        (2, "1023040B", {}, [("stage_m", None, ("unreadable",))]),
        (2, LEVEL * 2, {}, [("stage_m", 42.31, ()), ("szy206:stage_m:2", 42.31, ("unmapped",))]),
        (
            3,
            "0059000000" + "8261100000",
            {"totals": True},
            [("flow_m3s", 5.9, ()), ("water_total_m3", 106182.0, ())],
        ),
        (3, "0059000000", {}, [("flow_m3s", 5.9, ())]),
        (4, "555404", {}, [("velocity_ms", 45.455, ())]),
        (5, "250100", {}, [("gate_opening_m", 1.25, ())]),
        (10, "0102", {}, [("szy206:水质", "0102" + "00000000" + TP427, ("unmapped",))]),
    ],
)
def test_what_a_value_means(kind: int, values: str, settings: dict[str, Any], readings: list[Any]) -> None:
    told = decoded(frame("C0", kind, values + "00000000" + TP427), **settings)
    assert [(one.element, one.value, one.flags) for one in told.readings] == readings


def test_the_version_of_the_record_is_believed() -> None:
    assert decoded(STAGE, version="sl427").readings[0].value == 42.31
    assert decoded(STAGE, version="szy206").note.endswith("原样保留")


@pytest.mark.parametrize("data", [STAGE, OLD_STAGE, frame("02", 0, "F2"), frame("B0", 2, "00")])
def test_what_was_read_is_written_again_byte_for_byte(data: bytes) -> None:
    assert ENCODE(decoded(data)) == data


def test_a_split_frame_and_a_station_named_by_its_code() -> None:
    data = ENCODE(Decoded("0030746200", "83", None, (), {"control": "C0", "packets_left": 3, "data": "FFD8"}))
    told = decoded(data)
    assert (told.station, told.fields["packets_left"], "adcode" in told.fields) == ("0030746200", 3, False)
    assert ENCODE(told) == data


def test_why_a_frame_is_refused() -> None:
    for size in range(len(STAGE)):
        assert code(STAGE[:size]) is RefusalCode.TRUNCATED
    for bit in range(8 * len(STAGE)):
        data = bytearray(STAGE)
        data[bit // 8] ^= 1 << bit % 8
        code(bytes(data))
    assert code(STAGE[:-2] + bytes([STAGE[-2] ^ 1]) + b"\x16") is RefusalCode.CRC
    assert code(STAGE[:-1] + b"\x17") is RefusalCode.LENGTH
    assert code(STAGE + b"\x00") is RefusalCode.LENGTH
    assert code(b"\x69" + STAGE[1:]) is RefusalCode.HEADER
    assert code(frame("C0", 2, LEVEL + "00000000" + "15300820132600")) is RefusalCode.TIME
    assert code(frame("C0", 2, LEVEL + "00000000" + TP5)) is RefusalCode.TIME
    assert code(frame("C0", 2, LEVEL + "00000000" + "0030243205")) is RefusalCode.TIME


def test_the_session_confirms_reports_and_links() -> None:
    centre = session()
    messages, reply = centre.receive(b"\x00\x01" + STAGE + frame("02", 0, "F2"), NOW)
    assert [type(one) for one in messages] == [Refused, Decoded, Decoded]
    assert isinstance(messages[2], Decoded)
    assert messages[2].note == "在线保持"
    echo, _ = session().receive(reply, NOW)
    told = [
        (one.function, one.fields["direction"], one.fields["data"]) for one in echo if isinstance(one, Decoded)
    ]
    assert told == [("C0", "down", "00"), ("02", "down", "F2")]
    assert session(acknowledge=False).receive(STAGE, NOW)[1] == b""
    assert centre.receive(frame("B0", 2, LEVEL), NOW)[1] == b""


def test_a_bad_frame_does_not_hide_the_next() -> None:
    longer = bytes([STAGE[0], STAGE[1] + 9]) + STAGE[2:]
    centre = session()
    messages, _ = centre.receive(STAGE[:-2] + b"\x00\x16" + longer + STAGE, NOW)
    assert [getattr(one, "code", "ok") for one in messages] == [RefusalCode.CRC, RefusalCode.LENGTH, "ok"]
    assert centre.receive(STAGE[:9], NOW) == ([], b"")
    assert centre.tick(NOW + timedelta(seconds=19)) == ([], b"")
    assert [getattr(one, "code", "ok") for one in centre.tick(NOW + timedelta(seconds=20))[0]] == [
        RefusalCode.TRUNCATED
    ]
    centre.receive(STAGE[:9], NOW)
    assert len(centre.close(NOW)) == 1


def test_a_command_is_written_as_told() -> None:
    request = Decoded(STATION, "B0", None, (), {"control": "02"})
    assert session().send(request, NOW) == ENCODE(request)
    for wrong in ({"control": "zz"}, {"control": "40"}, {"data": "00" * 250}):
        with pytest.raises(BadInput):
            ENCODE(Decoded(STATION, "B0", None, (), wrong))


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(data: bytes) -> None:
    CODEC.decode(data)
    centre = session()
    centre.receive(data, NOW)
    centre.tick(NOW + timedelta(seconds=20))
    assert centre.close(NOW) == []


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40))
def test_any_data_under_a_right_check_are_read(control: int, function: int, data: bytes) -> None:
    said = {"control": f"{control:02X}", "data": data.hex()} | ({"packets_left": 1} if control & 0x40 else {})
    written = ENCODE(Decoded(STATION, f"{function:02X}", None, (), said))
    message = CODEC.decode(written)
    assert isinstance(message, Refused) or ENCODE(message) == written
    session().receive(written, NOW)


def test_noise_does_not_multiply() -> None:
    messages, _ = session().receive(b"\x68" * 20_000, NOW)
    assert len(messages) < 20_000 // 100
    assert sum(len(one.raw) for one in messages if isinstance(one, Refused)) <= 20_000
