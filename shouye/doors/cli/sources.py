"""`shouye feeds` as a whole — feeds.py with the wizard for tables, the simulator, and what is asked of devices."""

from __future__ import annotations

import typer

from shouye.doors.cli.feeds import make_feeds
from shouye.doors.cli.feeds_ask import list_asked, make_ask, unask
from shouye.doors.cli.feeds_map import feeds_map
from shouye.doors.cli.feeds_simulate import make_simulate
from shouye.doors.cli.words import FindCity


def make_sources(find: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = make_feeds(find)
    app.command("map")(feeds_map)
    app.command("simulate")(make_simulate(find))
    app.command("ask")(make_ask(find))
    app.command("asked")(list_asked)
    app.command("unask")(unask)
    return app
