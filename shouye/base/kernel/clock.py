"""时钟 — every verb takes its time from here, so that a drill can run at any speed.

Instants are aware datetimes; inside the database they are UTC milliseconds. A city lives in Beijing time.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "CST")
"""北京时间 — the whole country uses UTC+8 without daylight saving."""


class Clock(Protocol):
    """What a verb needs of time: the present instant."""

    def now(self) -> datetime: ...


class WallClock:
    """实时 — the machine's clock, used in Actual and Communication test."""

    def now(self) -> datetime:
        return datetime.now(BEIJING)


class SimClock:
    """演练时钟 — stands still until it is moved; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(BEIJING)

    def now(self) -> datetime:
        return self._now

    def move_to(self, instant: datetime) -> None:
        self._now = max(self._now, instant.astimezone(BEIJING))


class PacedClock:
    """变速时钟 — drill time runs `speed` times as fast as the monotonic clock."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start.astimezone(BEIJING)
        self._speed = speed
        self._zero = time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self._speed)

    def seconds_until(self, instant: datetime) -> float:
        """Real seconds until the drill reaches `instant`; never negative."""
        return max(0.0, (instant - self.now()).total_seconds() / self._speed)


class Turn:
    """一轮 — a stopwatch: for one who must let the others work, too."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() > self._end


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_BEIJING = _EPOCH.astimezone(BEIJING)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """UTC milliseconds since 1970; refuses a naive datetime, whose zone nobody can know."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(value: int) -> datetime:
    return _EPOCH_IN_BEIJING + timedelta(milliseconds=value)


def iso(instant: datetime) -> str:
    """Beijing time to the second, with its zone: 2021-07-20T16:00:00+08:00."""
    return instant.astimezone(BEIJING).isoformat(timespec="seconds")


def is_night(instant: datetime) -> bool:
    """夜间 — 22:00 to 06:00, when people sleep (proposed: no document read gives the hours)."""
    hour = instant.astimezone(BEIJING).hour
    return hour >= 22 or hour < 6
