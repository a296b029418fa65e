"""开库 — a database is waited for while its server starts, known when it does not fit, looked at untouched."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from psycopg.pq import PGconn, Ping
from sqlalchemy import Engine, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from shouye.base.kernel.clock import STEP, Turn, WallClock
from shouye.base.kernel.db import Database, DatabaseAway, DatabaseBroken, Tx, make_engine, one_view
from shouye.base.kernel.migrations import SchemaUnknown, version
from shouye.base.kernel.refusals import Refusal

PATIENCE = timedelta(seconds=60)
"""How long a start waits for a server that is itself just starting (proposed)."""

_AGAIN_S = 0.5
_PING_S = "5"


class DatabaseUnreadable(Refusal):
    """数据库打不开，或者文件已经损坏。"""


class LogUnreadable(Refusal):
    """库旁的 -wal 里还有内容，这里读不到，不能只核一半；请把它同库文件一起复制到可写的目录再核。"""


class OpenedMeanwhile(Refusal):
    """核验的时候有程序打开了这个库，结果作不得数，请再核一次。"""


def until_up(url: str, stop: threading.Event, say: Callable[[str], None], patience: timedelta = PATIENCE) -> bool:
    """等库 — until the server lets us in; False when told to stop. What no waiting mends is raised at once."""
    if make_url(url).get_backend_name() != "postgresql":
        return True
    database, turn, told = Database(url, WallClock()), Turn(PATIENCE.total_seconds()), False
    try:
        while True:
            try:
                ahead = _ahead_of_server(database.engine)
            except DatabaseAway:
                if turn.over or not _may_come(database.engine):
                    raise
            else:
                if abs(ahead) >= STEP:
                    way = "快" if ahead > timedelta(0) else "慢"
                    seconds = f"{abs(ahead).total_seconds():.0f} 秒"
                    say(f"本机时钟比数据库服务器{way} {seconds}，请马上对时：本机登记的事，别的机器会早办或晚办。")
                return True
            if not told:
                say(f"数据库还没有起来，等它，至多 {PATIENCE.total_seconds():.0f} 秒。")
                told = True
            if stop.wait(_AGAIN_S):
                return False
    finally:
        database.close()


def _ahead_of_server(engine: Engine) -> timedelta:
    with engine.connect() as connection:
        shown: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return WallClock().now() - shown


def _may_come(engine: Engine) -> bool:
    """Nobody answers yet, or he says that he is starting: a wrong password and a missing database are neither."""
    reach = engine.url.set(drivername="postgresql").update_query_dict({"connect_timeout": _PING_S})
    asked = PGconn.ping(reach.render_as_string(hide_password=False).encode())
    return asked in (Ping.REJECT, Ping.NO_RESPONSE)


_LACKS = re.compile(r"no such (table|column)\b|has no column named\b")
_LACKS_STATES = ("42P01", "42703")
"""undefined_table, undefined_column."""


def schema_wrong(failure: DatabaseBroken) -> bool:
    """库结构不对 — a table or a column that we ask for is not there: no waiting brings it."""
    state = getattr(failure.orig, "sqlstate", None)
    return state in _LACKS_STATES or (state is None and _LACKS.search(str(failure.orig)) is not None)


@contextmanager
def looking_at(url: str) -> Iterator[Tx]:
    """A read of a database that no program serves now; refuses what is none of ours, and writes nothing.

    A file is opened so that it may lie where nobody can write, and that nothing is left beside it.
    """
    try:
        address = make_url(url)
        file = Path(address.database or "") if address.get_backend_name() == "sqlite" else None
        engine = (
            create_engine(address, creator=lambda: _untouched(file)) if file else make_engine(url, durable=True)
        )
    except ArgumentError as error:
        raise DatabaseUnreadable(type(error).__name__) from error
    alone = file is not None and not _logs(file)
    try:
        with one_view(engine, WallClock().now) as tx:
            if version(tx.connection) is None:
                raise SchemaUnknown("无版本")
            yield tx
    except DBAPIError as error:
        raise DatabaseUnreadable(type(error).__name__) from error
    finally:
        engine.dispose()
    if alone and file and _logs(file):
        raise OpenedMeanwhile


def _untouched(file: Path) -> sqlite3.Connection:
    """With nothing beside it the file is all there is, and nobody has it open; else both are read together."""
    address = file.absolute().as_uri()
    if not _logs(file):
        return _connected(f"{address}?mode=ro&immutable=1")
    connection = _connected(f"{address}?mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if any(log.stat().st_size for log in _logs(file)):
            raise LogUnreadable from None
        return _connected(f"{address}?mode=ro&immutable=1")
    return connection


def _connected(address: str) -> sqlite3.Connection:
    found = sqlite3.connect(address, uri=True, check_same_thread=False)
    found.isolation_level = None
    return found


def _logs(file: Path) -> list[Path]:
    beside = (file.with_name(file.name + end) for end in ("-wal", "-journal"))
    return [log for log in beside if log.exists()]
