"""HJ 212: our own frames, the standard's example, any bytes, and the talk between a logger and the host."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING
from shouye.watch.intake import Decoded, Message, RefusalCode, Refused, Session, SessionOptions
from shouye.watch.intake.codecs.hj212 import CODEC, decode, encode
from shouye.watch.intake.elements.hj212 import ELEMENTS
from shouye.watch.intake.envelopes.hj212 import ENVELOPE

FRAMES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "frames" / "hj212.jsonl").read_text(encoding="utf-8").splitlines()
]
NOW = datetime(2026, 7, 20, 10, 31, tzinfo=BEIJING)
MN = "NIGHTWATCH0000000000001"


def packet_of(row: dict[str, Any]) -> bytes:
    return bytes.fromhex(row["hex"]) if "hex" in row else row["packet"].encode()


GOOD = [packet_of(row) for row in FRAMES if "refused" not in row]


def packed(segment: str) -> bytes:
    return ENVELOPE.write(segment.encode(), None)


def upload(cn: str = "2011", cp: str = "DataTime=20260720103000;w01018-Rtd=18.5", more: str = "Flag=5") -> bytes:
    return packed(f"QN=20260720103000123;ST=32;CN={cn};PW=123456;MN={MN};{more};CP=&&{cp}&&")


def open_session(**settings: str | int) -> Session:
    assert CODEC.session is not None
    return CODEC.session(SessionOptions(settings=settings))


def sealed_with(key: bytes, packet: bytes) -> bytes:
    found = decoded(decode(packet))
    return encode(replace(found, fields={**found.fields, "encrypted": True}), key)


def decoded(message: Message) -> Decoded:
    assert isinstance(message, Decoded), message
    return message


def refused(message: Message) -> Refused:
    assert isinstance(message, Refused), message
    return message


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: row["name"])
def test_our_frames(row: dict[str, Any]) -> None:
    message = decode(packet_of(row))
    assert message.station == row["station"]
    if "refused" in row:
        assert refused(message).code == row["refused"]
        assert refused(message).raw == packet_of(row)
        return
    found = decoded(message)
    assert (found.function, found.fields["version"]) == (row["function"], row["version"])
    assert [
        [
            reading.element,
            reading.time and reading.time.isoformat(),
            reading.value,
            reading.unit,
            list(reading.flags),
        ]
        for reading in found.readings
    ] == row["readings"]
    assert encode(found) == packet_of(row)
    assert encode(decoded(decode(encode(found)))) == packet_of(row)
    json.dumps(found.fields)


def test_the_standards_own_example() -> None:
    """HJ 212-2017 附录 C: a whole packet, printed with its CRC."""
    example = (
        b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
        b"CP=&&RtdInterval=30&&1C80\r\n"
    )
    found = decoded(decode(example))
    assert found.sent == datetime(2016, 8, 1, 8, 58, 57, 223000, BEIJING)
    assert found.fields["command"] == "设置实时数据间隔"
    assert encode(found) == example


def test_the_key_against_repeats() -> None:
    first = decoded(decode(upload(more="Flag=7;PNUM=2;PNO=1"))).fields["key"]
    assert first == f"{MN}/20260720103000123/2011/1"
    assert decoded(decode(upload(more="Flag=7;PNUM=2;PNO=2"))).fields["key"] != first
    assert decoded(decode(packed("ST=32;CN=2011;MN=A1;CP=&&&&"))).fields["key"] is None


def test_the_stations_record_decides_the_version() -> None:
    record = SessionOptions(settings={f"version:{MN}": "surface-water"})
    packet = upload(more="Flag=8")
    assert decoded(decode(packet)).fields["version"] == "2025"
    found = decoded(decode(packet, record))
    assert (found.fields["version"], found.fields["version_by"]) == ("surface-water", "station")


@pytest.mark.parametrize(
    ("cn", "ends"), [("2051", "20 10:40"), ("2061", "20 11:30"), ("2031", "21 10:30"), ("2011", "20 10:30")]
)
def test_a_period_labelled_by_its_start_ends_later(cn: str, ends: str) -> None:
    options = SessionOptions(settings={"period_label": "start"})
    (reading,) = decoded(decode(upload(cn), options)).readings
    assert reading.time is not None
    assert f"{reading.time:%d %H:%M}" == ends


def test_sm4_with_the_stations_key() -> None:
    key = bytes(range(16))
    plain = upload(cp="DataTime=20260720103000;w01018-Rtd=18.5,w01018-Flag=N", more="Flag=9")
    sealed = sealed_with(key, plain)
    assert sealed != plain
    assert refused(decode(sealed)).code == RefusalCode.UNSUPPORTED
    settings = ({"sm4_key": key.hex()}, {f"sm4_key:{MN}": key.hex(), "sm4_key": "no key"})
    for setting in settings:
        found = decoded(decode(sealed, SessionOptions(settings=setting)))
        assert found.readings == decoded(decode(plain)).readings
        assert encode(found, key) == sealed


def test_a_cipher_as_the_standard_prints_it() -> None:
    plain = upload(cp="DataTime=20260720103000;w01018-Rtd=18.5,w01018-Flag=N", more="Flag=9")
    sealed = sealed_with(ENVELOPE.test_key, plain)
    at = sealed.index(b"CP=&&") + 5
    blocks = (len(sealed) - 8 - at) // 16 * 16
    digits = ",".join(f"0x{byte:02X}" for byte in sealed[at : at + blocks])
    printed = sealed[:at] + b"{" + digits.encode() + b"}" + sealed[at + blocks :]
    assert decode(printed) == decode(sealed)
    messages, _ = open_session().receive(b"\r\n" + printed + upload(), NOW)
    assert [message.station for message in messages] == [MN, MN]
    counted = b"##%04d" % (len(printed) - 12) + printed[6:]
    assert decoded(decode(counted)).readings == decoded(decode(sealed)).readings


def test_gb18030_is_read_and_written_again() -> None:
    text = f"ST=32;CN=3020;PW=1;MN={MN};Flag=4;CP=&&i11001-Info=//自检通过//&&"
    packet = ENVELOPE.write(text.encode("gb18030"), None)
    (reading,) = decoded(decode(packet)).readings
    assert (reading.value, reading.flags) == ("//自检通过//", ("no_time",))
    assert encode(decoded(decode(packet))) == packet


def test_too_long_is_noted_or_not_written() -> None:
    long = decoded(decode(upload(cp=";".join(f"w{no:05}-Rtd={no}" for no in range(90)))))
    assert "超过标准" in long.note
    assert len(long.readings) == 90
    with pytest.raises(Exception, match="四位数"):
        encode(replace(long, fields={**long.fields, "cp": [[["X", "1" * 10_000]]]}))


@pytest.mark.parametrize(
    ("more", "cn", "reply"),
    [
        ("Flag=5", "2011", f"QN=20260720103000123;ST=91;CN=9014;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        ("Flag=9", "2061", f"QN=20260720103000123;ST=91;CN=9014;PW=123456;MN={MN};Flag=8;CP=&&&&"),
        ("Flag=9", "9015", f"QN=20260720103000123;ST=91;CN=9013;PW=123456;MN={MN};Flag=8;CP=&&&&"),
        ("Flag=5", "1013", f"QN=20260720103000123;ST=91;CN=9013;PW=123456;MN={MN};Flag=4;CP=&&&&"),
        ("Flag=1", "2011", f"ST=91;CN=9014;PW=123456;MN={MN};Flag=0;CP=&&QN=20260720103000123&&"),
        ("Flag=4", "2011", None),
        ("Flag=5", "9012", None),
    ],
)
def test_what_the_host_answers(more: str, cn: str, reply: str | None) -> None:
    messages, answer = open_session().receive(upload(cn, more=more), NOW)
    assert len(messages) == 1
    assert answer == (packed(reply) if reply else b"")


def test_a_repeat_is_answered_again_with_the_same_key() -> None:
    session = open_session()
    first, one = session.receive(upload(), NOW)
    again, two = session.receive(upload(), NOW)
    assert one == two != b""
    assert decoded(first[0]).fields["key"] == decoded(again[0]).fields["key"]


def test_a_stream_in_any_pieces() -> None:
    stream = b"\0\r\n".join(GOOD)
    whole, answers = open_session().receive(stream, NOW)
    session, sent = open_session(), b""
    messages: list[Message] = []
    for at in range(0, len(stream), 7):
        found, answer = session.receive(stream[at : at + 7], NOW)
        messages += found
        sent += answer
    assert [decoded(one).function for one in whole] == [decoded(decode(packet)).function for packet in GOOD]
    assert [decoded(one).readings for one in messages] == [decoded(one).readings for one in whole]
    assert sent == answers
    assert session.close(NOW) == []


def test_noise_a_wrong_length_and_a_lost_rest_do_not_hide_the_next_packet() -> None:
    good = upload()
    messages, _ = open_session().receive(b"AT+CSQ" + good + b"##0060" + good[6:] + good[:80] + good, NOW)
    assert [message.code if isinstance(message, Refused) else "" for message in messages] == [
        RefusalCode.HEADER,
        "",
        RefusalCode.LENGTH,
        "",
    ]
    assert refused(messages[2]).station == MN
    wrong = good.replace(b"18.5", b"19.5")
    assert [one.station for one in open_session().receive(wrong + good, NOW)[0]] == [MN, MN]


def test_a_false_head_does_not_hold_a_packet_back() -> None:
    messages, answer = open_session().receive(b"##9999QN" + upload(), NOW)
    assert refused(messages[0]).code == RefusalCode.LENGTH
    assert decoded(messages[1]).station == MN
    assert answer


def test_memory_is_bounded() -> None:
    session = open_session()
    for _ in range(300):
        messages, _ = session.receive(b"##9999" + b"x" * 1000, NOW)
        assert len(messages) <= 2
    (left,) = session.close(NOW)
    assert len(refused(left).raw) <= 10_010
    small = CODEC.session(SessionOptions(most_held_bytes=64)) if CODEC.session else session
    messages, _ = small.receive(upload()[:100], NOW)
    assert refused(messages[0]).code == RefusalCode.LENGTH


def test_a_split_upload() -> None:
    session = open_session()
    part = "Flag=7;PNUM=2;PNO={}"
    (first,), _ = session.receive(upload("2061", more=part.format(1)), NOW)
    (second,), answer = session.receive(upload("2061", cp="w21003-Avg=1.8", more=part.format(2)), NOW)
    (reading,) = decoded(second).readings
    assert reading.time == decoded(first).readings[0].time
    assert reading.flags == ()
    assert decoded(second).fields["split"] == [2, 2]
    assert b"CN=9014" in answer
    assert session.close(NOW) == []


def test_a_split_upload_whose_rest_does_not_come() -> None:
    session = open_session()
    session.receive(upload("2061", cp="w21003-Avg=1.8", more="Flag=7;PNUM=3;PNO=2"), NOW)
    assert session.tick(NOW + timedelta(seconds=59)) == ([], b"")
    (lost,), _ = session.tick(NOW + timedelta(seconds=60))
    assert refused(lost).code == RefusalCode.TRUNCATED
    assert refused(lost).detail == "分包上传共 3 包，缺第 1、3 包"
    assert session.tick(NOW + timedelta(days=1)) == ([], b"")


def command(cn: str = "1062", qn: str = "", cp: str = "RtdInterval") -> Decoded:
    head = {"ST": "32", "CN": cn, "PW": "123456", "MN": MN, "Flag": "5"} | ({"QN": qn} if qn else {})
    return Decoded(MN, cn, None, (), {"head": head, "cp": [[[cp, "30"]]]})


def test_a_command_is_sent_again_until_answered() -> None:
    session = open_session(timeout_s=5)
    sent = session.send(command(), NOW)
    assert sent == packed(
        f"QN=20260720103100000;ST=32;CN=1062;PW=123456;MN={MN};Flag=5;CP=&&RtdInterval=30&&",
    )
    assert session.tick(NOW + timedelta(seconds=4)) == ([], b"")
    assert session.tick(NOW + timedelta(seconds=5)) == ([], sent)
    later = NOW + timedelta(seconds=6)
    replies = [("9011", "QnRtn=1", "准备执行请求"), ("9012", "ExeRtn=1", "执行成功")]
    for cn, said, meaning in replies:
        reply = packed(f"QN=20260720103100000;ST=91;CN={cn};PW=123456;MN={MN};Flag=4;CP=&&{said}&&")
        (answer,), back = session.receive(reply, later)
        assert decoded(answer).fields["answers"] == "1062"
        assert decoded(answer).fields[said.partition("=")[0]] == meaning
        assert back == b""
        assert session.tick(NOW + timedelta(minutes=9)) == ([], b"")
    (stray,), _ = session.receive(reply, later)
    assert "answers" not in decoded(stray).fields
    assert session.close(later) == []


def test_a_command_that_nobody_answers() -> None:
    session = open_session()
    sent = session.send(command(), NOW)
    other = packed("QN=20260720103100000;ST=91;CN=9011;PW=1;MN=FORGED;Flag=4;CP=&&QnRtn=1&&")
    (forged,), _ = session.receive(other, NOW)
    assert "answers" not in decoded(forged).fields
    replies = [session.tick(NOW + timedelta(seconds=10 * turn)) for turn in range(1, 5)]
    assert [again for _, again in replies] == [sent, sent, b"", b""]
    (lost,) = replies[2][0]
    assert refused(lost).detail == "命令 1062 没有应答"


def test_two_commands_in_one_instant_have_two_numbers() -> None:
    session = open_session()
    assert session.send(command(), NOW) != session.send(command(), NOW)
    assert len(session.close(NOW)) == 2


def test_a_command_to_a_station_with_a_key_is_sealed() -> None:
    session = open_session(sm4_key="ABCDEFGHIJKLMNOP")
    sealed = session.send(command("2061", cp="BeginTime=20260720080000;EndTime"), NOW)
    assert b"BeginTime" not in sealed
    assert b"RtdInterval" in session.send(command(), NOW)
    options = SessionOptions(settings={"sm4_key": "ABCDEFGHIJKLMNOP"})
    assert decoded(decode(sealed, options)).fields["encrypted"]


def test_the_table_knows_both_codes_and_says_its_doubts() -> None:
    old, new = ELEMENTS.of("011"), ELEMENTS.of("w01018")
    assert old is new is not None
    numbered = ELEMENTS.of("e10203")
    assert numbered is not None
    assert numbered.name == "进水口COD"
    methane = ELEMENTS.of("a05002")
    assert methane is not None
    assert methane.doubt == "unit"
    assert ELEMENTS.of("nothing") is None


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    assert isinstance(decode(data), Decoded | Refused)
    session = open_session()
    session.receive(data, NOW)
    session.receive(b"##0012" + data, NOW)
    session.close(NOW)


@given(st.sampled_from(GOOD), st.data())
def test_a_flipped_bit_or_a_cut_is_never_read_as_good(packet: bytes, data: st.DataObject) -> None:
    """One wrong byte inside the segment never passes the CRC; a cut packet is never taken."""
    body = packet.rstrip(b"\r\n")
    at = data.draw(st.integers(6, len(body) - 5))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(packet)
    flipped[at] ^= 1 << bit
    assert isinstance(decode(bytes(flipped)), Refused)
    assert isinstance(decode(body[: data.draw(st.integers(0, len(body) - 1))]), Refused)


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(max_size=30))
def test_any_text_under_a_right_crc_is_refused_or_written_again(cp: str, more: str) -> None:
    packet = packed(f"QN=20260720103000123;ST=32;CN=2011;PW=1;MN={MN};Flag=5;{more}CP=&&{cp}&&")
    message = decode(packet)
    if isinstance(message, Decoded) and "读作" not in message.note:
        assert encode(message) == packet
        json.dumps(message.fields)
