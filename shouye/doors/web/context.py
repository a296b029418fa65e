"""一座城市的控制台所需 — what the pages are given: the database, the roster, the mode and what to say about it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from shouye.base.access import Actor
from shouye.base.kernel import Clock, Database, Mode
from shouye.base.roster import Roster
from shouye.watch.feeds import Reception

COOKIES = {Mode.SIMULATION: "shouye_sim", Mode.TEST: "shouye_test", Mode.ACTUAL: "shouye"}
"""One cookie per mode: a sign-in to a drill is never a sign-in to the real thing. 依据: design.md 3.4."""


class Tick:
    """变动计数 — call it when something has changed; open screens then fetch themselves anew."""

    def __init__(self) -> None:
        self._version = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def __call__(self) -> None:
        with self._lock:
            self._version += 1

    @property
    def version(self) -> int:
        return self._version

    def close(self) -> None:
        """The program is about to stop: live streams end, so that the server can."""
        self._closed.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()


@dataclass(frozen=True)
class CityContext:
    """城市上下文 — `banner` says in words what is on the screen (for a drill: which storm, what is true)."""

    database: Database
    roster: Roster
    mode: Mode
    title: str
    banner: str = ""
    speed: float = 1.0
    seed: int | None = None
    folder: Path | None = None
    history: Path = Path("var/run/history")
    tile_url: str = ""
    reception: Reception | None = None
    """接收台 — where pushed data go; None in a process that takes none (a drill)."""
    keys: dict[str, tuple[datetime, Actor]] = field(default_factory=dict)
    """近来用过的密钥 — by their digest: when it was looked up, and whose it is."""
    tick: Tick = field(default_factory=Tick)

    @property
    def clock(self) -> Clock:
        return self.database.clock

    @property
    def cookie(self) -> str:
        return COOKIES[self.mode]
