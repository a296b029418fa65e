"""A process of its own that waits for the clock's role and plays it: `python -m tests.base.kernel.on_duty …`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shouye.base.kernel import Database, Fact, JobSource, Lease, Tx, WallClock, handles, hold, pace, record

LASTS = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Ticked(Fact):
    """A job of the test has run."""

    by: str


def run(url: str, holder: str) -> None:
    def tick(tx: Tx, payload: dict[str, Any]) -> None:
        record(tx, Ticked(subject=f"tick:{payload['number']}", by=holder))

    handles("tick", tick)
    clock = WallClock()

    def work(database: Database, leases: Sequence[Lease], over: threading.Event) -> None:
        print(f"{holder} {leases[0].fence} {leases[0].silent_for}", flush=True)
        pace([JobSource()], database, clock, over)

    print("waits", flush=True)
    hold(Database(url, clock), ["clock"], holder, work, threading.Event(), LASTS)


if __name__ == "__main__":
    run(*sys.argv[1:])
