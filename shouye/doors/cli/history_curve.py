"""抽稀命令 — `shouye history curve`: years of a series in so many rows that keep its extremes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING
from shouye.base.papers import Sheet
from shouye.doors.cli.look import FILES, Out, mode_of, tell
from shouye.doors.cli.words import Where, opened
from shouye.watch import archive, observe

_HEADS = (
    "起（不含）",
    "止（含）",
    "个数",
    "缺测",
    "最低",
    "最低在",
    "最高",
    "最高在",
    "末值",
    "合计",
    "可疑、无效",
)


def curve(
    station: Annotated[str, typer.Argument(help="测站")],
    database: Where,
    since: Annotated[datetime, typer.Option("--since", help="从（不含），北京时间，如 2024-07-01T08:00:00")],
    until: Annotated[datetime, typer.Option("--until", help="到（含），北京时间")],
    element: Annotated[str, typer.Option("--element", help="监测要素，如 rain_mm、stage_m")] = "rain_mm",
    buckets: Annotated[int, typer.Option("--buckets", min=1, max=10_000, help="分成几段")] = 24,
    files: Annotated[Path, typer.Option("--files", help="归档文件所在目录")] = FILES,
    out: Out = None,
) -> None:
    """抽稀：等长的几段，每段的最低、最高、末值、合计；在库的和已归档的一起。"""
    begin, end = (one if one.tzinfo else one.replace(tzinfo=BEIJING) for one in (since, until))
    with opened(database) as base, base.read() as tx:
        summed = observe.Elements.in_force(tx)[element].kind == "sum"
        found = archive.thinned(tx, WHOLE, files, station, element, begin, end, buckets)
        rows = [
            (
                *(one.begin, one.end, one.count, one.missing),
                *(one.low[::-1] if one.low else (None, None)),
                *(one.high[::-1] if one.high else (None, None)),
                one.last[1] if one.last else None,
                one.total if summed else None,
                "；".join(f"{each.value:g} {each.quality.word}：{each.why}" for each in one.flagged),
            )
            for one in found
        ]
        tell(mode_of(tx), Sheet(f"{station} {element}", _HEADS, rows), out)
