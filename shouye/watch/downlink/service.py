"""召测 — ask a device, follow what becomes of it, take it back."""

from __future__ import annotations

from dataclasses import replace

from shouye.base.access import SYSTEM, Actor, Permission, Scope, concerns, covers, require
from shouye.base.kernel import BadInput, NotFound, Tx, record
from shouye.watch.downlink import store
from shouye.watch.downlink.facts import DownlinkOrdered, DownlinkSettled
from shouye.watch.downlink.model import MOST_TIMES, MOST_WAITING, UNDER_WAY, WITHIN, Order, OrderState
from shouye.watch.intake import Inquiry, codec_of
from shouye.watch.stations import gauges

_SAID = {"from": "起始时间", "to": "截止时间", "element": "要素"}


def order(tx: Tx, by: Actor, feed: str, codec: str, place: str, command: str, asked: Inquiry) -> int:
    """下达召测 — to one device of a station that the actor answers for; sent when the device is on the line.

    Raises NotFound for a station that is not his, BadInput for what the protocol cannot ask.
    """
    require(by, Permission.ACT)
    gauge = gauges(tx, by.scope).get(place)
    if gauge is None or not covers(tx, by.scope, gauge.county):
        raise NotFound(f"测站 {place}")
    _check(tx, codec, command, asked)
    waiting = outstanding(tx, feed)
    same = (asked.station, command, asked.begin, asked.end, asked.elements)
    if any((one.station, one.command, one.begin, one.end, one.elements) == same for one in waiting):
        raise BadInput(f"测站 {place} 的这条命令已经下达，还没有答复")
    if len(waiting) >= MOST_WAITING:
        raise BadInput(f"来源 {feed} 还没有了结的命令已有 {MOST_WAITING} 条")
    number = store.add(
        tx,
        feed=feed,
        station=asked.station,
        place=place,
        county=gauge.county,
        command=command,
        begin=asked.begin,
        end=asked.end,
        elements=store.words(asked.elements),
        ordered_by=by.tag,
    )
    record(
        tx, DownlinkOrdered(subject=f"downlink:{number}", actor=by.tag, feed=feed, place=place, command=command)
    )
    return number


def _check(tx: Tx, codec: str, command: str, asked: Inquiry) -> None:
    """What cannot be sent is refused now, not when the device comes."""
    known = codec_of(codec)
    if command not in known.commands:
        can = "、".join(known.commands) or "没有命令可发"
        raise BadInput(f"规约 {codec} 没有命令 {command}；可用：{can}")
    said = {"from": asked.begin, "to": asked.end, "element": asked.elements}
    needs = known.commands[command].needs
    if lacking := [_SAID[one] for one in needs if not said[one]]:
        raise BadInput(f"命令 {command} 要写明{'、'.join(lacking)}")
    if beyond := [_SAID[one] for one in said if said[one] and one not in needs]:
        raise BadInput(f"命令 {command} 不带{'、'.join(beyond)}")
    assert known.encode is not None, "what has commands can be encoded"
    known.encode(replace(known.commands[command].make(asked, tx.now), sent=tx.now))


def outstanding(tx: Tx, feed: str) -> list[Order]:
    """未了结的 — what is to go out or to be answered, the oldest first; what waited too long is left out."""
    return store.under_way(tx, feed, tx.now - WITHIN)


def orders(tx: Tx, scope: Scope, feed: str | None = None, limit: int = 50) -> list[Order]:
    """召测一览 — the newest first, of the stations that concern who looks."""
    return [one for one in store.newest(tx, feed, limit) if concerns(tx, scope, one.county)]


def moved(tx: Tx, number: int, state: OrderState, told: str = "") -> None:
    """进展 — it went out (SENT), its line broke (WAITING), or it is settled; the first settling word counts."""
    one = store.by_number(tx, [number]).get(number)
    if one is None or one.state not in UNDER_WAY:
        return
    if state is OrderState.SENT:
        store.move(tx, number, state=state.value, times=one.times + 1)
    elif state is not OrderState.WAITING:
        _settle(tx, one, state, told)
    elif one.times < MOST_TIMES:
        store.move(tx, number, state=state.value)
    else:
        _settle(tx, one, OrderState.UNANSWERED, f"发出 {one.times} 次，每次都在答复之前断线")


def withdraw(tx: Tx, by: Actor, number: int) -> None:
    """撤回召测 — it is not sent any more; what has gone out cannot be taken back."""
    require(by, Permission.ACT)
    one = store.by_number(tx, [number]).get(number)
    if one is None or not covers(tx, by.scope, one.county):
        raise NotFound(f"召测 {number}")
    if one.state is not OrderState.WAITING:
        raise BadInput(f"召测 {number} {one.state.word}，不能撤回")
    _settle(tx, one, OrderState.WITHDRAWN, "", by)


def _settle(tx: Tx, one: Order, state: OrderState, told: str, by: Actor = SYSTEM) -> None:
    store.move(tx, one.id, state=state.value, settled_at=tx.now, told=told)
    record(
        tx,
        DownlinkSettled(
            subject=f"downlink:{one.id}",
            actor=by.tag,
            feed=one.feed,
            place=one.place,
            command=one.command,
            state=state.value,
        ),
    )
