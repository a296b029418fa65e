"""召测命令 — `shouye feeds ask`, `asked`, `unask`: ask a device, see what it answered, take an order back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BEIJING, BadInput, Database, NotFound
from shouye.doors.cli.feeds import blocks
from shouye.doors.cli.words import CityOption, FindCity, Where, opened, say, told
from shouye.watch import downlink
from shouye.watch.downlink import Order
from shouye.watch.feeds import Feed
from shouye.watch.intake import Inquiry

_LOOK_S = 0.5
_FROM = typer.Option("--from", help="起始时间，北京时间，如 2026-07-20T00:00:00")
_TO = typer.Option("--to", help="截止时间，北京时间")


def make_ask(find: FindCity) -> Callable[..., None]:
    def ask(
        name: Annotated[str, typer.Argument(help="接入块的名称")],
        station: Annotated[str, typer.Argument(help="本市测站，或来源里的编码；不给则列出能发什么")] = "",
        command: Annotated[str, typer.Argument(help="命令，如 now、set-clock；不给则列出能发什么")] = "",
        database: Where = "",
        begin: Annotated[datetime | None, _FROM] = None,
        end: Annotated[datetime | None, _TO] = None,
        element: Annotated[list[str] | None, typer.Option("--element", help="要素，可多次")] = None,
        wait: Annotated[int, typer.Option("--wait", help="等答复多少秒；0 是不等", min=0)] = 0,
        city: CityOption = "datong",
    ) -> None:
        """召测：问一台设备，或校时。设备在线时一秒左右发出；不在线的，等它上线再发。

        没有答复就退出的，命令仍在；用 asked 看。等了而没有等到，退出码 1。
        """
        with told():
            feed = _block(find, city, name)
            if not (station and command and feed.can_be_asked):
                _list_commands(feed)
                return
            code = code_of(feed, station)
            if not database:
                raise BadInput("请用 --database 指明数据库")
        with opened(database) as base:
            asked = Inquiry(code, _aware(begin), _aware(end), feed.in_its_words(element or ()))
            with base.begin() as tx:
                number = downlink.order(
                    tx, OPERATOR, feed.name, feed.codec_name, feed.stations[code], command, asked
                )
            say(f"召测 {number} 已下达：{feed.stations[code]}　{feed.codec.commands[command].term}")
            if wait and not _answered(base, number, wait):
                raise typer.Exit(1)

    return ask


def _block(find: FindCity, city: str, name: str) -> Feed:
    found = blocks(find(city))
    if name not in found:
        raise NotFound(f"接入块 {name}")
    return found[name]


def code_of(feed: Feed, station: str) -> str:
    """来源编码 — of our station, where it has but one in this feed."""
    if station in feed.stations:
        return station
    codes = [code for code, ours in feed.stations.items() if ours == station]
    if not codes:
        raise NotFound(f"测站 {station} 不在接入块 {feed.name} 的站点表里")
    if len(codes) > 1:
        raise BadInput(f"测站 {station} 在 {feed.name} 里有几个编码，请写其中一个：{'、'.join(codes)}")
    return codes[0]


def _list_commands(feed: Feed) -> None:
    if not feed.can_be_asked:
        say(f"{feed.name} {feed.codec.term}：没有能发的命令")
    else:
        for word, one in feed.codec.commands.items():
            needs = "　要写明 " + "、".join(f"--{need}" for need in one.needs) if one.needs else ""
            say(f"{word}　{one.term}{needs}")


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=BEIJING) if at is not None and at.tzinfo is None else at


def _answered(base: Database, number: int, wait_s: int) -> bool:
    until = time.monotonic() + wait_s
    while True:
        with base.read() as tx:
            one = next(one for one in downlink.orders(tx, WHOLE) if one.id == number)
        if one.settled_at is not None or time.monotonic() >= until:
            say(_line(one))
            return one.settled_at is not None
        time.sleep(_LOOK_S)


def _line(one: Order) -> str:
    at = f"{one.ordered_at.astimezone(BEIJING):%m-%d %H:%M}"
    head = f"{one.id}　{at}　{one.feed}　{one.place}　{one.command}　{one.state.word}"
    return "\n".join([head, *(f"    {line}" for line in one.told.splitlines())])


def list_asked(
    database: Where,
    name: Annotated[str, typer.Argument(help="只看这个来源；不给则全看")] = "",
    most: Annotated[int, typer.Option("--most", help="最多列几条", min=1)] = 50,
) -> None:
    """召测一览：问了什么，发出没有，答了什么；新的在前。"""
    with opened(database) as base, base.read() as tx:
        found = downlink.orders(tx, WHOLE, name or None, most)
        for one in found:
            say(_line(one) + ("\n    过了一天设备没有上线，不再发出" if one.is_stale(tx.now) else ""))
        if not found:
            say("没有召测")


def unask(number: Annotated[int, typer.Argument(help="召测号")], database: Where) -> None:
    """撤回召测：还没有发出的才能撤回。"""
    with opened(database) as base, base.begin() as tx:
        downlink.withdraw(tx, OPERATOR, number)
    say(f"召测 {number} 已撤回")
