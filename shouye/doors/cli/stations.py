"""监测命令 — `shouye stations …`: what the page 监测 shows: the latest of all, one station, its readings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from shouye.base.kernel import NotFound
from shouye.doors.cli.look import FILES, Out, chosen, looking, tell
from shouye.doors.cli.words import CityOption, FindCity, Where
from shouye.doors.web import SPANS, Filter, State, compare_sheet, latest_sheet, look, readings_sheet
from shouye.watch.assess import all_hazards

Span = Annotated[str, typer.Option("--span", help=f"时段：{'、'.join(SPANS)}")]
Until = Annotated[
    str, typer.Option("--until", help="截至（北京时间），如 2025-12-01 或 2025-12-01T08:00；不给＝现在")
]


def make_stations(find: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = typer.Typer(help="监测：最新值、一个站、它的读数。", no_args_is_help=True)
    app.command("list")(_make_list(find))
    app.command("show")(_make_show(find))
    app.command("readings")(_make_readings(find))
    app.command("compare")(_make_compare(find))
    return app


def _make_list(find: FindCity) -> Callable[..., None]:
    def listed(
        database: Where,
        city: CityOption = "datong",
        hazard: Annotated[str, typer.Option("--hazard", help="灾种，如 暴雨：只列它用来判定的")] = "",
        county: Annotated[str, typer.Option("--county", help="县区，如 灵丘县")] = "",
        element: Annotated[str, typer.Option("--element", help="要素，如 水位、stage_m")] = "",
        owner: Annotated[str, typer.Option("--owner", help="归口部门")] = "",
        state: Annotated[str, typer.Option("--state", help="达到标准、听不到、缺测、可疑、正常")] = "",
        text: Annotated[str, typer.Option("--find", help="站名、站号里有这几个字")] = "",
        out: Out = None,
    ) -> None:
        """最新值：一行是一个站的一个要素，要看的在前。"""
        with looking(database, find(city)) as (place, sight):
            counties = [(one.id, one.short) for one in sight.roster.children(sight.roster.city.id)]
            elements = [(name, one.term) for name, one in sight.elements.by_name.items()]
            wanted = Filter(
                county=chosen(counties, county, "县区"),
                element=chosen(elements, element, "要素"),
                owner=owner,
                state=chosen([(one.value, one.word) for one in State], state, "状态"),
                hazard=chosen([(key, one.term) for key, one in all_hazards().items()], hazard, "灾种"),
                find=text,
            )
            tell(place.mode, latest_sheet(place, sight, wanted), out)

    return listed


def _make_show(find: FindCity) -> Callable[..., None]:
    def show(
        station: Annotated[str, typer.Argument(help="站号")],
        database: Where,
        city: CityOption = "datong",
        out: Out = None,
    ) -> None:
        """一个站：每个要素此刻怎样、为什么。"""
        with looking(database, find(city)) as (place, sight):
            sheet = latest_sheet(place, sight, Filter(find=station))
            rows = [row for row in sheet.rows if row[sheet.headers.index("站号")] == station]
            if not rows:
                raise NotFound(f"测站 {station}")
            tell(place.mode, replace(sheet, rows=rows), out)

    return show


def _make_readings(find: FindCity) -> Callable[..., None]:
    def readings(
        station: Annotated[str, typer.Argument(help="站号")],
        database: Where,
        element: Annotated[str, typer.Option("--element", help="要素，如 水位、stage_m")],
        city: CityOption = "datong",
        span: Span = "24h",
        until: Until = "",
        files: Annotated[Path, typer.Option("--files", help="归档文件所在目录")] = FILES,
        out: Out = None,
    ) -> None:
        """读数：来数、参与研判的值、质量和理由，逐条。"""
        with looking(database, find(city), files) as (place, sight):
            name = chosen([(name, one.term) for name, one in sight.elements.by_name.items()], element, "要素")
            tell(place.mode, readings_sheet(place, sight, station, name, look(span, until, sight.tx.now)), out)

    return readings


def _make_compare(find: FindCity) -> Callable[..., None]:
    def compare(
        series: Annotated[list[str], typer.Argument(help="站号~要素，如 53487~rain_mm，可多个")],
        database: Where,
        city: CityOption = "datong",
        span: Span = "24h",
        until: Until = "",
        files: Annotated[Path, typer.Option("--files", help="归档文件所在目录")] = FILES,
        out: Out = None,
    ) -> None:
        """对照：几个序列并排，一个时刻一行；7 天以上雨量为一段的合计，其余为一段的末值。"""
        with looking(database, find(city), files) as (place, sight):
            seen = look(span, until, sight.tx.now)
            tell(place.mode, compare_sheet(place, sight, series, seen), out)

    return compare
