"""SL 651 的下行命令 — query now or of a time, elements, configuration, version, state, events, clock.

依据: SL 651-2014 6.6.4 (37H—3AH, 41H, 43H, 45H, 46H, 4AH, 50H, 51H); 表 D.1, 表 D.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shouye.base.kernel import BEIJING
from shouye.watch.intake.commands import codes_of, span_of
from shouye.watch.intake.elements.sl651 import ELEMENTS as _KNOWN
from shouye.watch.intake.model import Command, Decoded, Inquiry

_BASIC = {"01": "20", "02": "28", "04": "00", "05": "00", "0C": "08", "0D": "40", "0F": "00"}
"""What is read of the basic configuration, with its definition byte; never 03, the password."""
_RUNNING = ("20", "21", "22", "23", "24", "25", "26", "27", "28", "38", "40", "41")
_NAMED = {row[1]: code for code, row in reversed(_KNOWN.elements.items())} | {
    code: code for code in _KNOWN.elements
}


def _plain(function: str, station: str) -> Decoded:
    return Decoded(station, function, None)


def _named(function: str, station: str, codes: list[str], before: Sequence[Sequence[object]] = ()) -> Decoded:
    named = [[code, _BASIC[code] if function == "41" else "", None] for code in codes]
    return Decoded(station, function, None, (), {"items": [*before, *named]})


def _period(asked: Inquiry, _now: datetime) -> Decoded:
    begin, end = (one.astimezone(BEIJING).strftime("%y%m%d%H") for one in span_of(asked))
    hourly = ["04", "18", "000100"]
    return _named("38", asked.station, codes_of(asked, _NAMED, ()), (["period", "", begin + end], hourly))


COMMANDS = {
    "now": Command("查询实时数据", lambda asked, _: _plain("37", asked.station)),
    "period": Command("查询时段数据（每小时）", _period, ("from", "to", "element")),
    "manual": Command("查询人工置数", lambda asked, _: _plain("39", asked.station)),
    "elements": Command(
        "查询指定要素", lambda asked, _: _named("3A", asked.station, codes_of(asked, _NAMED, ())), ("element",)
    ),
    "basic": Command("读取基本配置", lambda asked, _: _named("41", asked.station, list(_BASIC))),
    "running": Command("读取运行参数", lambda asked, _: _named("43", asked.station, list(_RUNNING))),
    "version": Command("查询软件版本", lambda asked, _: _plain("45", asked.station)),
    "state": Command("查询状态和报警", lambda asked, _: _plain("46", asked.station)),
    "events": Command("查询事件记录", lambda asked, _: _plain("50", asked.station)),
    "clock": Command("查询时钟", lambda asked, _: _plain("51", asked.station)),
    "set-clock": Command("校时", lambda asked, _: _plain("4A", asked.station), changes=True),
}
"""A frame carries the time at which it is sent: to set the clock says nothing more."""
