"""A process of its own with a job that kills it: `python -m tests.base.kernel.poisoned URL`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from shouye.base.kernel import Database, JobSource, Tx, WallClock, handles


def poison(tx: Tx, payload: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(tx: Tx, payload: dict[str, Any]) -> None:
    """An ordinary job."""


if __name__ == "__main__":
    handles("poison", poison)
    handles("work", work)
    jobs = JobSource()
    database = Database(sys.argv[1], WallClock())
    while jobs.run_due(database):
        pass
