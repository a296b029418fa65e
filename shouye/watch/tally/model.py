"""来数台账 — how many of what, minute by minute, what was held back, and whether a source is heard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Count:
    """接入计数 — how many of what a feed has sent, and when last."""

    feed: str
    what: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class Minute:
    """一分钟的来数 — messages taken and refused; how late the freshest and the latest of their readings came."""

    feed: str
    at: datetime
    taken: int
    refused: int
    lag_least_s: int | None
    lag_most_s: int | None


@dataclass(frozen=True)
class Held:
    """隔离的来数 — what was refused, with its bytes, until a person has looked."""

    id: int
    feed: str
    at: datetime
    code: str
    detail: str
    station: str
    peer: str
    raw: bytes
    size: int
    state: str
    settled_at: datetime | None
    settled_by: str
    settled_why: str

    @property
    def is_whole(self) -> bool:
        return len(self.raw) == self.size


class Hearing(StrEnum):
    """来源状态 — is a feed heard?"""

    OFF = "off"
    NEVER = "never"
    REFUSED = "refused"
    LATE = "late"
    HEARD = "heard"

    @property
    def word(self) -> str:
        return _HEARING[self]


_HEARING = {
    Hearing.OFF: "未启用",
    Hearing.NEVER: "从未收到",
    Hearing.REFUSED: "来数全被拒收",
    Hearing.LATE: "超时未到",
    Hearing.HEARD: "在收",
}
LATE_AFTER = 2
"""超时 — two of its intervals without anything; `proposed`, no document gives the number."""


def hearing(interval: timedelta, heard_at: datetime | None, refused_at: datetime | None, now: datetime) -> Hearing:
    """听得到吗 — something taken within two intervals; a source of which all is refused is not heard."""
    late = now - LATE_AFTER * interval
    if heard_at is not None and heard_at >= late:
        return Hearing.HEARD
    if refused_at is not None and refused_at >= late:
        return Hearing.REFUSED
    return Hearing.NEVER if heard_at is None else Hearing.LATE


_SECRETS = (
    re.compile(rb"(?i)PW=([^;&]*)"),
    re.compile(rb"(?s)\A\x7e\x7e.{6}(..)"),
    re.compile(rb"(?s)\A\x01.{12}(.{4})"),
)
"""口令所在 — HJ 212 as text; SL 651 after centre and station, in HEX and in ASCII."""


def without_secrets(raw: bytes) -> bytes:
    """遮盖口令 — the same bytes at the same places, the access password as asterisks."""
    for secret in _SECRETS:
        for found in secret.finditer(raw):
            begin, end = found.span(1)
            raw = raw[:begin] + b"*" * (end - begin) + raw[end:]
    return raw
