"""时钟 — every verb takes its time from here, so that a drill can run at any speed.

Instants are aware datetimes; inside the database they are UTC milliseconds. A city lives in Beijing time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

BEIJING = timezone(timedelta(hours=8), "CST")
"""北京时间 — the whole country uses UTC+8 without daylight saving."""


class Clock(Protocol):
    """What a verb needs of time: the present instant."""

    def now(self) -> datetime: ...


SLEW = 0.05
"""Our time goes by so much slower while the machine's, which was set back, catches up (proposed)."""

STEP = timedelta(seconds=2)
"""A smaller correction of the machine's clock is not spoken of (proposed)."""


def _machine() -> datetime:
    return datetime.now(BEIJING)


def _steady() -> float:
    """Seconds that nobody can set; where the system tells, those in which the machine slept are counted."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class WallClock:
    """实时 — the machine's clock, used in Actual and Communication test; but our time never goes back.

    Set forward, it is followed at once. Set back, our time goes on a little slower until the machine's has caught
    up: what came first stays first, and no ladder waits for an hour to come again.
    """

    def __init__(self, machine: Callable[[], datetime] = _machine, steady: Callable[[], float] = _steady) -> None:
        self._machine, self._steady = machine, steady
        self._lock = threading.Lock()
        self._now, self._seen, self._looked = (machine(), machine(), steady())
        self._stepped = timedelta(0)

    def now(self) -> datetime:
        with self._lock:
            seen, looked = self._machine(), self._steady()
            passed = timedelta(seconds=looked - self._looked)
            step = seen - self._seen - passed
            if abs(step) >= STEP:
                self._stepped += step
            self._seen, self._looked = seen, looked
            self._now = max(seen, self._now + passed * (1 - SLEW))
            return self._now

    def go_on_from(self, instant: datetime) -> None:
        """接着走 — something was recorded at that instant: the machine's clock was wrong then, or is now."""
        behind = instant - self.now()
        if behind > timedelta(0):
            with self._lock:
                self._now = instant.astimezone(BEIJING)
                self._stepped -= behind if behind >= STEP else timedelta(0)

    @property
    def behind(self) -> timedelta:
        """By how much the machine's clock is behind our time."""
        return self.now() - self._machine()

    @property
    def stepped(self) -> timedelta:
        """By how much the machine's clock was set, as far as nobody has been told."""
        self.now()
        return self._stepped

    def told(self, step: timedelta) -> None:
        """说过了 — so much of `stepped` is known now."""
        with self._lock:
            self._stepped -= step


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
