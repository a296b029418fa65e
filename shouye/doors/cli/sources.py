"""`shouye feeds` as a whole — the commands of feeds.py with the wizard for tables and the simulator."""

from __future__ import annotations

import typer

from shouye.doors.cli.feeds import make_feeds
from shouye.doors.cli.feeds_map import feeds_map
from shouye.doors.cli.feeds_simulate import make_simulate
from shouye.doors.cli.words import FindCity


def make_sources(find: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = make_feeds(find)
    app.command("map")(feeds_map)
    app.command("simulate")(make_simulate(find))
    return app
