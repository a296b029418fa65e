"""接入的事实 — an official signal has come in; ids and values only."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class SignalHeard(Fact):
    """收到官方预警 — `subject` is the row of the signal; it is relayed as it came and never re-graded.

    A Cancel is only heard: what it ends is decided by who holds the warning, never here.
    """

    feed: str
    message_type: str
    status: str
    level: str | None
    digest: str
