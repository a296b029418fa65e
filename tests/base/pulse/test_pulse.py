"""听不到 — raised at two intervals exactly, one line for each cause, a task until it is heard again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shouye.base import delivery, pulse, tasks
from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, SEALER, Database, Mode, SimClock, enqueue, facts_since, play
from shouye.base.kernel.lease import take
from shouye.base.pulse import Line, Pulse, PulseClock, Voice, Voices, counted, lines

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
FIVE = timedelta(minutes=5)
MOMENT = timedelta(milliseconds=1)


class Ears:
    """Voices that a test lets speak."""

    def __init__(self) -> None:
        self.voices: dict[str, Voice] = {}

    def says(
        self, name: str, at: datetime | None, feed: str = "f1", county: str = "c1", well: bool = True
    ) -> None:
        self.voices[name] = Voice("station", name, f"{name}号站", FIVE, at, feed, county, well)

    def all(self, _tx: object) -> list[Voice]:
        return list(self.voices.values())


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def database(database_url: str, ears: Ears, tmp_path: Path) -> Iterator[Database]:
    found = Database(database_url, SimClock(NOON), durable=False)
    found.create(Mode.SIMULATION, "test")
    ladder = tasks.Ladder(tasks.UPKEEP, (tasks.LadderStep(tasks.OVERDUE, 0, True),))
    found.install(
        Voices({"station": ears.all}),
        tasks.Ladders({tasks.UPKEEP: ladder}),
        tasks.Upkeep("city/city_duty", "city", timedelta(minutes=30)),
    )
    yield found
    found.close()


def test_a_sealer_that_has_nothing_to_seal_is_not_silent(database: Database) -> None:
    """Its lease runs out between two batches; that of the clock never may."""
    with database.begin() as tx:
        for role in ("clock", SEALER):
            take(tx, role, "here", timedelta(milliseconds=-1))
    with database.read() as tx:
        assert [voice.name for voice in pulse.house_probes()["role"](tx)] == ["clock"]


def go(database: Database, until: datetime) -> None:
    clock = database.clock
    assert isinstance(clock, SimClock)
    play([PulseClock()], database, clock, until)


def raised(database: Database) -> list[tuple[str, str, int, datetime]]:
    with database.read() as tx:
        return [
            (fact.kind, fact.body["county"], fact.body.get("silent", 0), fact.at)
            for fact in facts_since(tx, 0)
            if fact.kind in ("WentSilent", "HeardAgain")
        ]


def owed(database: Database) -> list[str]:
    with database.read() as tx:
        return [one.title for one in tasks.owed(tx, WHOLE)]


def test_raised_at_two_intervals_and_not_before(database: Database, ears: Ears) -> None:
    ears.says("a", NOON - timedelta(minutes=1))
    go(database, NOON + timedelta(minutes=9))
    assert raised(database) == []
    go(database, NOON + timedelta(minutes=9) + MOMENT)
    assert raised(database) == [("WentSilent", "c1", 1, NOON + timedelta(minutes=9) + MOMENT)]
    assert owed(database) == ["测站a号站听不到"]
    ears.says("a", NOON + timedelta(minutes=11))
    go(database, NOON + timedelta(minutes=20))
    assert [kind for kind, *_ in raised(database)] == ["WentSilent", "HeardAgain"]
    assert owed(database) == []
    go(database, NOON + timedelta(minutes=40))
    assert [kind for kind, *_ in raised(database)] == ["WentSilent", "HeardAgain", "WentSilent"]


def test_who_was_never_heard_is_expected_from_when_we_listen(database: Database, ears: Ears) -> None:
    ears.says("a", None)
    go(database, NOON + 2 * FIVE)
    assert raised(database) == []
    go(database, NOON + 2 * FIVE + MOMENT)
    assert [kind for kind, *_ in raised(database)] == ["WentSilent"]


def test_every_injected_stall_is_found_in_time(database: Database, ears: Ears) -> None:
    """One after another of forty voices stops; each is raised within two of its intervals."""
    for number in range(40):
        ears.says(f"s{number:02}", NOON - timedelta(seconds=13 * number), f"f{number}", f"c{number}")
    go(database, NOON + timedelta(minutes=11))
    found = {county: at for kind, county, _, at in raised(database) if kind == "WentSilent"}
    with database.read() as tx:
        for one in pulse.voices(tx, WHOLE):
            assert one.voice.heard_at is not None
            assert one.silent_at == one.voice.heard_at + 2 * FIVE + MOMENT
    assert len(owed(database)) == 1, "when all are gone it is one cause"
    assert found


def test_a_lost_backbone_is_one_line_not_nine_hundred(database: Database, ears: Ears) -> None:
    for number in range(900):
        ears.says(f"s{number:03}", NOON, f"f{number % 2}", f"c{number % 10}")
    go(database, NOON)
    for number in range(0, 900, 2):
        ears.says(f"s{number:03}", NOON + timedelta(hours=2), "f0", f"c{number % 10}")
    go(database, NOON + timedelta(minutes=11))
    assert owed(database) == ["来源 f1 测站全部 450 个听不到"]
    with database.read() as tx:
        (line,) = pulse.silent(tx, WHOLE)
        assert (line.feed, line.county, line.of, line.whole) == ("f1", "", 450, True)
    assert len(raised(database)) == 1


def test_a_county_that_grows_silent_keeps_one_task(database: Database, ears: Ears) -> None:
    for minute, name in enumerate("abc"):
        ears.says(name, NOON + timedelta(minutes=minute))
    ears.says("z", NOON + timedelta(hours=3), county="c2")
    go(database, NOON + timedelta(minutes=11))
    assert owed(database) == ["来源 f1 测站1/3 个听不到"]
    go(database, NOON + timedelta(minutes=14))
    assert owed(database) == ["测站全部 3 个听不到"], "the whole county: its cause is not the feed"
    with database.read() as tx:
        closed = [one.state.value for one in tasks.in_group(tx, "pulse", "silence") if one.closed_at]
    assert closed == ["cancelled"], "what the narrow line said is said by the wide one; nothing was mended"


def test_who_speaks_and_says_nothing_is_not_heard(database: Database, ears: Ears) -> None:
    ears.says("a", NOON, well=False)
    go(database, NOON)
    assert [kind for kind, *_ in raised(database)] == ["WentSilent"]


def test_who_need_not_speak_any_more_is_forgotten(database: Database, ears: Ears) -> None:
    ears.says("a", NOON)
    go(database, NOON + 3 * FIVE)
    ears.voices.clear()
    go(database, NOON + 4 * FIVE)
    with database.read() as tx:
        assert pulse.voices(tx, WHOLE) == []
        looked_at = pulse.board(tx, WHOLE).listened_at
        assert looked_at is not None
        assert timedelta(0) <= tx.now - looked_at <= timedelta(minutes=1)
    assert owed(database) == []


def test_the_widest_group_that_is_silent_as_a_whole() -> None:
    def heard(name: str, feed: str, county: str, silent: bool) -> Pulse:
        voice = Voice("station", name, name, FIVE, NOON, feed, county)
        return Pulse(voice, NOON, NOON, NOON if silent else None)

    def told(*some: Pulse) -> list[tuple[str, str, int, int]]:
        return [
            (one.feed, one.county, len(one.members), one.of)
            for one in lines([one for one in some if one.silent_at], counted(some))
        ]

    a, b = heard("a", "f1", "c1", True), heard("b", "f1", "c2", True)
    c, d = heard("c", "f2", "c1", True), heard("d", "f2", "c2", True)
    well = heard("e", "f2", "c2", False)
    assert told(a, b, c, d) == [("", "", 4, 4)]
    assert told(a, b, well) == [("f1", "", 2, 2)]
    assert told(a, c, well) == [("", "c1", 2, 2)]
    assert told(a, b, c, d, well) == [("f1", "", 2, 2), ("f2", "c1", 1, 1), ("f2", "c2", 1, 2)]
    assert told(replace(well, silent_at=None)) == []
    (line,) = lines([a], counted([a]))
    assert pulse.say(line) == "测站a听不到"
    assert isinstance(line, Line)


def test_the_house_listens_to_itself(database: Database) -> None:
    database.install(
        Voices(pulse.house_probes()), delivery.Switchboard(Mode.SIMULATION, delivery.all_channels(), {})
    )
    go(database, NOON)
    with database.begin() as tx:
        enqueue(tx, kind="assess.wake", lane="engine", due_at=tx.now, payload={})
    go(database, NOON + timedelta(seconds=61))
    assert owed(database) == ["后台作业研判听不到"]
    with database.read() as tx:
        assert {one.voice.kind for one in pulse.voices(tx, WHOLE)} == {"job", "seal"}
    go(database, NOON + timedelta(minutes=7))
    assert sorted(owed(database)) == ["后台作业研判听不到", "记录封存封存员听不到"]


def test_the_outward_heartbeat_touches_and_calls(database: Database, tmp_path: Path) -> None:
    called = threading.Event()

    class Watcher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.set()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Watcher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "var" / "alive"
    url = f"http://127.0.0.1:{server.server_port}/ping"
    beat = pulse.Heartbeat(pulse.Outward(file, url, timedelta(minutes=1)))
    with database.read() as tx:
        assert beat.next_at(tx) == NOON
    beat.run_due(database)
    assert called.wait(5)
    assert file.read_text(encoding="utf-8") == "2026-07-20T12:00:00+08:00\n"
    with database.read() as tx:
        assert beat.next_at(tx) == NOON + timedelta(minutes=1)
    server.shutdown()
    server.server_close()
    beat.run_due(database)  # nobody answers now: noted, and no more
    pulse.Heartbeat(pulse.Outward(file / "no folder")).run_due(
        database
    )  # a full disk is no end of the watch either
