"""送达 — intent, act, outcome; what a mode may construct; and who is told what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shouye.base import delivery
from shouye.base.access import WHOLE
from shouye.base.delivery import (
    Attempt,
    Channel,
    Exchange,
    NewAttempt,
    Outcome,
    Receipt,
    Reply,
    Sender,
    Switchboard,
    all_channels,
)
from shouye.base.kernel import BEIJING, Database, Forbidden, Mode, SimClock, Tx

pytestmark = pytest.mark.usefixtures("both_databases")

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
SMS = Channel("sms", "短信", frozenset({Mode.ACTUAL, Mode.TEST}), automatic=True)


@dataclass
class Line:
    """A sender that answers after ten seconds as it was told, and counts what it was given."""

    receipts: list[Receipt] = field(default_factory=lambda: [Receipt.CONFIRMED])
    given: list[int] = field(default_factory=list)
    breaks: type[BaseException] | None = None

    def send(self, attempts: Sequence[Attempt], now: datetime) -> list[Reply]:
        self.given += [attempt.id for attempt in attempts]
        if self.breaks is not None:
            raise self.breaks("line cut")
        after = now + timedelta(seconds=10)
        return [Reply(attempt.id, after, receipt) for attempt in attempts for receipt in self.receipts]


class Office:
    """A switchboard in Simulation over one line; `heard` is what the room that asked was told."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimClock(NOON)
        self.line = Line()
        self.heard: list[tuple[int, Receipt]] = []
        self.database = Database(f"sqlite:///{folder}/delivery.db", self.clock, durable=False)
        self.database.create(Mode.SIMULATION, "test")
        self.board = Switchboard(Mode.SIMULATION, all_channels(), {"simulated": self.line})
        self.board.handle("call", self.hear)
        self.database.install(self.board)
        self.exchange = Exchange(self.board)

    def hear(self, tx: Tx, pairs: Sequence[tuple[Attempt, Reply]]) -> None:
        self.heard += [(attempt.id, reply.receipt) for attempt, reply in pairs]

    def call(self, *persons: int, purpose: str = "call") -> list[int]:
        with self.database.begin() as tx:
            new = [NewAttempt("simulated", person, purpose, "notice:1") for person in persons]
            return delivery.open_attempts(tx, new)

    def wait(self, seconds: int) -> int:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))
        return self.exchange.run_due(self.database)

    def of(self, person: int) -> list[Attempt]:
        with self.database.read() as tx:
            return delivery.attempts_of(tx, WHOLE, person)

    def busy(self, *persons: int) -> set[int]:
        with self.database.read() as tx:
            return delivery.busy_persons(tx, persons, "call")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.mark.parametrize(
    ("receipt", "outcome"),
    [
        (Receipt.CONFIRMED, Outcome.DELIVERED),
        (Receipt.HEARD, Outcome.DELIVERED),
        (Receipt.DECLINED, Outcome.DELIVERED),
        (Receipt.SHOWN, Outcome.DELIVERED),
        (Receipt.NO_ANSWER, Outcome.REFUSED),
        (Receipt.OFF, Outcome.REFUSED),
        (Receipt.BUSY, Outcome.REFUSED),
    ],
)
def test_every_receipt_has_one_outcome(office: Office, receipt: Receipt, outcome: Outcome) -> None:
    office.line.receipts = [receipt]
    (number,) = office.call(7)
    assert office.wait(0) == 1
    assert [(item.outcome, item.closed_at) for item in office.of(7)] == [(None, None)]
    office.wait(10)
    (item,) = office.of(7)
    assert (item.receipt, item.outcome, item.closed_at) == (receipt, outcome, NOON + timedelta(seconds=10))
    assert office.heard == [(number, receipt)]


def test_every_receipt_has_a_word() -> None:
    assert all(receipt.word for receipt in Receipt)
    assert len({receipt.word for receipt in Receipt}) == len(Receipt)


def test_a_real_channel_cannot_be_constructed_in_a_drill() -> None:
    """Law 4: refused when it is built, not when it is used."""
    channels = {**all_channels(), "sms": SMS}
    with pytest.raises(Forbidden, match="短信渠道不得用于演练"):
        Switchboard(Mode.SIMULATION, channels, {"sms": Line()})
    assert Switchboard(Mode.ACTUAL, channels, {"sms": Line()}).senders


@pytest.mark.parametrize("mode", [Mode.ACTUAL, Mode.TEST])
def test_a_simulated_channel_exists_in_a_drill_only(mode: Mode) -> None:
    with pytest.raises(Forbidden, match="模拟电话渠道不得用于"):
        Switchboard(mode, all_channels(), {"simulated": Line()})


def test_a_channel_that_is_not_constructed_takes_nothing(office: Office) -> None:
    with office.database.begin() as tx, pytest.raises(Forbidden, match="没有接入渠道 sms"):
        delivery.open_attempts(tx, [NewAttempt("sms", 7, "call", "notice:1")])
    assert office.of(7) == []


def test_the_shelf_names_every_channel_by_its_file() -> None:
    channels = all_channels()
    assert set(channels) >= {"simulated", "manual", "phone_page", "visit"}
    assert all(key == channel.key for key, channel in channels.items())
    assert {key for key, channel in channels.items() if channel.automatic} == {"simulated"}


