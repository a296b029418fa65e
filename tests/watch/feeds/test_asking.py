"""召测 — what a person asks of a device goes out when it is on the line, and what it answers stands beside it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BadInput, Database, NotFound, SimClock
from shouye.watch import downlink, feeds, observe, stations
from shouye.watch.downlink import Order, OrderState
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded, Inquiry, codec_of
from tests.watch.feeds.town import NOW, STATION, hydrology, report, town, wait_for

CODEC = codec_of("sl651")
ASKED = Inquiry(STATION)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr("shouye.watch.feeds.transports.tcp._ATTEND_EVERY_S", 0.05)
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    with found.begin() as tx:
        stations.watch(tx, {"53487": "east"}, ["east"])
    yield found
    found.close()


def ask(database: Database, command: str, asked: Inquiry = ASKED) -> int:
    with database.begin() as tx:
        return downlink.order(tx, OPERATOR, "hydrology", "sl651", "53487", command, asked)


def standing(database: Database) -> list[Order]:
    with database.read() as tx:
        return downlink.orders(tx, WHOLE)


def moved(database: Database, times: int) -> bool:
    return [(one.state is OrderState.SENT, one.times) for one in standing(database)] == [(False, times)]


def heard(line: socket.socket) -> list[Decoded]:
    """What the centre says next, frame by frame."""
    session = CODEC.session
    assert session is not None
    messages: list[Decoded] = []
    listener = session(hydrology().session_options)
    while not messages:
        found, _ = listener.receive(line.recv(4096), NOW)
        messages += [one for one in found if isinstance(one, Decoded)]
    return messages


def answer(function: str, **fields: object) -> bytes:
    assert CODEC.encode is not None
    said = {"direction": "up", "password": "1234", "end": "ETX", "serial": 9, **fields}
    return CODEC.encode(Decoded(STATION, function, NOW, (), said))


def test_a_query_holds_its_station_on_the_line_and_is_answered(database: Database) -> None:
    """M2: the report is acknowledged with ESC, not EOT, because the centre has something to ask."""
    feed = hydrology()
    (first, second) = ask(database, "now"), ask(database, "set-clock")
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            wait_for(lambda: desk.orders(feed.name))
            time.sleep(0.2)  # the centre looks every now and then what persons want to know
            line.sendall(report(0, "1.0"))
            said = heard(line)
            while len(said) < 3:
                said += heard(line)
            ends = [(one.function, one.fields["end"]) for one in said]
            assert ends == [("32", "ESC"), ("37", "ENQ"), ("4A", "ENQ")]
            wait_for(lambda: all(one.state is OrderState.SENT for one in standing(database)))
            items = [["F1", "", STATION], ["class", "", "48"], ["F0", "", "2607200700"], ["39", "", "4.250"]]
            line.sendall(answer("37", items=items))
            (received,) = heard(line)
            assert received.fields["end"] == "ESC", "the clock is still to be answered"
            line.sendall(answer("4A", items=[["F1", "", STATION]]))
            assert [one.fields["end"] for one in heard(line)] == ["EOT"]
            wait_for(lambda: not [one for one in standing(database) if one.settled_at is None])
            third = ask(database, "version")
            (asked,) = heard(line)
            assert asked.function == "45", "a station that stays on the line is asked at once"
            line.sendall(answer("45", items=[["F1", "", STATION], ["version", "", "RTU V2.1"]]))
            wait_for(lambda: not [one for one in standing(database) if one.settled_at is None])
    told = {one.id: (one.state, one.told) for one in standing(database)}
    assert told[first][0] is told[second][0] is told[third][0] is OrderState.ANSWERED
    assert "stage_m 4.25 m" in told[first][1]
    assert "设备报出的时间 2026-07-20" in told[second][1]
    assert "RTU V2.1" in told[third][1]
    with database.read() as tx:
        assert [one.value for one in observe.latest_all(tx, WHOLE) if one.element == "stage_m"] == [4.25]


def test_what_a_broken_line_left_unanswered_waits_again_three_times(database: Database) -> None:
    feed = hydrology()
    ask(database, "state")
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        for turn in (1, 2, 3):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                line.sendall(report(5 * turn, "1.0"))
                said = heard(line)
                while said[-1].function != "46":
                    said += heard(line)
            seen = partial(moved, database, turn)
            wait_for(seen)
    (lost,) = standing(database)
    assert (lost.state, lost.told) == (OrderState.UNANSWERED, "发出 3 次，每次都在答复之前断线")


def test_what_cannot_be_asked_is_refused_at_once(database: Database) -> None:
    period = replace(ASKED, begin=NOW - timedelta(hours=6), end=NOW, elements=("stage_m",))
    for command, asked, why in (
        ("open-gate", ASKED, "没有命令 open-gate；可用：now、period"),
        ("period", ASKED, "要写明起始时间、截止时间、要素"),
        ("period", replace(period, end=NOW - timedelta(days=1)), "先起后止"),
        ("period", replace(period, elements=("moonlight",)), "没有要素 moonlight"),
        ("now", period, "不带起始时间、截止时间、要素"),
    ):
        with pytest.raises(BadInput, match=why):
            ask(database, command, asked)
    ask(database, "period", period)
    with pytest.raises(BadInput, match="已经下达"):
        ask(database, "period", period)
    with database.begin() as tx, pytest.raises(NotFound):
        downlink.order(tx, OPERATOR, "hydrology", "sl651", "99999", "now", ASKED)


def test_an_order_is_taken_back_before_it_goes_out_or_grows_stale(database: Database) -> None:
    number, _ = ask(database, "now"), ask(database, "clock")
    with database.begin() as tx:
        downlink.withdraw(tx, OPERATOR, number)
        with pytest.raises(BadInput, match="已撤回，不能撤回"):
            downlink.withdraw(tx, OPERATOR, number)
        assert [one.command for one in downlink.outstanding(tx, "hydrology")] == ["clock"]
        downlink.moved(tx, number, OrderState.ANSWERED, "late")
    assert standing(database)[-1].state is OrderState.WITHDRAWN
    assert isinstance(database.clock, SimClock)
    database.clock.move_to(NOW + timedelta(days=2))
    with database.read() as tx:
        assert downlink.outstanding(tx, "hydrology") == []
        assert downlink.orders(tx, WHOLE)[0].is_stale(tx.now)


MN = "DT1402000000EXAMPLE00001"


def packet(text: str) -> bytes:
    """HJ 212 as a logger writes it: length, segment, its own CRC."""
    crc = 0xFFFF
    for byte in text.encode():
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return f"##{len(text.encode()):04d}{text}{crc:04X}\r\n".encode()


def test_a_logger_is_asked_as_it_speaks_and_says_yes_or_no(database: Database) -> None:
    """HJ 212: 9011, the data or nothing, 9012; kind, password and version are those of the logger itself."""
    feed = Feed(
        name="pollution",
        term="污染源",
        owner="生态环境局",
        meaning="数采仪",
        codec_name="hj212",
        transport="tcp",
        interval=timedelta(minutes=10),
        stations={MN: "53487"},
        options={"port": 0},
    )
    asked = Inquiry(MN, NOW - timedelta(hours=2), NOW)
    with database.begin() as tx:
        for command, what in (("hour", asked), ("set-clock", Inquiry(MN)), ("interval", Inquiry(MN))):
            downlink.order(tx, OPERATOR, feed.name, "hj212", "53487", command, what)
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(
                packet(f"QN=20260720080000000;ST=31;CN=2011;PW=654321;MN={MN};Flag=4;CP=&&a21026-Rtd=5.0&&")
            )
            said = b""
            while said.count(b"\r\n") < 3:
                said += line.recv(4096)
            heads = {one.split("CN=")[1][:4]: one for one in said.decode().split("\r\n") if one}
            assert set(heads) == {"2061", "1012", "1061"}
            assert "ST=31" in heads["2061"]
            assert "PW=654321" in heads["2061"]
            assert "Flag=5" in heads["2061"]
            assert "BeginTime=20260720061000;EndTime=20260720081000" in heads["2061"]
            assert "SystemTime=20260720081000" in heads["1012"]
            yes, done = ("9011", "QnRtn=1"), ("9012", "ExeRtn=1")
            data = ("2061", "DataTime=20260720070000;a21026-Avg=4.5")
            for cn, replies in (
                ("2061", [yes, data, done]),
                ("1012", [yes, done]),
                ("1061", [("9011", "QnRtn=4")]),
            ):
                qn = heads[cn].split("QN=")[1][:17]
                for function, cp in replies:
                    line.sendall(packet(f"QN={qn};ST=31;CN={function};PW=654321;MN={MN};Flag=4;CP=&&{cp}&&"))
            wait_for(lambda: not [one for one in standing(database) if one.settled_at is None])
    told = {one.command: (one.state, one.told) for one in standing(database)}
    assert told["hour"][0] is told["set-clock"][0] is OrderState.ANSWERED
    assert "2026-07-20 07:00:00" in told["hour"][1]
    assert (told["interval"][0], "QnRtn=4" in told["interval"][1]) == (OrderState.REFUSED, True)
