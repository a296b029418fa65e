"""时间与数字怎么写 — times are 02:14, spans 03:08, figures keep every digit that was judged."""

from __future__ import annotations

from datetime import datetime, timedelta

from shouye.base.kernel import BEIJING, BadInput, to_ms

WEEKDAYS = "一二三四五六日"


def hm(instant: datetime) -> str:
    return instant.astimezone(BEIJING).strftime("%H:%M")


def hms(instant: datetime) -> str:
    return instant.astimezone(BEIJING).strftime("%H:%M:%S")


def when(instant: datetime, now: datetime, *, seconds: bool = False) -> str:
    """02:14 today, 07-20 02:14 this year, 2023-07-20 02:14 of another."""
    local, here = instant.astimezone(BEIJING), now.astimezone(BEIJING)
    day = "" if local.date() == here.date() else "%m-%d " if local.year == here.year else "%Y-%m-%d "
    return local.strftime(day + ("%H:%M:%S" if seconds else "%H:%M"))


def day(instant: datetime) -> str:
    local = instant.astimezone(BEIJING)
    return f"{local.month}月{local.day}日 星期{WEEKDAYS[local.weekday()]}"


def span(seconds: float) -> str:
    """03:08, 4:14:08, 2 天 03:10."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days} 天 {hours:02d}:{minutes:02d}"
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes:02d}:{secs:02d}"


def length(of: timedelta) -> str:
    """10 秒, 5 分钟, 1 小时: an interval that is declared, not a time that runs."""
    seconds = of.total_seconds()
    for unit, word in ((3600, "小时"), (60, "分钟")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {word}"
    return f"{seconds:g} 秒"


def ms(instant: datetime) -> int:
    return to_ms(instant)


def figure(value: float) -> str:
    """118.4, 50, 955.62: as it was measured, without a tail of zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def grouped(value: int) -> str:
    """12 345: a count that can be read."""
    return f"{value:,}".replace(",", "\u2009")


def hidden(code: str) -> str:
    """遮盖 — the ends of a code that may be somebody's number; who has to act sees it whole."""
    return code if len(code) < 8 else f"{code[:4]}{'*' * (len(code) - 6)}{code[-2:]}"


def local(instant: datetime) -> str:
    """What a field for date and time takes: 2021-07-21T02:05:00."""
    return instant.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S")


def from_local(text: str) -> datetime:
    """What a field for date and time gives: of Beijing where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"时间 {text[:40]}") from None
    return found if found.tzinfo else found.replace(tzinfo=BEIJING)


def instant(text: str) -> datetime:
    """An instant as records keep it: 2021-07-21T02:05:00+08:00."""
    return datetime.fromisoformat(text)
