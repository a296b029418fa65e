"""库服务器 — a PostgreSQL of the trial's own, which is killed, too."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.servers import OWNER, Postgres, as_owner, initialise, start


@dataclass(frozen=True)
class Server:
    """A cluster whose folder and port are ours alone."""

    folder: Path
    names: Postgres

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> str:
        """The address of a new, empty database."""
        return self.names.url(self.names.make())

    def start(self) -> None:
        """The last one's processes may take a moment to notice that they are orphans."""
        settings = {"listen_addresses": "''", "unix_socket_directories": f"'{self.folder}'", "port": "5432"}
        end = time.monotonic() + 20
        while True:
            try:
                start(self.data, self.folder / "log", settings)
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def kill(self) -> None:
        """kill -9 of the postmaster: what it had promised must be in its log."""
        number = int((self.data / "postmaster.pid").read_text("ascii").splitlines()[0])
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@contextmanager
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="shouye-crash-pg-"))
    if OWNER:
        shutil.chown(folder, OWNER, OWNER)
    found = Server(folder, Postgres(folder, 5432, count(1)))
    initialise(found.data)
    found.start()
    try:
        yield found
    finally:
        as_owner("pg_ctl", "stop", "--silent", "--wait", "--mode=immediate", "--pgdata", found.data)
        shutil.rmtree(folder)
