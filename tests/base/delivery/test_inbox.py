"""收件处 — what came back survives every end of the process; one that cannot be taken keeps no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from shouye.base import delivery
from shouye.base.access import WHOLE
from shouye.base.delivery import (
    Attempt,
    Exchange,
    NewAttempt,
    Outcome,
    Receipt,
    Reply,
    Sender,
    Switchboard,
    all_channels,
    jobs,
)
from shouye.base.kernel import (
    Database,
    DatabaseAway,
    Fact,
    JobSource,
    Mode,
    SimClock,
    Tx,
    dead_jobs,
    facts_since,
    record,
    retry,
    run_due,
)
from shouye.base.kernel.db import Bell
from tests.base.delivery.test_delivery import NOON, Line

pytestmark = pytest.mark.usefixtures("both_databases")

PERSONS = (7, 8, 9)


@dataclass
class Remembering(Line):
    """A line that can be asked again what came of a call."""

    def recall(self, tried: Mapping[tuple[int, str, str], int], lost: Sequence[Attempt]) -> list[Reply]:
        return [Reply(one.id, one.opened_at + timedelta(seconds=10), Receipt.CONFIRMED) for one in lost]


@dataclass(frozen=True, kw_only=True)
class RoomWasTold(Fact):
    """What came back, kept in the transaction in which the room was told."""

    person: int
    receipt: str


@dataclass
class Room:
    """Who asked: it is told what came back, and cannot bear some persons."""

    unbearable: set[int] = field(default_factory=set)
    error: BaseException = field(default_factory=lambda: ValueError("the room is not ready for this"))

    def hear(self, tx: Tx, pairs: Sequence[tuple[Attempt, Reply]]) -> None:
        if self.unbearable & {attempt.person for attempt, _ in pairs}:
            raise self.error
        for attempt, reply in pairs:
            record(tx, RoomWasTold(subject="notice:1", person=attempt.person, receipt=reply.receipt.value))


class Office:
    """A switchboard over one line; `again` is what a new process finds."""

    def __init__(self, folder: Path, line: Sender) -> None:
        self.clock = SimClock(NOON)
        self.database = Database(f"sqlite:///{folder}/inbox.db", self.clock, durable=False)
        self.database.create(Mode.SIMULATION, "test")
        self.line = line
        self.room = Room()
        self.again()

    def again(self) -> None:
        board = Switchboard(Mode.SIMULATION, all_channels(), {"simulated": self.line})
        board.handle("call", self.room.hear)
        self.database.install(board)
        self.exchange = Exchange(board)
        with self.database.begin() as tx:
            delivery.recover(tx)

    def call(self, *persons: int) -> None:
        with self.database.begin() as tx:
            delivery.open_attempts(tx, [NewAttempt("simulated", one, "call", "notice:1") for one in persons])

    def work(self, database: Database | None = None) -> None:
        """Everything that falls due within half a minute."""
        end = NOON + timedelta(seconds=30)
        while True:
            with self.database.read() as tx:
                at = self.exchange.next_at(tx)
            if at is None or at > end:
                return
            self.clock.move_to(at)
            self.exchange.run_due(database or self.database)

    @property
    def told(self) -> list[tuple[int, Receipt]]:
        with self.database.read() as tx:
            facts = facts_since(tx, kinds=("RoomWasTold",))
        return [(fact.body["person"], Receipt(fact.body["receipt"])) for fact in facts]

    def attempts(self) -> list[Attempt]:
        with self.database.read() as tx:
            return [one for person in PERSONS for one in delivery.attempts_of(tx, WHOLE, person)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, Line())


def test_one_that_cannot_be_taken_keeps_no_other_and_is_never_silent(office: Office) -> None:
    office.room.unbearable = {8}
    office.call(*PERSONS)
    office.work()
    assert office.told == [(7, Receipt.CONFIRMED), (9, Receipt.CONFIRMED)]
    assert {one.outcome for one in office.attempts()} == {Outcome.DELIVERED}, "what became of the call is known"
    for _ in range(5):
        office.clock.move_to(office.clock.now() + timedelta(minutes=1))
        run_due(office.database)
    with office.database.read() as tx:
        (dead,) = dead_jobs(tx)
    assert (dead.kind, "not ready" in str(dead.error)) == ("delivery.reply", True)
    office.room.unbearable = set()
    with office.database.begin() as tx:
        retry(tx, dead.id)
    run_due(office.database)
    assert office.told[2:] == [(8, Receipt.CONFIRMED)]


def test_a_reply_waits_for_a_database_that_is_away(office: Office) -> None:
    office.room.unbearable, office.room.error = {8}, DatabaseAway("select", {}, Exception("server closed"))
    office.call(*PERSONS)
    with pytest.raises(DatabaseAway):
        office.work()
    office.room.unbearable = set()
    office.work()
    assert office.told == [(person, Receipt.CONFIRMED) for person in PERSONS], "together, as they came"


def test_what_was_heard_is_stored_when_the_database_is_back(office: Office) -> None:
    """Between the act and the commit that keeps its replies the server goes away."""
    office.call(7)
    with pytest.raises(DatabaseAway):
        office.work(at_commit(office.database, 2, DatabaseAway("insert", {}, Exception("server closed"))))
    office.work()
    assert office.told == [(7, Receipt.CONFIRMED)]
    assert len(office.attempts()) == 1


def test_replies_outlive_the_process(office: Office) -> None:
    office.call(7)
    office.exchange.run_due(office.database)
    office.again()
    office.work()
    assert office.told == [(7, Receipt.CONFIRMED)]


class Breaking(Bell):
    """Rings after each commit: here the process ends just after one of them."""

    def __init__(self, number: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = number, error

    def ring(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error


def at_commit(database: Database, number: int, error: BaseException, *, after: bool = False) -> Database:
    """The same database, on which the commit of this number fails, or is the last thing that happens."""
    left = number

    def count(_: Tx) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise error

    if not after:
        return database.fenced(count)
    view = database.fenced(lambda _: None)
    view.bell = Breaking(number, error)
    return view


@pytest.mark.parametrize("line", [Line, Remembering])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", [1, 2, 3])
def test_nothing_is_sent_twice_wherever_the_process_ends(
    tmp_path: Path, commit: int, after: bool, line: type[Line]
) -> None:
    """Law 7: an attempt is handed over at most once; what became of it is known, or Unknown and said so."""
    office = Office(tmp_path, line())
    office.call(*PERSONS)
    with pytest.raises(SystemExit):
        office.work(at_commit(office.database, commit, SystemExit(), after=after))
    office.again()
    office.work()
    assert isinstance(office.line, Line)
    given = Counter(office.line.given)
    attempts = office.attempts()
    assert len(attempts) == len(PERSONS)
    assert max(given.values(), default=0) <= 1
    for one in attempts:
        assert given[one.id] == 1 or one.outcome is not Outcome.DELIVERED or line is Remembering
        assert (one.outcome is Outcome.UNKNOWN) == ((one.person, Receipt.CONFIRMED) not in office.told)
    assert max(Counter(office.told).values(), default=0) <= 1
    between_intent_and_outcome = (commit, after) in ((1, True), (2, False))
    assert {one.outcome for one in attempts} == {
        Outcome.UNKNOWN if between_intent_and_outcome and line is Line else Outcome.DELIVERED
    }


def test_who_answered_is_heard_while_many_are_still_to_be_rung(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first have answered long ago when the telephone is still busy with the others."""
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    office.call(*PERSONS)
    office.exchange.run_due(office.database)
    assert isinstance(office.line, Line)
    assert len(office.line.given) == 2, "the third is still to be rung"
    office.clock.move_to(NOON + timedelta(seconds=20))
    office.call(10, 11, 12)
    office.exchange.run_due(office.database)
    assert len(office.line.given) == 4, "he who has waited longest is rung first"
    office.exchange.run_due(office.database)
    assert [person for person, _ in office.told] == [7, 8], "heard before the last are rung"
    office.work()
    assert Counter(person for person, _ in office.told) == Counter([*PERSONS, 10, 11, 12])


def test_a_reply_that_ends_the_process_ends_a_few_and_no_more(office: Office) -> None:
    office.room.unbearable, office.room.error = {8}, SystemExit()
    office.call(*PERSONS)
    ends = 0
    while True:
        try:
            office.work()
            while JobSource().run_due(office.database):
                pass
            break
        except SystemExit:
            ends += 1
            assert ends < 20
            office.again()
    assert office.told == [(7, Receipt.CONFIRMED), (9, Receipt.CONFIRMED)]
    assert {one.outcome for one in office.attempts()} == {Outcome.DELIVERED}
    with office.database.read() as tx:
        assert [job.kind for job in dead_jobs(tx)] == ["delivery.reply"]
    assert 3 <= ends <= 10
