"""接入看板 — sources folded from their blocks and the ledger: the ones that are not heard first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shouye.watch.feeds import Feed
from shouye.watch.tally import Count, Hearing, Minute, hearing

HEARD = ("accepted", "duplicate", "noted", "test")
"""Standings of what was taken: whoever sends them is heard."""
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

CODES = {
    "crc": "校验错",
    "length": "长度不符",
    "header": "报头不对",
    "encoding": "编码不对",
    "time": "时间不对",
    "unsupported": "不支持的功能",
    "truncated": "报文不完整",
    "station": "站不在表内",
    "scope": "站不归密钥管辖",
    "element": "要素没有对照",
    "unit": "单位不能换算",
}
"""拒收原因 in words; a code nobody has named is shown as it is."""

NOTES = {
    "foreign network": "来自许可网络之外",
    "transport failed": "传输中断",
    "too many connections": "连接太多，谢绝",
    "too many of one address": "同一地址连接太多，谢绝",
    "idle": "连上不发数，断开",
    "noise": "不成报文的字节太多，断开",
    "unchanged": "去取过，没有更新",
    "not reached": "连不上",
    "broker away": "消息服务器断开",
    "server away": "服务器断开",
    "tls failed": "TLS 握手不成，请核对证书",
    "qos 0 left": "QoS 0 的消息没有收",
    "file too large": "文件过大",
    "file not read": "文件读不了",
}
BEGINNINGS = {
    "unmapped ": "没有对照的要素 ",
    "fetch: ": "取不到：",
    "link: ": "链接取不到：",
    "unit ": "从站 ",
}
FETCHES = {
    "redirected elsewhere": "被转到别处",
    "bad address": "地址不合要求",
    "too large": "文件过大",
    "too slow": "取得太慢",
    "not reached": "连不上",
    "foreign network": "地址在许可网络之外",
}
ENDINGS = {" silent": " 没有应答", " exception ": " 返回异常 ", "status ": "状态码 "}


def reason(code: str) -> str:
    return CODES.get(code, code)


def noted(what: str) -> str:
    """What was counted beside messages: turned away connections, elements without a counterpart."""
    for beginning, word in BEGINNINGS.items():
        if what.startswith(beginning):
            rest = what.removeprefix(beginning)
            for ending, end in ENDINGS.items():
                rest = rest.replace(ending, end)
            return word + FETCHES.get(rest, rest)
    return NOTES.get(what, what)


@dataclass(frozen=True)
class Source:
    """来源一行 — its block, whether it is heard, how fast and how late, what came today."""

    feed: Feed
    state: Hearing
    heard_at: datetime | None
    last_minute: int
    last_hour: int
    lag: timedelta | None
    accepted: int
    duplicate: int
    refused: int
    reasons: tuple[tuple[str, int], ...]
    notes: tuple[tuple[str, int], ...]
    held: int

    @property
    def loud(self) -> bool:
        return self.state in (Hearing.LATE, Hearing.NEVER, Hearing.REFUSED)


def board(
    feeds: Iterable[Feed],
    ever: Sequence[Count],
    today: Sequence[Count],
    minutes: Sequence[Minute],
    held: Mapping[tuple[str, str], int],
    now: datetime,
) -> list[Source]:
    """Every source: not heard, heard, not enabled."""
    found = [
        source(
            feed,
            {one.what: one for one in ever if one.feed == feed.name},
            {one.what: one.count for one in today if one.feed == feed.name},
            [one for one in minutes if one.feed == feed.name and one.at > now - HOUR],
            sum(many for (name, _), many in held.items() if name == feed.name),
            now,
        )
        for feed in feeds
    ]
    return sorted(found, key=lambda one: (not one.loud, one.state is Hearing.OFF, one.feed.owner, one.feed.name))


def source(
    feed: Feed,
    ever: Mapping[str, Count],
    today: Mapping[str, int],
    hour: Sequence[Minute],
    held: int,
    now: datetime,
) -> Source:
    heard_at = max((ever[what].last_at for what in HEARD if what in ever), default=None)
    refused_at = ever["refused"].last_at if "refused" in ever else None
    state = hearing(feed.interval, heard_at, refused_at, now) if feed.enabled else Hearing.OFF
    lags = [one.lag_least_s for one in hour if one.lag_least_s is not None]
    full = now.replace(second=0, microsecond=0) - MINUTE
    reasons = {what.removeprefix("refused "): many for what, many in today.items() if what.startswith("refused ")}
    main = (*HEARD, "refused")
    notes = {what: many for what, many in today.items() if what not in main and not what.startswith("refused ")}
    return Source(
        feed=feed,
        state=state,
        heard_at=heard_at,
        last_minute=sum(one.taken for one in hour if one.at == full),
        last_hour=sum(one.taken for one in hour),
        lag=timedelta(seconds=lags[-1]) if lags else None,
        accepted=today.get("accepted", 0),
        duplicate=today.get("duplicate", 0),
        refused=today.get("refused", 0),
        reasons=_most(reasons),
        notes=_most(notes),
        held=held,
    )


def _most(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


@dataclass(frozen=True)
class Refusals:
    """拒收统计 — days down, reasons across."""

    codes: tuple[str, ...]
    days: tuple[tuple[str, int, tuple[int, ...], int], ...]
    """(day, taken, refused by code, refused in all), newest first."""


def refusals(counts: Mapping[tuple[str, str], int]) -> Refusals:
    """By reason over time; a message may have several reasons, but is refused once."""
    codes = tuple(sorted({what.removeprefix("refused ") for _, what in counts if what.startswith("refused ")}))
    days = []
    for day in sorted({day for day, _ in counts}, reverse=True):
        each = tuple(counts.get((day, f"refused {code}"), 0) for code in codes)
        taken = sum(counts.get((day, what), 0) for what in HEARD)
        days.append((day, taken, each, counts.get((day, "refused"), 0)))
    return Refusals(codes, tuple(days))
