"""JT/T 808 的下行命令 — where is it, what is it, how is it set. 依据: JT/T 808-2019 8.10, 8.14, 8.19."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shouye.watch.intake.model import Command, Decoded, Inquiry


def _plain(message: str) -> Callable[[Inquiry, datetime], Decoded]:
    return lambda asked, _: Decoded(asked.station, message, None, (), {"serial": 0})


def _settles(message: Decoded) -> bool | None:
    """通用应答 0001 says only that it was heard, or that it was not understood."""
    if message.function != "0001":
        return True
    return None if message.fields.get("result") == 0 else False


COMMANDS = {
    "now": Command("位置信息查询", _plain("8201"), settles=_settles),
    "settings": Command("查询终端参数", _plain("8104"), settles=_settles),
    "version": Command("查询终端属性", _plain("8107"), settles=_settles),
}
