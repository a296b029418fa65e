"""叫应渠道 — what is said to whom, by which channel, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from shouye.base.delivery import channels
from shouye.base.kernel import Forbidden, Mode, Tx, load_shelf


class Receipt(StrEnum):
    """回执 — what a person's side did. Heard is not answered: only CONFIRMED is an answer."""

    CONFIRMED = "confirmed"
    HEARD = "heard"
    NO_ANSWER = "no_answer"
    OFF = "off"
    BUSY = "busy"
    DECLINED = "declined"
    SHOWN = "shown"
    ON_POST = "on_post"
    MOVED = "moved"
    NEED_HELP = "need_help"
    STAND_IN = "stand_in"

    @property
    def word(self) -> str:
        return _RECEIPT_WORDS[self]


_RECEIPT_WORDS = {
    Receipt.CONFIRMED: "本人确认",
    Receipt.HEARD: "接通，未确认",
    Receipt.NO_ANSWER: "未接",
    Receipt.OFF: "关机",
    Receipt.BUSY: "占线",
    Receipt.DECLINED: "不能到岗",
    Receipt.SHOWN: "已送达",
    Receipt.ON_POST: "已到岗",
    Receipt.MOVED: "已报转移人数",
    Receipt.NEED_HELP: "需支援",
    Receipt.STAND_IN: "已应答，不能到岗",
}

FOLLOW_UPS = frozenset({Receipt.ON_POST, Receipt.MOVED, Receipt.NEED_HELP, Receipt.STAND_IN})
"""What a person reports after he has answered; it does not close a call."""


class Outcome(StrEnum):
    """结果 — the three ends of an outside act; never a bool, never only a log line."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class AttemptState(StrEnum):
    """一次呼叫的阶段 — intent is safe, acting is outside, closed has an outcome."""

    INTENT = "intent"
    ACTING = "acting"
    CLOSED = "closed"


@dataclass(frozen=True)
class Banner:
    """抬头 — the words every outgoing text of this mode begins with: 演练, 通信测试, or the issuing office."""

    text: str


@dataclass(frozen=True)
class NewAttempt:
    """待发 — `purpose` says which room takes the replies, `group` what it is about ("notice:3")."""

    channel: str
    person: int
    purpose: str
    group: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """一次呼叫 — intent, act, outcome; the text spoken is in `body["text"]`."""

    id: int
    channel: str
    person: int
    purpose: str
    group: str
    body: dict[str, Any]
    opened_at: datetime
    state: AttemptState
    outcome: Outcome | None
    receipt: Receipt | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Reply:
    """回音 — something that came back for an attempt; `value` is a figure the person gave (people moved)."""

    attempt: int
    at: datetime
    receipt: Receipt
    value: int | None = None


@dataclass(frozen=True)
class Arrived:
    """收下的回音 — its row, and how often taking it in was begun and came to no end."""

    row: int
    reply: Reply
    tries: int


class Sender(Protocol):
    """A channel at work: hands messages to the outside and returns what is known of their fate."""

    def send(self, attempts: Sequence[Attempt], now: datetime) -> Sequence[Reply]: ...


Tried = Mapping[tuple[int, str, str], int]
"""(person, purpose, group) -> how often a channel has tried."""


@runtime_checkable
class RecallingSender(Sender, Protocol):
    """能复述的渠道 — after a restart it can be asked again; of any other, what was under way is Unknown."""

    def recall(self, tried: Tried, lost: Sequence[Attempt]) -> Sequence[Reply]:
        """Say again what came of the `lost`, without doing anything anew; `tried` counts what went before them."""


@dataclass(frozen=True)
class Channel:
    """渠道 — one way to reach a person, and the modes in which it may be constructed at all."""

    key: str
    term: str
    modes: frozenset[Mode]
    automatic: bool
    """False when a person works it: its attempts wait on a list instead of being sent."""


ReplyHandler = Callable[[Tx, Sequence[tuple[Attempt, Reply]]], None]
"""What a room does with the replies to its purpose, in the transaction that records them."""


@dataclass(frozen=True)
class Switchboard:
    """总机 — the channels constructed for this mode, and which room takes the replies to which purpose."""

    mode: Mode
    channels: Mapping[str, Channel]
    senders: Mapping[str, Sender]
    handlers: dict[str, ReplyHandler] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.senders:
            if self.mode not in self.channels[key].modes:
                raise Forbidden(f"{self.channels[key].term}渠道不得用于{self.mode.word}")

    def handle(self, purpose: str, handler: ReplyHandler) -> None:
        self.handlers[purpose] = handler


def all_channels() -> dict[str, Channel]:
    """渠道货架 — every channel, keyed by its file's name; a mode constructs only those it may."""
    return load_shelf(channels, "CHANNEL", Channel)
