"""HJ 212 的下行命令 — clock, intervals, data of a time, states. ST, PW and version are those the logger speaks.

依据: HJ 212-2017 6.6 (1011, 1012, 1061, 1063, 2011, 2012, 2031, 2041, 2051, 2061), 2005 与 2025 同号.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from shouye.base.kernel import BEIJING
from shouye.watch.intake.commands import span_of
from shouye.watch.intake.model import Command, Decoded, Inquiry


def _stamp(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def _ask(cn: str, asked: Inquiry, cp: list[list[list[str]]]) -> Decoded:
    return Decoded(asked.station, cn, None, (), {"head": {"CN": cn, "MN": asked.station}, "cp": cp})


def _plain(cn: str) -> Callable[[Inquiry, datetime], Decoded]:
    return lambda asked, _: _ask(cn, asked, [])


def _span(cn: str) -> Callable[[Inquiry, datetime], Decoded]:
    def make(asked: Inquiry, _: datetime) -> Decoded:
        begin, end = (_stamp(one) for one in span_of(asked))
        return _ask(cn, asked, [[["BeginTime", begin]], [["EndTime", end]]])

    return make


def _set_clock(asked: Inquiry, now: datetime) -> Decoded:
    return _ask("1012", asked, [[["SystemTime", _stamp(now)]]])


def _settles(message: Decoded) -> bool | None:
    """请求应答 9011 comes first, 执行结果 9012 last; between them the data, which are the answer."""
    if message.function == "9011":
        return None if "QnRtn=1" in _said(message) else False
    return "ExeRtn=1" in _said(message) if message.function == "9012" else True


def _said(message: Decoded) -> list[str]:
    cp = cast("list[list[list[str]]]", message.fields["cp"])
    return ["=".join(field) for item in cp for field in item]


_SPAN = ("from", "to")
_ALL = {
    "clock": Command("提取现场机时间", _plain("1011")),
    "set-clock": Command(
        "设置现场机时间", lambda asked, now: _ask("1012", asked, [[["SystemTime", _stamp(now)]]]), changes=True
    ),
    "interval": Command("提取实时数据间隔", _plain("1061")),
    "minute-interval": Command("提取分钟数据间隔", _plain("1063")),
    "now": Command("取污染物实时数据", _plain("2011")),
    "stop-now": Command("停止察看实时数据", _plain("2012")),
    "minute": Command("取污染物分钟数据", _span("2051"), _SPAN),
    "hour": Command("取污染物小时数据", _span("2061"), _SPAN),
    "day": Command("取污染物日历史数据", _span("2031"), _SPAN),
    "running": Command("取设备运行时间日历史数据", _span("2041"), _SPAN),
}
COMMANDS = {word: replace(one, settles=_settles) for word, one in _ALL.items()}
