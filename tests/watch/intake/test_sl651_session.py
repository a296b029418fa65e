"""The centre's side of SL 651: it acknowledges, gathers packets, asks, resends, and holds no more than it may."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING, BadInput
from shouye.watch.intake import Decoded, Message, RefusalCode, Refused, Session, SessionOptions, codec_of

CODEC = codec_of("sl651")
FRAMES = {
    row["name"]: bytes.fromhex(row["hex"])
    for row in map(
        json.loads,
        (Path(__file__).parents[2] / "frames" / "sl651.jsonl").read_text(encoding="utf-8").splitlines(),
    )
}
NOW = datetime(2026, 7, 20, 8, 0, 9, tzinfo=BEIJING)
LATER = NOW + timedelta(seconds=20)
STATION = "0014020001"


def session(most: int = 65_536, **settings: Any) -> Session:
    assert CODEC.session is not None
    return CODEC.session(SessionOptions(settings=settings, most_held_bytes=most))


def written(function: str, **fields: Any) -> bytes:
    assert CODEC.encode is not None
    said = {"direction": "up", "centre": 3, "password": "04D2", "serial": 9, **fields}
    return CODEC.encode(Decoded(STATION, function, NOW, (), said))


def told(reply: bytes) -> list[tuple[Any, ...]]:
    """What the bytes going out say: function, end, serial, and the packet where there are packets."""
    listener = session(acknowledge=False)
    messages, _ = listener.receive(reply, NOW)
    assert listener.close(NOW) == []
    out = []
    for message in messages:
        assert isinstance(message, Decoded)
        assert message.fields["direction"] == "down"
        many = (message.fields["packets"], message.fields["packet"]) if "packet" in message.fields else ()
        if message.fields.get("packet", 1) == 1:
            out.append((message.function, message.fields["end"], message.fields["serial"], *many))
        else:
            out.append((message.function, message.fields["end"], *many))
    return out


def codes(messages: list[Message]) -> list[RefusalCode | str]:
    return [one.code if isinstance(one, Refused) else one.function for one in messages]


def test_a_report_is_acknowledged_with_its_serial_and_our_time() -> None:
    messages, reply = session().receive(FRAMES["timed"], NOW)
    assert codes(messages) == ["32"]
    answer = CODEC.decode(reply)
    assert isinstance(answer, Decoded)
    assert (answer.station, answer.function, answer.sent) == (STATION, "32", NOW)
    assert {key: answer.fields[key] for key in ("direction", "end", "serial", "password", "centre")} == {
        "direction": "down",
        "end": "EOT",
        "serial": 7,
        "password": "04D2",
        "centre": 1,
    }


@pytest.mark.parametrize(
    ("name", "settings", "answers"),
    [
        ("timed", {"stay": True}, [("32", "ESC", 7)]),
        ("timed", {"acknowledge": False}, []),
        ("heartbeat", {}, []),
        ("test", {}, [("30", "EOT", 7)]),
        ("version", {}, [("45", "EOT", 7)]),
        ("query_now", {}, []),
        ("ascii_timed", {}, [("32", "EOT", 7)]),
    ],
)
def test_what_is_answered(name: str, settings: dict[str, Any], answers: list[Any]) -> None:
    messages, reply = session(**settings).receive(FRAMES[name], NOW)
    assert len(messages) == 1
    assert told(reply) == answers
    assert reply[:1] == (b"\x01" if name.startswith("ascii") else b"\x7e")[: len(reply)]


def test_while_more_follows_the_station_is_asked_to_go_on() -> None:
    assert told(session().receive(written("32", end="ETB"), NOW)[1]) == [("32", "ACK", 9)]


def test_a_bad_frame_is_not_answered_and_the_good_one_behind_it_is() -> None:
    bad = FRAMES["timed"][:-1] + bytes([FRAMES["timed"][-1] ^ 1])
    messages, reply = session().receive(bad + FRAMES["alarm"], NOW)
    assert codes(messages) == [RefusalCode.CRC, "33"]
    assert told(reply) == [("33", "EOT", 7)]


def test_a_wrong_length_does_not_swallow_the_frame_behind_it() -> None:
    longer = bytearray(FRAMES["timed"])
    longer[12] += 20
    messages, _ = session().receive(bytes(longer) + FRAMES["alarm"] + FRAMES["test"], NOW)
    assert codes(messages)[-2:] == ["33", "30"]
    assert isinstance(messages[0], Refused)
    assert messages[0].raw == bytes(longer)


def test_bytes_come_one_by_one() -> None:
    listener, messages = session(), []
    for byte in FRAMES["timed"] + b"\x7e" + FRAMES["picture"] + b"\r\n" + FRAMES["ascii_timed"]:
        messages += listener.receive(bytes([byte]), NOW)[0]
    assert codes(messages) == ["32", "36", "32"]
    assert listener.close(NOW) == []


def test_noise_is_refused_in_one_piece() -> None:
    messages, _ = session().receive(b"GET / HTTP/1.1\r\n\r\n" + FRAMES["timed"], NOW)
    assert codes(messages) == [RefusalCode.HEADER, "32"]


def test_a_frame_that_never_ends_is_given_up_and_does_not_hide_the_next() -> None:
    listener = session()
    start = FRAMES["timed"][:11] + b"\x0f\xff\x02"
    assert listener.receive(start + FRAMES["alarm"], NOW) == ([], b"")
    assert listener.tick(NOW + timedelta(seconds=19)) == ([], b"")
    messages, reply = listener.tick(LATER)
    assert codes(messages) == [RefusalCode.TRUNCATED, "33"]
    assert told(reply) == [("33", "EOT", 7)]
    listener.receive(start, LATER)
    assert codes(listener.close(LATER)) == [RefusalCode.TRUNCATED]


def test_another_password_is_refused_without_an_answer() -> None:
    messages, reply = session(password="1234").receive(FRAMES["timed"], NOW)
    assert (codes(messages), reply) == ([RefusalCode.HEADER], b"")
    assert codes(session(password="04d2").receive(FRAMES["timed"], NOW)[0]) == ["32"]


PARTS = [b"\xff\xd8" + bytes(40), b"\x7e\x7e" * 20, b"\xff\xd9"]


def packet(number: int, end: str = "", function: str = "36", total: int = 3) -> bytes:
    head = bytes.fromhex("0009" + "260720080009" + "F1F1001402000148" + "F0F02607200800" + "F3F3")
    body = (head if number == 1 else b"") + PARTS[number - 1]
    end = end or ("ETX" if number == total else "ETB")
    return written(function, start="SYN", packets=total, packet=number, body=body.hex(), end=end)


def test_many_packets_are_one_message_and_one_answer() -> None:
    messages, reply = session().receive(packet(1) + packet(2) + packet(3), NOW)
    (picture,) = messages
    assert isinstance(picture, Decoded)
    assert picture.note == "由 3 包合成"
    assert picture.fields["picture_bytes"] == 84
    items: Any = picture.fields["items"]
    assert bytes.fromhex(items[-1][2][4:]) == b"".join(PARTS)
    assert told(reply) == [("36", "EOT", 3, 3)]


def test_a_lost_packet_is_asked_for_and_comes() -> None:
    listener = session()
    messages, reply = listener.receive(packet(1) + packet(3), NOW)
    assert (messages, told(reply)) == ([], [("36", "NAK", 3, 2)])
    messages, reply = listener.receive(packet(2, end="ETX"), NOW)
    assert codes(messages) == ["36"]
    assert told(reply) == [("36", "EOT", 3, 3)]


def test_a_spoilt_packet_is_asked_for_twice_and_then_given_up() -> None:
    listener = session()
    spoilt = bytearray(packet(2))
    spoilt[30] ^= 1
    messages, reply = listener.receive(packet(1) + bytes(spoilt) + packet(3), NOW)
    assert (codes(messages), told(reply)) == ([RefusalCode.CRC], [("36", "NAK", 3, 2)])
    messages, reply = listener.receive(bytes(spoilt), NOW)
    assert (codes(messages), reply) == ([RefusalCode.CRC], b"")
    assert told(listener.tick(LATER)[1]) == [("36", "NAK", 3, 2)]
    messages, reply = listener.tick(LATER + timedelta(seconds=20))
    assert (codes(messages), reply) == ([RefusalCode.TRUNCATED], b"")
    assert isinstance(messages[0], Refused)
    assert "第 2 包要求重发 2 次仍未收到" in messages[0].detail
    assert messages[0].station == STATION


def test_when_the_last_packet_is_lost_time_asks_for_it() -> None:
    listener = session()
    listener.receive(packet(1) + packet(2), NOW)
    assert told(listener.tick(LATER)[1]) == [("36", "NAK", 3, 3)]
    assert codes(listener.receive(packet(3), LATER)[0]) == ["36"]


def test_packets_of_two_functions_do_not_mix() -> None:
    typed = [
        written("35", start="SYN", packets=2, packet=1, body=("0009260720080009F2F2" + b"Z 10".hex()), end="ETB"),
        written("35", start="SYN", packets=2, packet=2, body=b"42.31".hex()),
    ]
    messages, _ = session().receive(packet(1) + typed[0] + packet(2) + typed[1] + packet(3), NOW)
    assert codes(messages) == ["35", "36"]
    assert isinstance(messages[0], Decoded)
    assert messages[0].fields["text"] == "Z 1042.31"


def test_transfers_hold_no_more_than_they_may() -> None:
    listener = session(most=200)
    messages, reply = listener.receive(
        packet(1) + packet(2) + packet(1, function="31") + packet(2, function="31"), NOW
    )
    assert (codes(messages), reply) == ([RefusalCode.TRUNCATED], b"")
    assert isinstance(messages[0], Refused)
    assert "超过 200 字节" in messages[0].detail
    assert codes(listener.close(NOW)) == [RefusalCode.TRUNCATED]


def test_a_transfer_begun_anew_with_another_count_drops_the_old() -> None:
    messages, _ = session().receive(packet(1) + packet(1, total=2) + packet(2, total=2), NOW)
    assert codes(messages) == [RefusalCode.TRUNCATED, "36"]


def test_a_query_goes_out_at_once_to_a_station_on_the_line() -> None:
    listener = session()
    listener.receive(FRAMES["timed"], NOW)
    (query,) = told(listener.send(Decoded(STATION, "37", None), NOW))
    assert query == ("37", "ENQ", 0)
    answered, reply = listener.receive(written("37"), NOW)
    assert (codes(answered), told(reply)) == (["37"], [("37", "EOT", 9)])
    assert listener.tick(LATER) == ([], b"")


def test_a_query_waits_for_its_station_which_is_then_kept() -> None:
    listener = session()
    request = Decoded(STATION, "38", None, (), {"items": [["period", "", "2607190026072008"], ["1A", "", None]]})
    assert listener.send(request, NOW) == b""
    assert told(listener.receive(FRAMES["heartbeat"], NOW)[1]) == [("38", "ENQ", 0)]
    other = session()
    other.send(Decoded(STATION, "4A", None), NOW)
    reply = other.receive(FRAMES["timed"], LATER)[1]
    assert told(reply) == [("32", "ESC", 7), ("4A", "ENQ", 0)]
    clock = CODEC.decode(reply[len(reply) // 2 :])
    assert isinstance(clock, Decoded)
    assert (clock.function, clock.sent) == ("4A", LATER)  # the time that is set is the time of sending


def test_a_query_speaks_as_its_station_does() -> None:
    listener = session()
    listener.receive(FRAMES["ascii_timed"], NOW)
    query = CODEC.decode(listener.send(Decoded(STATION, "3A", None, (), {"items": [["39", "", None]]}), NOW))
    assert isinstance(query, Decoded)
    assert (query.fields["mode"], query.fields["password"]) == ("ASCII", "04D2")
    assert query.fields["items"] == [["39", "", None]]


def test_an_unanswered_query_is_sent_three_times_and_then_told() -> None:
    listener = session()
    listener.receive(FRAMES["timed"], NOW)
    listener.send(Decoded(STATION, "37", None), NOW)
    for times in (1, 2):
        messages, reply = listener.tick(NOW + timedelta(seconds=20 * times))
        assert (messages, told(reply)) == ([], [("37", "ENQ", 0)])
    messages, reply = listener.tick(NOW + timedelta(seconds=60))
    assert (codes(messages), reply) == ([RefusalCode.TRUNCATED], b"")
    assert isinstance(messages[0], Refused)
    assert messages[0].detail == "下行命令 37 发了 3 次，没有答复"
    assert listener.tick(NOW + timedelta(seconds=90)) == ([], b"")


def test_requests_are_bounded_and_checked_when_made() -> None:
    listener = session()
    with pytest.raises(BadInput):
        listener.send(Decoded(STATION, "42", None, (), {"items": [["28", "", "high"]]}), NOW)
    for _ in range(64):
        listener.send(Decoded(STATION, "37", None), NOW)
    with pytest.raises(BadInput):
        listener.send(Decoded(STATION, "37", None), NOW)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(sorted(FRAMES.values()))), max_size=8))
def test_whatever_flows_a_good_frame_behind_it_is_heard(pieces: list[bytes]) -> None:
    listener = session()
    for piece in pieces:
        listener.receive(piece, NOW)
    listener.tick(LATER)
    messages, _ = listener.receive(FRAMES["alarm"], LATER)
    assert codes(messages)[-1:] == ["33"]
