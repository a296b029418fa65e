"""听不到的命令 — `shouye silence list|asked`: as the page shows it, and what whoever was asked has said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from shouye.base import pulse
from shouye.base.access import OPERATOR
from shouye.doors.cli.look import Out, looking, tell
from shouye.doors.cli.words import CityOption, FindCity, Where, opened, say
from shouye.doors.web import silence_sheet


def make_silence(find: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = typer.Typer(help="听不到的：坏在哪里、多久了、谁去问、问过没有。", no_args_is_help=True)
    app.command("list")(_make_list(find))
    app.command("asked")(asked)
    return app


def _make_list(find: FindCity) -> Callable[..., None]:
    def listed(database: Where, city: CityOption = "datong", out: Out = None) -> None:
        """一个原因一行：来源断了就是一行，不是几百个站。"""
        with looking(database, find(city)) as (place, sight):
            tell(place.mode, silence_sheet(place, sight), out)

    return listed


def asked(
    database: Where,
    number: Annotated[int, typer.Argument(help="事项的号，见 list 的第一列")],
    note: Annotated[str, typer.Option("--note", help="找了谁，怎么说")],
) -> None:
    """已联系：记下问了谁、怎么说；仍然欠着，直到重新听到。"""
    with opened(database) as found, found.begin() as tx:
        pulse.asked(tx, OPERATOR, number, note)
    say(f"已记下：事项 {number} 已联系")
