"""命令行共用 — how a command opens a database, speaks, and ends on a refusal: with its words on stderr, and 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from shouye.base.kernel import Database, Refusal, WallClock

Where = Annotated[
    str,
    typer.Option(
        "--database", "-d", envvar="SHOUYE_DATABASE", help="数据库地址，如 postgresql://… 或 sqlite:///…"
    ),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="数据目录：PostgreSQL 库的联系方式密钥在其中的 keys 里")
]
CityOption = Annotated[str, typer.Option("--city", help="城市：cities 下的目录名，或目录路径")]
FindCity = Callable[[str], Path]


@contextmanager
def told() -> Iterator[None]:
    """A refusal is said in its own words and ends the command with 2."""
    try:
        yield
    except Refusal as refusal:
        typer.echo(refusal.message, err=True)
        raise typer.Exit(2) from None


class NoDatabase(Refusal):
    """没有这个数据库：请核对地址，或先用 shouye db init 建库。"""


@contextmanager
def opened(url: str, *installed: object, new: bool = False) -> Iterator[Database]:
    """The database, closed afterwards; a refusal is told. `new`: it may be one that nobody has made yet."""
    with told():
        found = Database(url, WallClock())
        try:
            if not new:
                _demand_made(found)
            found.install(*installed)
            yield found
        finally:
            found.close()


def _demand_made(database: Database) -> None:
    """A mistyped path makes no file."""
    place = database.engine.url
    if place.get_backend_name() == "sqlite" and place.database and not Path(place.database).is_file():
        raise NoDatabase(place.database)
    if database.version() is None:
        raise NoDatabase


class _Unhindered:
    """A stream that loses what cannot be written: a full disk under the log stops no watch."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def unhindered() -> Iterator[None]:
    """说不出也照做 — for a command that runs for months: whether its words can be written is not its concern."""
    with redirect_stdout(_Unhindered(sys.stdout)), redirect_stderr(_Unhindered(sys.stderr)):
        yield


def say(line: str) -> None:
    """A line for the operator, whatever characters are in it."""
    typer.echo(line)
