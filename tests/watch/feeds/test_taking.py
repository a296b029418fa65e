"""What comes in is stored, doubled, refused or noted; nothing disappears."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BEIJING, Database, Mode, SimClock, Tx, facts_since
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import Feed, Outcome, Parcel, Reception, Standing
from shouye.watch.feeds.model import translate
from shouye.watch.intake import Decoded, Message, WireReading, codec_of
from shouye.watch.observe import Reading
from shouye.watch.tally import hold
from tests.watch.feeds.town import FRAMES, NOW, body, documents, hydrology, pushed, report, row, town

FIVE = timedelta(minutes=5)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = town(database_url)
    yield found
    found.close()


def messages(feed: Feed, data: bytes) -> tuple[Message, ...]:
    decode = feed.codec.decode_all
    return (
        tuple(decode(data, feed.session_options)) if decode else (feed.codec.decode(data, feed.session_options),)
    )


def take(database: Database, feed: Feed, *data: bytes) -> list[Outcome]:
    with database.begin() as tx:
        receipts = feeds.take(tx, [Parcel(feed, messages(feed, one), "10.1.1.1") for one in data])
    return [outcome for receipt in receipts for outcome in receipt.outcomes]


def standings(outcomes: list[Outcome]) -> list[str]:
    return [outcome.standing.value for outcome in outcomes]


def stored(database: Database) -> list[tuple[str, str, float | None]]:
    with database.read() as tx:
        return [(one.station, one.element, one.value) for one in observe.latest_all(tx, WHOLE)]


def test_a_row_is_answered_for_itself(database: Database) -> None:
    told = take(
        database,
        pushed(),
        body(
            row("a", 0, 1.5),
            row("b", 0, None),
            row("stranger", 0, 9),
            row("a", 5, "many"),
            row("a", 5, 3, unit="furlong"),
            row("a", 5, 3, year=2062),
            "not a row",
        ),
    )
    assert standings(told) == ["accepted", "accepted", "refused", "refused", "refused", "refused", "refused"]
    assert [one.code for one in told] == ["", "", "station", "encoding", "unit", "time", "header"]
    assert stored(database) == [("53486", "rain_mm", 1.5), ("53487", "rain_mm", None)]
    with database.read() as tx:
        lying = tally.held(tx, WHOLE)
        assert {one.what: one.count for one in tally.counts(tx)} == {
            "accepted": 2,
            "refused": 5,
            "refused encoding": 1,
            "refused header": 1,
            "refused station": 1,
            "refused time": 1,
            "refused unit": 1,
        }
    assert [one.code for one in lying] == ["header", "time", "unit", "encoding", "station"]
    assert {one.peer for one in lying} == {"10.1.1.1"}
    assert all(one.is_whole for one in lying)


def test_again_is_a_duplicate_and_changes_nothing(database: Database) -> None:
    first = body(row("a", 0, 1.5), row("b", 0, 2))
    assert standings(take(database, pushed(), first)) == ["accepted", "accepted"]
    assert standings(take(database, pushed(), first)) == ["duplicate", "duplicate"]
    assert standings(take(database, pushed(), body(row("a", 0, 1.5), row("a", 5, 0)))) == ["duplicate", "accepted"]
    twice = body(row("b", 10, 1), row("b", 10, 1))
    assert standings(take(database, pushed(), twice)) == ["accepted", "duplicate"]


def test_one_gauge_with_two_ids_is_one_gauge(database: Database) -> None:
    assert standings(take(database, pushed(), body(row("a", 0, 1.5), row("A-1", 0, 1.5)))) == [
        "accepted",
        "duplicate",
    ]


def test_units_are_converted_at_the_edge(database: Database) -> None:
    stage = [row("a", 0, 10, "stage_m", "ft"), row("b", 0, 10, "stage_m", "m")]
    take(database, pushed(), body(*stage, row("a", 0, 50, "temp_c", "°F")))
    assert stored(database) == [("53486", "stage_m", 3.048), ("53486", "temp_c", 10.0), ("53487", "stage_m", 10.0)]


def test_a_value_that_no_unit_can_hold_is_refused(database: Database) -> None:
    told = take(database, pushed(), body(row("a", 0, 1e308, unit="inch"), row("a", 5, 1e300, "stage_m", "m")))
    assert [(one.standing.value, one.code) for one in told] == [("refused", "encoding"), ("accepted", "")]


def test_invented_names_open_no_series_and_fill_no_table(database: Database) -> None:
    named = [row("a", 0, 1, f"name_{at}_mm") for at in range(300)]
    told = take(database, pushed(), body(*named, row("a", 0, 1, "ph", ""), row("a", 0, 2, "stage_m", "m")))
    assert standings(told) == ["noted"] * 300 + ["accepted"] * 2
    assert told[0].detail == "没有对照的要素：name_0_mm"
    assert [element for _, element, _ in stored(database)] == ["ph", "stage_m"]
    with database.read() as tx:
        counts = {one.what: one.count for one in tally.counts(tx)}
    assert counts["unmapped"] + sum(many for what, many in counts.items() if what.startswith("unmapped ")) == 300
    assert len(counts) <= 202


def test_a_device_is_heard_and_its_own_words_mapped(database: Database) -> None:
    (told,) = take(database, hydrology(), report(5, "2.5"))
    assert told.standing is Standing.ACCEPTED
    with database.read() as tx:
        at = datetime(2026, 7, 20, 7, 5, tzinfo=BEIJING)
        assert observe.latest_all(tx, WHOLE) == [Reading("53487", "rain_mm", at, 2.5, FIVE, source="53487")]
    assert take(database, hydrology(), report(5, "2.5")) == [Outcome(Standing.DUPLICATE)]


def test_what_the_device_says_of_itself_stands_beside_the_value() -> None:
    said = WireReading("temp_c", NOW, 21.5, "℃", ("fault", "back_filled"))
    taken = translate(pushed(), Decoded("a", "2011", NOW, (said,)), NOW)
    assert [(flag.check, flag.quality.value, flag.why) for flag in taken.readings[0].flags] == [
        ("sender", "bad", "设备故障"),
        ("sender", "noted", "补传"),
    ]
    assert (taken.readings[0].value, taken.readings[0].counted) == (21.5, None)


def test_a_test_report_and_a_heartbeat_store_nothing(database: Database) -> None:
    told = take(database, hydrology(), FRAMES["test"], FRAMES["heartbeat"])
    assert standings(told) == ["test", "noted"]
    assert stored(database) == []


def test_a_forged_station_is_refused_whatever_it_sends(database: Database) -> None:
    forged = report(5, "80.0", station="0014029999")
    with database.begin() as tx:
        (receipt,) = feeds.take(tx, [Parcel(hydrology(), messages(hydrology(), forged), "10.9.9.9")])
    assert [one.code for one in receipt.outcomes] == ["station"]
    assert stored(database) == []
    with database.read() as tx:
        (lying,) = tally.held(tx, WHOLE, "hydrology")
    assert (lying.raw, lying.station, lying.peer) == (forged, "0014029999", "10.9.9.9")


def test_what_was_refused_is_taken_when_the_block_is_mended(database: Database) -> None:
    take(database, pushed(), body(row("c", 0, 4), row("a", 0, 3, unit="furlong")))
    mended = pushed(stations={"c": "53488"})
    with database.read() as tx:
        lying = {one.code: one for one in tally.held(tx, WHOLE)}
    with database.begin() as tx:
        assert [one.standing for one in feeds.retry_held(tx, OPERATOR, mended, lying["station"].id).outcomes] == [
            Standing.ACCEPTED
        ]
        with pytest.raises(tally.NotHeld):
            feeds.retry_held(tx, OPERATOR, mended, lying["station"].id)
        tally.drop_held(tx, OPERATOR, lying["unit"].id, "单位写错，已告知来源")
        assert tally.held(tx, WHOLE) == []
    assert stored(database) == [("53488", "rain_mm", 4.0)]


def test_the_quarantine_is_bounded_and_the_count_is_not(database: Database) -> None:
    with database.begin() as tx:
        rows = [
            {"feed": "f", "code": "crc", "detail": str(at), "station": "", "peer": "", "raw": b"x" * 70_000}
            for at in range(3)
        ]
        hold(tx, rows)
        many = [{**rows[0], "raw": b"x", "detail": str(at)} for at in range(1000)]
        hold(tx, many)
        assert [one.detail for one in tally.held(tx, WHOLE, "f", limit=2000)] == [
            str(at) for at in reversed(range(1000))
        ]
    for _ in range(2):
        take(database, hydrology(), FRAMES["heartbeat"][:-1] + b"\0")
    with database.read() as tx:
        (lying, _) = tally.held(tx, WHOLE, "hydrology")
        assert {one.what: one.count for one in tally.counts(tx)}["refused crc"] == 2
    assert lying.raw == FRAMES["heartbeat"][:-1] + b"\0"


def test_a_signal_is_kept_byte_for_byte_once(database: Database) -> None:
    feed = documents("cap")
    raw = CAP.encode()
    assert standings(take(database, feed, raw)) == ["accepted"]
    assert standings(take(database, feed, raw)) == ["duplicate"]
    with database.read() as tx:
        (one,) = feeds.signals(tx)
        (fact,) = facts_since(tx, 0)
    assert (one.raw, one.kind, one.status) == (raw, "Alert", "Actual")
    assert codec_of(one.codec).decode(one.raw) == codec_of("cap").decode(raw)
    assert fact.body["digest"] == one.digest


def test_an_envelope_that_changes_brings_only_what_is_new(database: Database) -> None:
    """A feed of many alerts is another document every minute; what it holds is kept once, and so are its bytes."""
    feed = documents("cap")
    alerts = [CAP.partition("?>")[2].replace(">one<", f">{name}<") for name in ("one", "two", "three")]
    first, second = (f"<feed>{''.join(alerts[:many])}</feed>".encode() for many in (2, 3))
    assert standings(take(database, feed, first)) == ["accepted", "accepted"]
    assert standings(take(database, feed, second)) == ["duplicate", "duplicate", "accepted"]
    tampered = second.replace(b">Minor<", b">Extreme<", 1)
    assert standings(take(database, feed, tampered)) == ["accepted", "duplicate", "duplicate"]
    with database.read() as tx:
        kept = {(one.identifier, one.part): one.raw for one in feeds.signals(tx) if one.raw != tampered}
    assert kept == {("one", 0): first, ("two", 1): first, ("three", 2): second}


def test_a_signal_of_years_to_come_lies_in_quarantine(database: Database) -> None:
    future = CAP.replace("2026-07-20T07", "2036-07-20T07").encode()
    (told,) = take(database, documents("cap"), future)
    assert (told.standing, told.code, told.detail) == (
        Standing.REFUSED,
        "time",
        "发布时间 2036-07-20 07:00 还没有到",
    )
    with database.read() as tx:
        assert feeds.signals(tx) == []
        assert [one.raw for one in tally.held(tx, WHOLE)] == [future]


def test_a_forged_cancel_is_heard_and_takes_nothing_away(database: Database) -> None:
    feed = documents("cap")
    take(database, feed, CAP.encode())
    forged = CAP.replace("<identifier>one<", "<identifier>two<").replace(">Alert<", ">Cancel<")
    forged = forged.replace("<scope>", "<scope>").replace("</scope>", "</scope>" + REFERENCES)
    assert standings(take(database, feed, forged.encode())) == ["accepted"]
    with database.read() as tx:
        assert {one.identifier: one.kind for one in feeds.signals(tx)} == {"one": "Alert", "two": "Cancel"}
        assert [fact.kind for fact in facts_since(tx, 0)] == ["SignalHeard", "SignalHeard"]


CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>one</identifier><sender>qx@example</sender>
<sent>2026-07-20T07:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>zh-CN</language><category>Met</category><event>大风</event><urgency>Expected</urgency>
<severity>Minor</severity><certainty>Likely</certainty></info></alert>"""
REFERENCES = "<references>qx@example,one,2026-07-20T07:00:00+08:00</references>"


