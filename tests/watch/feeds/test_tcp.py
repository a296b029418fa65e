"""Devices on real sockets: answered after the commit, bounded in everything, turned away politely."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.access import WHOLE
from shouye.base.kernel import Database, from_ms
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import Reception
from shouye.watch.intake import Decoded, codec_of
from tests.watch.feeds.town import FRAMES, STATION, hydrology, report, town, wait_for

CODEC = codec_of("sl651")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    yield found
    found.close()


@contextmanager
def listening(database: Database, **options: object) -> Iterator[Callable[[], socket.socket]]:
    """Calls on the feed's port, closed at the end."""
    feed = hydrology(**options)
    lines: list[socket.socket] = []
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))

        def call() -> socket.socket:
            lines.append(socket.create_connection(("127.0.0.1", port), timeout=10))
            return lines[-1]

        yield call
        for line in lines:
            line.close()


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


def test_what_is_acknowledged_is_stored(database: Database) -> None:
    with listening(database) as call:
        line = call()
        for minute in (0, 5, 10):
            line.sendall(report(minute, "1.5"))
            answer = CODEC.decode(line.recv(4096))
            assert isinstance(answer, Decoded)
            assert (answer.station, answer.fields["end"]) == (STATION, "EOT")
            with database.read() as tx:
                assert len(observe.history(tx, ["53487"], "rain_mm")) == minute // 5 + 1
        line.sendall(report(10, "1.5"))
        assert line.recv(4096), "a resend is answered again"
    assert counted(database) == {"accepted": 3, "duplicate": 1}


def test_frames_come_in_any_pieces(database: Database) -> None:
    with listening(database) as call:
        line = call()
        whole = report(0, "1.0") + FRAMES["heartbeat"] + report(5, "2.0")
        for at in range(0, len(whole), 7):
            line.sendall(whole[at : at + 7])
        wait_for(lambda: counted(database).get("accepted") == 2)
    assert counted(database) == {"accepted": 2, "noted": 1}


def test_a_forged_station_gets_no_answer(database: Database) -> None:
    with listening(database) as call:
        line = call()
        line.sendall(report(0, "99.0", station="0014029999"))
        wait_for(lambda: counted(database).get("refused station"))
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
    with database.read() as tx:
        assert observe.latest_all(tx, WHOLE) == []


def test_one_forged_report_does_not_silence_the_others_beside_it(database: Database) -> None:
    with listening(database) as call:
        line = call()
        line.sendall(report(0, "1.0") + report(0, "99.0", station="0014029999") + report(5, "2.0"))
        got = b""
        while got.count(b"\x7e\x7e") < 2:
            got += line.recv(4096)
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        assert got.count(bytes.fromhex(STATION)) == 2
        assert bytes.fromhex("0014029999") not in got
    assert counted(database) == {"accepted": 2, "refused": 1, "refused station": 1}


def test_a_foreign_network_is_shown_the_door(database: Database) -> None:
    feed = replace(hydrology(), networks=(ip_network("10.0.0.0/8"),))
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            assert line.recv(1) == b""
        wait_for(lambda: counted(database).get("foreign network"))


def test_too_many_are_refused_and_those_on_the_line_are_served(database: Database) -> None:
    with listening(database, most_connections=20) as call:
        served = [call() for _ in range(20)]
        served[0].sendall(report(0, "1.0"))
        assert served[0].recv(4096)
        refused = [call() for _ in range(400)]
        assert all(line.recv(1) == b"" for line in refused)
        served[19].sendall(report(5, "1.0"))
        assert served[19].recv(4096)
        wait_for(lambda: counted(database).get("too many connections") == 400)


def test_slow_loris_and_silence_lose_the_line(database: Database) -> None:
    with listening(database, first_message_s=0.6, idle_s=0.4) as call:
        drip, mute, good = call(), call(), call()
        good.sendall(report(0, "1.0"))
        assert good.recv(4096)
        begun = time.monotonic()
        frame = report(5, "1.0")
        ended = False
        for byte in frame:
            try:
                drip.sendall(bytes([byte]))
            except ConnectionError:
                ended = True
                break
            time.sleep(0.05)
        assert ended or drip.recv(1) == b""
        assert mute.recv(1) == b""
        assert good.recv(1) == b"", "a line that falls silent ends too"
        assert time.monotonic() - begun < 5
        wait_for(lambda: counted(database).get("idle") == 3)


