"""每日封存首部 — once a day the newest head is written beside the database, to print and keep elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog

from shouye.base.kernel.clock import BEIJING
from shouye.base.kernel.db import Database, Tx
from shouye.base.kernel.files import write_over
from shouye.base.kernel.seal import sealed_head

log = structlog.get_logger()

AGAIN = timedelta(minutes=1)
"""How soon a sheet that could not be written is tried again (proposed)."""


class DailyHead:
    """每日首部的待办 — `<day>.txt` for the wall, `<day>.json` as an anchor for `shouye audit verify --anchor`.

    A day's head is that which stands when the day begins; who was not there then writes it when he comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._not_before: datetime | None = None

    def next_at(self, tx: Tx) -> datetime | None:
        if not self._file(tx.now).is_file():
            return self._not_before or tx.now if sealed_head(tx) is not None else None
        return _midnight(tx.now) + timedelta(days=1)

    def run_due(self, database: Database) -> int:
        with database.read() as tx:
            head, anchor = sealed_head(tx), self._file(tx.now)
        if head is None or anchor.is_file():
            return 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_over(anchor.with_suffix(".txt"), head.printed().encode())
            write_over(anchor, head.anchor().encode())
        except OSError as error:  # a full disk; it must not end the watch
            log.warning("daily head not written", error=repr(error))
            self._not_before = database.clock.now() + AGAIN
            return 0
        self._not_before = None
        return 1

    def _file(self, now: datetime) -> Path:
        return self._folder / f"{now.astimezone(BEIJING):%Y-%m-%d}.json"


def _midnight(now: datetime) -> datetime:
    return now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
