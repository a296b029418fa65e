"""Seismic streams: a toy SeedLink server sends records of ours; each is stored once, over reconnections too."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import Database
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import BadFeed, Feed
from shouye.watch.feeds.blocks import check_block
from shouye.watch.intake import STANDARD, Decoded, RefusalCode, Refused, codec_of
from tests.watch.feeds.town import pushed, town, wait_for

CODEC = codec_of("miniseed")


def record(second: int, samples: list[int], encoding: int = 3, data: bytes | None = None) -> bytes:
    """A record of 512 bytes, one sample a second from 2026-07-19 23:00 UTC on."""
    head = b"000001D " + b"DT001" + b"00" + b"HHZ" + b"SX"
    head += struct.pack(">HHBBBBHHhh", 2026, 200, 23, second // 60, second % 60, 0, 0, len(samples), 1, 1)
    head += struct.pack(">BBBBiHH", 0, 0, 0, 1, 0, 64, 48)
    head += struct.pack(">HHBBBB", 1000, 0, encoding, 1, 9, 0)
    body = struct.pack(f">{len(samples)}i", *samples) if data is None else data
    return (head + b"\0" * (64 - len(head)) + body).ljust(512, b"\0")


def steim(first: int, last: int, words: list[tuple[int, int]]) -> bytes:
    """One Steim frame: the control word, first and last value, then (code, word)."""
    control = 0
    for at, (code, _) in enumerate(words, start=3):
        control |= code << (30 - 2 * at)
    return struct.pack(f">Iii{len(words)}I", control, first, last, *(word for _, word in words)).ljust(64, b"\0")


def peak(data: bytes) -> float:
    told = CODEC.decode(data)
    assert isinstance(told, Decoded), told
    assert isinstance(told.readings[0].value, float)
    return told.readings[0].value


def test_the_peak_is_the_largest_deviation_from_the_mean() -> None:
    assert peak(record(0, [10, 10, 10, 30])) == 15.0
    told = CODEC.decode(record(5, [1, 1]))
    assert isinstance(told, Decoded)
    assert told.station == "SX.DT001.00.HHZ"
    assert told.sent is not None
    assert told.sent.isoformat() == "2026-07-20T07:00:07+08:00"
    assert CODEC.encode is not None
    assert CODEC.encode(told) == record(5, [1, 1])


@pytest.mark.parametrize(
    ("encoding", "words", "samples"),
    [
        (10, [(1, 0x000102FF)], [7, 8, 10, 9]),
        (10, [(2, 0x00000064), (3, 0xFFFFFF9C)], [7, 107, 7]),
        (11, [(2, 1 << 30 | 0), (2, 2 << 30 | 5 << 15 | 0x7FFF)], [7, 12, 11]),
        (11, [(2, 3 << 30 | 0 << 20 | 1 << 10 | 2)], [7, 8, 10]),
        (11, [(3, 0 << 30 | 0 << 24 | 1 << 18 | 2 << 12 | 3 << 6 | 0x3F)], [7, 8, 10, 13, 12]),
        (11, [(3, 2 << 30 | 1 << 20 | 0xF)], [7, 8, 8, 8, 8, 8, 7]),
    ],
)
def test_steim(encoding: int, words: list[tuple[int, int]], samples: list[int]) -> None:
    mean = sum(samples) / len(samples)
    packed = steim(samples[0], samples[-1], words)
    assert peak(record(0, samples, encoding, packed)) == pytest.approx(max(abs(one - mean) for one in samples))
    wrong = CODEC.decode(record(0, samples, encoding, steim(samples[0], samples[-1] + 1, words)))
    assert isinstance(wrong, Refused)
    assert wrong.code is RefusalCode.CRC


@given(
    st.binary(max_size=600) | st.binary(min_size=464, max_size=464).map(lambda data: record(0, [1])[:48] + data)
)
def test_no_bytes_break_it(data: bytes) -> None:
    assert isinstance(CODEC.decode(data), Decoded | Refused)
    assert CODEC.decode_all is not None
    assert all(isinstance(one, Decoded | Refused) for one in CODEC.decode_all(data, STANDARD))


class Server:
    """A SeedLink server of one stream: keeps its records by number and sends them from where it is asked."""

    def __init__(self) -> None:
        self.records = [record(10 * at, [0, at, 0]) for at in range(6)]
        self.said: list[str] = []
        self.cut_after = 3
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as both:
                begin = 0
                for word in both:
                    said = word.decode().strip()
                    self.said.append(said)
                    if said == "HELLO":
                        both.write(b"SeedLink v3.1\r\ntoy\r\n")
                    elif said == "END":
                        break
                    else:
                        begin = int(said[5:], 16) if said.startswith("DATA ") else begin
                        both.write(b"OK\r\n")
                    both.flush()
                for number in range(begin, min(len(self.records), begin + self.cut_after)):
                    both.write(b"SL%06X" % number + self.records[number])
                both.flush()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def heard(port: int, **said: Any) -> Feed:
    given: dict[str, Any] = {
        "name": "seismic",
        "codec_name": "miniseed",
        "transport": "seedlink",
        "stations": {"SX.DT001.00.HHZ": "dt001"},
        "elements": {},
        "options": {"host": "127.0.0.1", "port": port, "streams": "SX.DT001:HHZ"},
    }
    return pushed(**{**given, **said})


def test_a_stream_is_taken_up_where_it_was_left(server: Server, tmp_path: Path) -> None:
    database = town(f"sqlite:///{tmp_path / 'town.db'}")
    with feeds.reception(database, {"seismic": heard(server.port)}):
        wait_for(lambda: counted(database).get("accepted") == 6, 20)
    with database.read() as tx:
        found = observe.history(tx, ["dt001"], "ground_peak_counts")
    assert [one.value for one in found] == [pytest.approx(at * 2 / 3) for at in range(6)]
    assert server.said[:5] == ["HELLO", "STATION DT001 SX", "SELECT HHZ", "DATA", "END"]
    assert "DATA 000003" in server.said
    database.close()


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


@pytest.mark.parametrize("said", [{"options": {"host": "h", "streams": "x"}}, {"codec_name": "cap"}])
def test_a_wrong_block_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(BadFeed):
        check_block(heard(1, **said), feeds.all_transports()["seedlink"], "here")
