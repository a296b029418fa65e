"""JT/T 808: our own frames, any bytes, and the talk between terminals and the platform."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING
from shouye.watch.intake import Decoded, Message, RefusalCode, Refused, Session, SessionOptions
from shouye.watch.intake.codecs.jt808 import CODEC, decode, encode

FRAMES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "frames" / "jt808.jsonl").read_text(encoding="utf-8").splitlines()
]
BY_NAME = {row["name"]: bytes.fromhex(row["hex"]) for row in FRAMES}
GOOD = [bytes.fromhex(row["hex"]) for row in FRAMES if "refused" not in row]
LOCATION = BY_NAME["location 2013"]
PHONE = "013900000001"
NOW = datetime(2026, 7, 20, 10, 31, tzinfo=BEIJING)


def frame(message: str, body: str = "", serial: int = 7, phone: str = PHONE, **said: Any) -> bytes:
    return encode(Decoded(phone, message, None, (), {"serial": serial, "body": body, **said}))


def open_session(**settings: str | int | bool) -> Session:
    assert CODEC.session is not None
    return CODEC.session(SessionOptions(settings=settings))


def decoded(message: Message) -> Decoded:
    assert isinstance(message, Decoded), message
    return message


def refused(message: Message) -> Refused:
    assert isinstance(message, Refused), message
    return message


def frames_in(out: bytes) -> list[Decoded]:
    return [decoded(decode(b"\x7e" + piece + b"\x7e")) for piece in out.split(b"\x7e") if piece]


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: row["name"])
def test_our_frames(row: dict[str, Any]) -> None:
    data = bytes.fromhex(row["hex"])
    message = decode(data)
    assert message.station == row["station"]
    if "refused" in row:
        assert refused(message).code == row["refused"]
        assert refused(message).raw == data
        return
    found = decoded(message)
    assert found.function == row["function"]
    assert found.fields["command"]
    assert [
        [one.element, one.time and one.time.isoformat(), one.value, one.unit, list(one.flags)]
        for one in found.readings
    ] == row["readings"]
    for name, value in row.get("fields", {}).items():
        assert found.fields[name] == value
    assert encode(found) == data
    json.dumps(found.fields)


def test_the_source_states_its_coordinates() -> None:
    found = decoded(decode(LOCATION, SessionOptions(settings={"coordinates": "GCJ-02"})))
    assert found.fields["coordinates"] == "GCJ-02"
    assert found.readings[0].flags == ("crs:GCJ-02",)


def test_what_is_left_over_is_noted() -> None:
    assert decoded(decode(BY_NAME["an item cut short is kept as it is"])).note


def test_a_terminal_registers_verifies_and_reports() -> None:
    session = open_session(secret="night")
    (early,), answer = session.receive(LOCATION, NOW)
    assert refused(early).code == RefusalCode.UNSUPPORTED
    assert frames_in(answer)[0].fields["result"] == 1

    _, answer = session.receive(BY_NAME["registration 2013"], NOW)
    (registered,) = frames_in(answer)
    assert (registered.function, registered.fields["answers"], registered.fields["result"]) == ("8100", 7, 0)
    token = str(registered.fields["token"])

    _, answer = session.receive(frame("0102", b"guess".hex()), NOW)
    assert frames_in(answer)[0].fields["result"] == 1
    assert isinstance(session.receive(LOCATION, NOW)[0][0], Refused)

    _, answer = session.receive(frame("0102", token.encode().hex(), serial=8), NOW)
    (general,) = frames_in(answer)
    assert (general.function, general.fields["answers"], general.fields["to"]) == ("8001", 8, "0102")
    assert general.fields["result"] == 0

    (report,), answer = session.receive(LOCATION, NOW)
    assert len(decoded(report).readings) == 8
    assert frames_in(answer)[0].fields["to"] == "0200"
    (other,), _ = session.receive(frame("0002", phone="013900000002"), NOW)
    assert refused(other).station == "013900000002"

    session.receive(frame("0003"), NOW)
    assert isinstance(session.receive(LOCATION, NOW)[0][0], Refused)

    again = open_session(secret="night")
    assert frames_in(again.receive(frame("0102", token.encode().hex()), NOW)[1])[0].fields["result"] == 0
    stranger = open_session(secret="day")
    assert frames_in(stranger.receive(frame("0102", token.encode().hex()), NOW)[1])[0].fields["result"] == 1


@pytest.mark.parametrize(
    ("name", "function", "result"),
    [
        ("heartbeat", "8001", 0),
        ("location 2019", "8001", 0),
        ("batch from a blind zone", "8001", 0),
        ("general answer", None, None),
        ("asked location", None, None),
    ],
)
def test_what_the_platform_answers(name: str, function: str | None, result: int | None) -> None:
    data = BY_NAME[name]
    _, answer = open_session(require_auth=False).receive(data, NOW)
    if function is None:
        assert answer == b""
        return
    (found,) = frames_in(answer)
    heard = decoded(decode(data))
    assert (found.function, found.fields["result"], found.fields["to"]) == (function, result, heard.function)
    assert (found.station, found.fields["release"]) == (heard.station, heard.fields["release"])


def test_other_answers() -> None:
    session = open_session(require_auth=False)
    assert frames_in(session.receive(BY_NAME["location in the 13th month"], NOW)[1])[0].fields["result"] == 2
    assert frames_in(session.receive(frame("0F0F"), NOW)[1])[0].fields["result"] == 3
    (clock,) = frames_in(session.receive(frame("0004"), NOW)[1])
    assert (clock.function, clock.fields["body"]) == ("8004", "260720023100")
    (picture,) = frames_in(session.receive(frame("0801", "0000007b" + "00" * 40), NOW)[1])
    assert (picture.function, picture.fields["body"]) == ("8800", "0000007b")


def test_a_stream_in_any_pieces() -> None:
    whole = [one for one in GOOD if decoded(decode(one)).fields["parts"] is None]
    stream = b"".join(whole)
    session = open_session(require_auth=False)
    messages: list[Message] = []
    for at in range(0, len(stream), 5):
        messages += session.receive(stream[at : at + 5], NOW)[0]
    assert messages == [decode(one) for one in whole]
    assert session.close(NOW) == []


def test_noise_does_not_hide_the_next_frame() -> None:
    session = open_session(require_auth=False)
    shared_mark = LOCATION + LOCATION[1:]
    messages, _ = session.receive(b"AT\r\n" + LOCATION + b"\x7e\x7e" + LOCATION[:50] + shared_mark, NOW)
    codes = [one.code if isinstance(one, Refused) else "" for one in messages]
    assert codes == [RefusalCode.HEADER, "", RefusalCode.CRC, "", ""]


def test_memory_is_bounded() -> None:
    session = open_session(require_auth=False)
    for _ in range(100):
        messages, _ = session.receive(b"\x7e" + b"\x01" * 3000, NOW)
        assert all(len(refused(one).raw) <= 2100 for one in messages)
    assert session.close(NOW) == []
    messages, _ = session.receive(b"\x7e" + b"\x01" * 5000 + b"\x7e" + LOCATION[:30], NOW)
    assert [refused(one).code for one in messages] == [RefusalCode.LENGTH]
    (left,) = session.close(NOW)
    assert refused(left).code == RefusalCode.TRUNCATED
    for turn in range(1200):
        messages, _ = session.receive(
            frame("0801", "00" * 1000, serial=turn * 3 & 0xFFFF, parts=[3, 1]),
            NOW,
        )
        assert len(messages) <= 1
    assert len(session.close(NOW)) == 8


def test_a_large_split_message_is_given_up_beyond_its_bound() -> None:
    session = open_session(require_auth=False)
    lost: list[Message] = []
    for no in range(1, 1100):
        lost += session.receive(frame("0801", "00" * 1000, serial=no - 1, parts=[2000, no]), NOW)[0]
    assert [refused(one).code for one in lost] == [RefusalCode.TRUNCATED]


def batch(count: int) -> Decoded:
    one = decoded(decode(LOCATION)).fields["place"]
    return Decoded(PHONE, "0704", None, (), {"serial": 65534, "kind": 1, "places": [one] * count})


def test_parts_become_one_message_in_any_order() -> None:
    sent = encode(batch(50))
    parts = [b"\x7e" + piece + b"\x7e" for piece in sent.split(b"\x7e") if piece]
    assert [decoded(decode(part)).fields["parts"] for part in parts] == [[3, 1], [3, 2], [3, 3]]
    session = open_session(require_auth=False)
    assert session.receive(parts[1], NOW) == ([], b"")
    nothing, ask = session.receive(parts[2], NOW)
    assert nothing == []
    (asked,) = frames_in(ask)
    assert (asked.function, asked.fields["body"]) == ("8003", "fffe" + "01" + "0001")
    (whole,), answers = session.receive(parts[0], NOW)
    assert len(decoded(whole).readings) == 50 * 8
    assert [one.fields["answers"] for one in frames_in(answers)] == [65534, 65535, 0]


def test_parts_that_do_not_come() -> None:
    session = open_session(require_auth=False)
    session.receive(frame("0801", "00" * 10, parts=[3, 2]), NOW)
    assert session.tick(NOW + timedelta(minutes=4)) == ([], b"")
    (lost,), _ = session.tick(NOW + timedelta(minutes=5))
    assert refused(lost).detail == "分包消息 0801 没有收全，缺第 1、3 包"
    assert refused(lost).raw == bytes(10)


def test_a_text_is_sent_again_until_answered() -> None:
    session = open_session(require_auth=False, timeout_s=10)
    text = Decoded(PHONE, "8300", None, (), {"flag": 1, "text": "前方山洪"})
    sent = session.send(text, NOW)
    assert frames_in(sent)[0].fields["serial"] == 1
    assert session.tick(NOW + timedelta(seconds=9)) == ([], b"")
    assert session.tick(NOW + timedelta(seconds=10)) == ([], sent)
    (answer,), _ = session.receive(frame("0001", "0001" + "8300" + "00"), NOW)
    assert decoded(answer).fields["answered"] == "8300"
    assert session.tick(NOW + timedelta(hours=1)) == ([], b"")
    session.send(text, NOW)
    outcomes = [session.tick(NOW + timedelta(seconds=10 * turn)) for turn in range(1, 5)]
    assert [bool(again) for _, again in outcomes] == [True, True, False, False]
    assert refused(outcomes[2][0][0]).detail == "下发的 8300 没有应答"
    session.send(text, NOW)
    assert len(session.close(NOW)) == 1


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_any_bytes_are_refused_or_read(data: bytes, body: bytes) -> None:
    assert isinstance(decode(data), Decoded | Refused)
    session = open_session(require_auth=False)
    session.receive(data, NOW)
    session.receive(b"\x7e" + data + b"\x7e", NOW)
    session.tick(NOW + timedelta(hours=1))
    session.close(NOW)


@given(
    st.sampled_from(["0001", "0100", "0102", "0200", "0201", "0704", "0801", "8100", "8300"]),
    st.binary(max_size=90),
)
def test_any_body_under_a_right_check_is_refused_or_written_again(message: str, body: bytes) -> None:
    for release in (None, 1):
        phone = PHONE if release is None else "00000000" + PHONE
        data = frame(message, body.hex(), phone=phone, release=release)
        found = decode(data)
        if isinstance(found, Decoded):
            assert encode(found) == data
            json.dumps(found.fields)
        open_session(require_auth=False).receive(data, NOW)


@given(st.sampled_from(GOOD), st.data())
def test_a_flipped_bit_or_a_cut_is_never_read_as_good(data: bytes, draw: st.DataObject) -> None:
    flipped = bytearray(data)
    flipped[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    assert isinstance(decode(bytes(flipped)), Refused)
    assert isinstance(decode(data[: draw.draw(st.integers(0, len(data) - 1))]), Refused)
