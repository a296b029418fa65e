"""人工标记命令 — `shouye history mark`: a person's word on readings; what was sent stays, all is judged again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from shouye.base.access import OPERATOR
from shouye.base.kernel import BEIJING
from shouye.doors.cli.words import Where, opened, say
from shouye.watch import observe
from shouye.watch.observe import Quality


class Said(StrEnum):
    """人工判定。"""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"


def mark(
    station: Annotated[str, typer.Argument(help="测站编号")],
    database: Where,
    quality: Annotated[Said, typer.Option("--quality", help="可用、可疑（照样参与研判）、无效（不参与）")],
    since: Annotated[datetime, typer.Option("--since", help="从（不含），北京时间")],
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    until: Annotated[datetime | None, typer.Option("--until", help="到（含）；不给＝直到下一次标记")] = None,
    value: Annotated[float | None, typer.Option("--value", help="订正为；只与 good 同用")] = None,
    element: Annotated[str, typer.Option("--element", help="监测要素，如 rain_mm、stage_m")] = "rain_mm",
) -> None:
    """人工标记：把一段读数判为可用、可疑、无效，或订正；来数不改，研判重新看。"""
    said = Quality(quality.value)
    with opened(database) as found, found.begin() as tx:
        end = None if until is None else _aware(until)
        number = observe.mark_readings(tx, OPERATOR, station, element, _aware(since), end, said, reason, value)
    word = f"订正为 {value:g}" if value is not None else f"判为{said.word}"
    say(f"已记下第 {number} 条标记：{station} {element} {word}")


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=BEIJING)