@settings(max_examples=15)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_any_order_and_any_cut_store_the_same(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    rows = [row("a", 5 * at, at) for at in range(3)] + [row("A-1", 5 * at, at + 1) for at in range(3)]
    database = town(f"sqlite:///{tmp_path_factory.mktemp('order') / 'x.db'}")
    shuffled = [rows[at] for at in order]
    for part in (shuffled[:cut], shuffled[cut:]):
        take(database, pushed(), body(*part))
    with database.read() as tx:
        assert [one.value for one in observe.history(tx, ["53486"], "rain_mm")] == [1.0, 2.0, 3.0]
    database.close()


def test_one_that_cannot_be_stored_does_not_take_the_others_along(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = observe.store_batch

    def choke(tx: Tx, readings: Sequence[Reading]) -> int:
        if any(reading.value == 13 for reading in readings):
            raise OverflowError("too large")
        return whole(tx, readings)

    monkeypatch.setattr("shouye.watch.feeds.service.observe.store_batch", choke)
    desk = Reception(database, {"push": pushed()})
    desk.start()
    outcomes = desk.push(
        "push", messages(pushed(), body(row("a", 0, 1), row("a", 5, 13), row("b", 0, 2)))
    ).outcomes
    desk.stop()
    assert standings(list(outcomes)) == ["accepted", "refused", "accepted"]
    assert "存不下" in outcomes[1].detail
    assert stored(database) == [("53486", "rain_mm", 1.0), ("53487", "rain_mm", 2.0)]


def test_text_that_no_database_takes_is_made_writable(database: Database) -> None:
    told = take(database, pushed(), body(row("a\0b", 0, 1), row("\ud800", 0, 1), row("a", 0, "\0\ud800")))
    assert standings(told) == ["refused"] * 3


def frames(codec: str) -> list[bytes]:
    lines = (Path(__file__).parents[2] / "frames" / f"{codec}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [bytes.fromhex(row["hex"]) if "hex" in row else row["packet"].encode() for row in rows]


@pytest.mark.parametrize("codec", ["hj212", "jt808", "sl651"])
def test_a_resend_is_a_duplicate_also_after_a_restart(tmp_path: Path, codec: str) -> None:
    """HJ 212 resends with its QN, JT/T 808 with its serial, SL 651 up to twice: none is stored twice."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    decoded = [(raw, codec_of(codec).decode(raw)) for raw in frames(codec)]
    read = [(raw, one) for raw, one in decoded if isinstance(one, Decoded) and one.readings]
    stations = {one.station: f"s{at}" for at, (_, one) in enumerate(read)}
    times = [reading.time for _, one in read for reading in one.readings if reading.time]
    feed = replace(hydrology(), codec_name=codec, stations=stations, interval=FIVE)
    fates = []
    for _ in range(2):
        database = Database(url, SimClock(max(times)), durable=False)
        database.create(Mode.SIMULATION, "test")
        fates.append(standings(take(database, feed, *(raw for raw, _ in read))))
        with database.read() as tx:
            fates[-1].append(str(len(observe.latest_all(tx, WHOLE))))
        database.close()
    assert "accepted" in fates[0]
    assert "accepted" not in fates[1]
    assert fates[0][-1] == fates[1][-1]