def test_what_is_intended_is_sent_once(office: Office) -> None:
    numbers = office.call(7, 8)
    office.wait(0)
    office.wait(1)
    assert office.line.given == numbers
    with office.database.read() as tx:
        assert office.exchange.next_at(tx) == NOON + timedelta(seconds=10)


def test_who_is_on_the_line_is_engaged_until_it_ends(office: Office) -> None:
    office.call(7)
    office.call(8, purpose="tell")
    assert office.busy(7, 8, 9) == {7}
    office.wait(0)
    assert office.busy(7) == {7}
    office.wait(10)
    assert office.busy(7) == set()


def test_a_report_after_the_answer_changes_no_outcome(office: Office) -> None:
    office.line.receipts = [Receipt.CONFIRMED, Receipt.MOVED]
    office.call(7)
    office.wait(0)
    office.wait(10)
    (item,) = office.of(7)
    assert item.receipt is Receipt.CONFIRMED
    assert [receipt for _, receipt in office.heard] == [Receipt.CONFIRMED, Receipt.MOVED]


def test_a_crash_while_acting_leaves_unknown(office: Office) -> None:
    """Law 7: nobody knows whether it rang; it is said so, and the person can be rung again."""
    office.call(7)
    office.line.breaks = SystemExit  # the process ends in the middle of the act
    with pytest.raises(SystemExit):
        office.wait(0)
    assert office.busy(7) == {7}
    with office.database.begin() as tx:
        assert delivery.recover(tx) == 1
        assert delivery.recover(tx) == 0
    (item,) = office.of(7)
    assert (item.outcome, item.receipt) == (Outcome.UNKNOWN, None)
    assert office.busy(7) == set()
    assert office.heard == [], "unknown is not an answer"


def test_a_channel_that_fails_leaves_unknown_and_stops_nothing(office: Office) -> None:
    office.call(7)
    office.line.breaks = ConnectionError
    office.wait(0)
    (item,) = office.of(7)
    assert (item.outcome, item.receipt) == (Outcome.UNKNOWN, None)
    assert office.busy(7) == set(), "he can be rung again at once"
    office.line.breaks = None
    office.call(7)
    office.wait(0)
    office.wait(10)
    assert office.of(7)[-1].receipt is Receipt.CONFIRMED


def test_a_crash_before_the_act_loses_nothing(office: Office) -> None:
    numbers = office.call(7)
    with office.database.begin() as tx:
        assert delivery.recover(tx) == 0
    started_again = Exchange(office.board)
    started_again.run_due(office.database)
    assert office.line.given == numbers


def test_a_reply_after_the_crash_does_not_change_what_is_closed(office: Office) -> None:
    (number,) = office.call(7)
    office.line.receipts = []  # sent, and nothing has come back
    office.wait(0)
    with office.database.begin() as tx:
        assert delivery.recover(tx) == 1
        delivery.take_in(tx, [Reply(number, NOON, Receipt.NO_ANSWER)])
    (item,) = office.of(7)
    assert item.outcome is Outcome.UNKNOWN


def test_an_intent_that_is_rolled_back_is_never_sent(office: Office) -> None:
    def fail() -> None:
        with office.database.begin() as tx:
            delivery.open_attempts(tx, [NewAttempt("simulated", 7, "call", "notice:1")])
            raise RuntimeError("the room changed its mind")

    with pytest.raises(RuntimeError):
        fail()
    assert office.wait(0) == 0
    assert office.line.given == []


def test_by_hand_attempt_and_outcome_are_one_record(office: Office) -> None:
    with office.database.begin() as tx:
        delivery.by_hand(tx, NewAttempt("manual", 7, "call", "notice:1"), Receipt.HEARD)
        delivery.by_hand(tx, NewAttempt("phone_page", 8, "call", "notice:1"), Receipt.ON_POST)
    assert [item.outcome for item in office.of(7) + office.of(8)] == [Outcome.DELIVERED] * 2
    assert office.busy(7, 8) == set()
    assert [receipt for _, receipt in office.heard] == [Receipt.HEARD, Receipt.ON_POST]


def test_delivered_is_what_came_to_the_ears_of_people(office: Office) -> None:
    for person, receipt in ((7, Receipt.HEARD), (8, Receipt.OFF), (9, Receipt.DECLINED)):
        office.line.receipts = [receipt]
        office.call(person)
        office.wait(0)
        office.wait(10)
    with office.database.read() as tx:
        assert [item.person for item in delivery.delivered(tx, [7, 8, 9], "call")] == [7, 9]
        assert delivery.delivered(tx, [7, 8, 9], "tell") == []


def test_the_health_of_a_channel(office: Office) -> None:
    office.call(7, 8)
    office.wait(0)
    office.wait(10)
    office.call(9)
    office.line.receipts = []
    office.wait(0)
    with office.database.begin() as tx:
        delivery.recover(tx)
    office.call(10)
    with office.database.read() as tx:
        (line,) = delivery.channel_health(tx)
    assert {key: line[key] for key in ("channel", "attempts", "under_way", "unknown")} == {
        "channel": "simulated",
        "attempts": 4,
        "under_way": 1,
        "unknown": 1,
    }


def test_a_sender_is_any_object_that_sends() -> None:
    line: Sender = Line()
    assert list(line.send([], NOON)) == []