def test_noise_ends_the_line_and_is_kept_within_bounds(database: Database) -> None:
    with listening(database, most_bad_in_a_row=5) as call:
        line = call()
        bad = report(0, "1.0")[:-1] + b"\0"
        try:
            for _ in range(200):
                line.sendall(bad + b"noise")
                time.sleep(0.002)
        except ConnectionError:
            pass
        else:
            pytest.fail("the line went on for ever")
        wait_for(lambda: counted(database).get("noise"))
    assert counted(database)["refused"] < 100


@pytest.mark.parametrize("endless", [bytes.fromhex("7E7E01001402000104D2320FFF02") + bytes(4000), b"\x7e" * 4014])
def test_an_endless_packet_holds_no_more_than_it_may(database: Database, endless: bytes) -> None:
    """A head that promises 4,095 bytes, again and again, and never an end; the sign of a beginning for ever."""
    with listening(database, most_held_bytes=20_000, most_bad_in_a_row=3) as call:
        line = call()
        sent = 0
        try:
            while sent < 60_000_000:
                line.sendall(endless)
                sent += len(endless)
        except ConnectionError:
            pass
        assert sent < 60_000_000
        wait_for(lambda: counted(database).get("noise"))
        other = call()
        other.sendall(report(0, "1.0"))
        assert other.recv(4096)


def test_a_storm_of_messages_is_slowed_not_dropped(database: Database) -> None:
    with listening(database, most_messages_per_s=100) as call:
        line = call()
        begun = time.monotonic()
        line.sendall(b"".join(report(minute, "1.0") for minute in range(60)))
        got = b""
        while got.count(b"\x7e\x7e") < 60:
            got += line.recv(65536)
        line.sendall(FRAMES["heartbeat"])
        line.sendall(report(0, "1.0"))
        assert line.recv(4096)
        assert time.monotonic() - begun >= 0.5
    assert counted(database)["accepted"] == 60


def test_without_storage_nothing_is_acknowledged(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_given: object) -> None:
        raise OSError("disk full")

    with listening(database) as call:
        monkeypatch.setattr("shouye.watch.feeds.service.observe.store_batch", away)
        line = call()
        line.sendall(report(0, "1.0"))
        assert line.recv(4096) == b""
        monkeypatch.undo()
        again = call()
        again.sendall(report(0, "1.0"))
        assert again.recv(4096)
    with database.read() as tx:
        assert len(observe.latest_all(tx, WHOLE)) == 1


def test_stopping_stores_what_was_taken(database: Database) -> None:
    feed = hydrology()
    desk = Reception(database, {feed.name: feed})
    parcels = [feeds.Parcel(feed, (CODEC.decode(report(minute, "1.0")),)) for minute in range(5)]
    assert all(desk.offer(parcel) for parcel in parcels)
    desk.start()
    desk.stop()
    assert [parcel.answer.result(timeout=0).outcomes[0].standing.value for parcel in parcels] == ["accepted"] * 5
    assert desk.now() > from_ms(0)
    late = feeds.Parcel(feed, parcels[0].messages)
    assert desk.offer(late)
    with pytest.raises(feeds.StorageAway):
        late.answer.result(timeout=0)


@settings(max_examples=25)
@given(st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([*FRAMES.values()])), max_size=8))
def test_no_bytes_break_the_server(fuzzed: Callable[[], socket.socket], pieces: list[bytes]) -> None:
    line = fuzzed()
    try:
        for piece in pieces:
            line.sendall(piece)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass
    except ConnectionError:
        pass
    finally:
        line.close()
    good = fuzzed()
    good.sendall(report(0, "1.0"))
    assert good.recv(4096)
    good.close()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], socket.socket]]:
    database = town(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'town.db'}")
    with listening(database) as call:
        yield call
    database.close()
