"""接入一览、一个来源、隔离区。The rooms decide what may be tried again; here it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response

from shouye.base.access import Permission, log_read
from shouye.base.kernel import BEIJING, NotFound
from shouye.base.papers import Cell, Sheet
from shouye.doors.web.context import CityContext
from shouye.doors.web.download import Kind, download
from shouye.doors.web.pages.feeds.blocks import Blocks, blocks, proven
from shouye.doors.web.pages.feeds.board import Source, board, noted, reason, refusals
from shouye.doors.web.pages.feeds.held import dump, held_parts
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, See, back_to, render
from shouye.doors.web.words import hidden, ms
from shouye.watch import feeds, observe, tally
from shouye.watch.feeds import Feed
from shouye.watch.tally import Held

router = APIRouter(include_in_schema=False)

DAY = timedelta(days=1)
DAYS = timedelta(days=13)
SHOWN = 100
_HEADS = (
    *("归口部门", "来源", "块名", "状态", "最后收到", "上一分钟（条）", "近1小时（条）", "滞后（秒）"),
    *("今日已收", "今日重复", "今日拒收", "拒收原因", "另记", "隔离待处理", "样本"),
)
_HELD_HEADS = (
    *("号", "时间", "来源", "归口部门", "原因", "说明", "测站", "从哪来", "字节"),
    *("处理时间", "处理人", "处理"),
)
EXPORTED = 20_000
STATES = {"held": "待处理", "retried": "已重试", "dropped": "已弃置"}

Name = Annotated[str, Query(max_length=60)]


@router.get("/feeds")
def sources(visit: See) -> Response:
    """接入 — every source: is it heard, how fast, how late, what is refused and why."""
    with visit.look() as sight:
        known = blocks(visit.city)
        return render(
            visit,
            sight,
            "feeds/sources.html",
            here="/feeds",
            live="#sources",
            rows=[(one, proven(visit.city, one.feed)) for one in sources_of(sight, known)],
            fault=known.fault,
            listening=visit.city.reception is not None,
            transports=feeds.all_transports(),
            **_words(),
        )


@router.get("/feeds/export.{kind}")
def export(visit: See, kind: Kind) -> Response:
    """接入一览导出."""
    with visit.look() as sight:
        sheet = sources_sheet(visit.city, sight)
    return download(visit, sheet, kind)


def sources_sheet(city: CityContext, sight: Sight) -> Sheet:
    """接入一览 as a list, for the file and for the command line."""
    rows = [
        (
            one.feed.owner,
            one.feed.term,
            one.feed.name,
            one.state.word,
            one.heard_at,
            one.last_minute,
            one.last_hour,
            None if one.lag is None else int(one.lag.total_seconds()),
            one.accepted,
            one.duplicate,
            one.refused,
            "，".join(f"{reason(code)} {many}" for code, many in one.reasons),
            "，".join(f"{noted(what)} {many}" for what, many in one.notes),
            one.held,
            proven(city, one.feed).word,
        )
        for one in sources_of(sight, blocks(city))
    ]
    return Sheet(f"接入一览 {sight.tx.now.astimezone(BEIJING):%Y-%m-%d %H%M}", _HEADS, rows)


@router.get("/feeds/{feed}")
def one_source(visit: See, feed: str) -> Response:
    """一个来源 — as declared, as heard; its stations, its refusals."""
    with visit.look() as sight:
        known = blocks(visit.city)
        block = known.one(feed)
        found = next((one for one in sources_of(sight, known) if one.feed.name == feed), None)
        if found is None:
            raise NotFound(f"接入块 {feed}")
        since = sight.tx.now.astimezone(BEIJING).date() - DAYS
        return render(
            visit,
            sight,
            "feeds/source.html",
            here="/feeds",
            live="#state-of,#stations",
            one=found,
            transport=feeds.all_transports()[block.transport],
            proof=proven(visit.city, block),
            fault=known.fault,
            stations=_stations(sight, block),
            most=_MOST_STATIONS,
            refusals=refusals(tally.counts_by_day(sight.tx, feed, since)),
            secret=_SECRETS,
            columns=_columns(sight, block),
            port=visit.city.reception.ports.get(feed) if visit.city.reception else None,
            **_words(),
        )


@router.get("/feeds/{feed}/pace")
def pace(visit: See, feed: str) -> dict[str, Any]:
    """来数快慢 — a day, minute by minute."""
    with visit.look() as sight:
        if feed not in {one.feed.name for one in sources_of(sight, blocks(visit.city))}:
            raise NotFound(f"接入块 {feed}")
        now = sight.tx.now
        found = tally.minutes(sight.tx, now - DAY, feed)
        return {
            "since": ms(now - DAY),
            "until": ms(now),
            "taken": [[ms(one.at), one.taken] for one in found],
            "refused": [[ms(one.at), one.refused] for one in found],
            "lag": [[ms(one.at), one.lag_least_s] for one in found if one.lag_least_s is not None],
        }


@router.get("/quarantine")
def quarantine(
    visit: See, feed: Name = "", code: Name = "", state: Name = "held", before: int | None = None
) -> Response:
    """隔离区 — what could not be taken; the newest first."""
    if state not in STATES:
        raise NotFound(state)
    with visit.look() as sight:
        if not sight.city_wide:
            raise NotFound("隔离区")
        rows = tally.held(sight.tx, sight.scope, feed, state, SHOWN + 1, before, code)
        many = tally.held_tally(sight.tx, sight.scope, state)
        return render(
            visit,
            sight,
            "feeds/quarantine.html",
            here="/quarantine",
            live="#held",
            rows=rows[:SHOWN],
            older=rows[SHOWN - 1].id if len(rows) > SHOWN else None,
            by_feed=_sums(many, 0),
            by_code=_sums({key: count for key, count in many.items() if feed in ("", key[0])}, 1),
            total=sum(count for (name, why), count in many.items() if feed in ("", name) and code in ("", why)),
            feeds=blocks(visit.city).feeds,
            feed=feed,
            code=code,
            state_key=state,
            states=STATES,
            **_words(),
        )


@router.get("/quarantine/export.{kind}")
def export_held(visit: See, kind: Kind, feed: Name = "", code: Name = "", state: Name = "held") -> Response:
    """隔离区清单导出 — reasons without bytes; codes that may be numbers are masked for who may not act."""
    with visit.look() as sight:
        sheet = held_sheet(visit.city, sight, feed, code, state, whole=visit.actor.may(Permission.ACT))
    return download(visit, sheet, kind)


def held_sheet(
    city: CityContext, sight: Sight, feed: str, code: str, state: str, *, whole: bool, most: int = EXPORTED
) -> Sheet:
    """隔离区清单, for the file and for the command line; `whole`: with the stations' codes."""
    if state not in STATES:
        raise NotFound(state)
    if not sight.city_wide:
        raise NotFound("隔离区")
    known = blocks(city).feeds
    rows = [
        (
            one.id,
            one.at,
            known[one.feed].term if one.feed in known else one.feed,
            known[one.feed].owner if one.feed in known else "",
            reason(one.code),
            sight.told(
                one.detail if whole or not one.station else one.detail.replace(one.station, hidden(one.station))
            ),
            one.station if whole else hidden(one.station),
            one.peer,
            one.size,
            one.settled_at,
            sight.who(one.settled_by) if one.settled_by else "",
            one.settled_why,
        )
        for one in tally.held(sight.tx, sight.scope, feed, state, most, None, code)
    ]
    return Sheet(f"隔离区{STATES[state]} {sight.tx.now.astimezone(BEIJING):%Y-%m-%d %H%M}", _HELD_HEADS, rows)


@router.get("/quarantine/{number}")
def held_one(visit: See, number: int) -> Response:
    """隔离的一条 — bytes beside what the codec makes of them."""
    with visit.look() as sight:
        one = tally.held_one(sight.tx, sight.scope, number)
        known = blocks(visit.city).feeds.get(one.feed)
        after = tally.held(sight.tx, sight.scope, one.feed, limit=1, before=one.id)
        spans = feeds.fields_of(known, one.raw, one.code, one.station) if known else ()
        return render(
            visit,
            sight,
            "feeds/held.html",
            here="/quarantine",
            one=one,
            block=known,
            spans=spans,
            lines=dump(one.raw, spans),
            parts=held_parts(known, one, sight.tx.now) if known else [],
            after=after[0] if after else None,
            states=STATES,
            **_words(),
        )


@router.post("/quarantine/{number}/retry")
def retry(visit: Act, number: int) -> Response:
    """重试 — with the block as it is now."""
    with visit.act() as sight:
        one = tally.held_one(sight.tx, sight.scope, number)
        feeds.retry_held(sight.tx, visit.actor, blocks(visit.city).one(one.feed), number)
    return back_to(f"/quarantine/{number}")


@router.post("/quarantine/{number}/drop")
def drop(visit: Act, number: int, reason: Annotated[str, Form(max_length=400)] = "") -> Response:
    """弃置 — with a reason; the next one of the same source comes up."""
    with visit.act() as sight:
        one = tally.held_one(sight.tx, sight.scope, number)
        tally.drop_held(sight.tx, visit.actor, number, reason)
        after = tally.held(sight.tx, sight.scope, one.feed, limit=1, before=number)
    return back_to(f"/quarantine/{after[0].id}" if after else f"/quarantine?feed={one.feed}")


@router.post("/quarantine/{number}/raw")
def raw(visit: Act, number: int) -> Response:
    """取原始字节 — as they came, passwords and all; who fetched them is written down."""
    with visit.act() as sight:
        one = tally.held_one(sight.tx, sight.scope, number)
        log_read(sight.tx, visit.actor, "quarantine_raw", f"held:{number}")
    headers = {"Content-Disposition": f"attachment; filename={_file_name(one)}"}
    return Response(one.raw, media_type="application/octet-stream", headers=headers)


def _file_name(one: Held) -> str:
    return f"{one.feed}-{one.id}{'' if one.is_whole else '-cut'}.bin"


def sources_of(sight: Sight, known: Blocks) -> list[Source]:
    """The sources that concern who looks: a county sees those that speak of its stations."""
    today = sight.tx.now.astimezone(BEIJING).date()
    mine = [feed for feed in known.feeds.values() if sight.city_wide or _ours(sight, feed)]
    return board(
        mine,
        tally.counts(sight.tx),
        tally.counts(sight.tx, today),
        tally.minutes(sight.tx, sight.tx.now - DAY),
        tally.held_tally(sight.tx, sight.scope),
        sight.tx.now,
    )


def _ours(sight: Sight, feed: Feed) -> list[str]:
    """Stations of this source that concern the scope, by the source's own codes."""
    return [
        code
        for code, station in feed.stations.items()
        if station in sight.roster.stations and sight.concerns(sight.roster.stations[station].county)
    ]


def _stations(sight: Sight, feed: Feed) -> list[tuple[str, str, list[observe.Reading]]]:
    """(their code, our station, last value of each element); who never spoke or spoke longest ago first."""
    last: dict[str, list[observe.Reading]] = {}
    for reading in observe.latest_all(sight.tx, sight.scope):
        last.setdefault(reading.station, []).append(reading)
    codes = list(feed.stations) if sight.city_wide else _ours(sight, feed)
    rows = [(code, feed.stations[code], last.get(feed.stations[code], [])) for code in codes]
    return sorted(rows, key=lambda row: (max((one.time.timestamp() for one in row[2]), default=0.0), row[0]))


def source_sheets(city: CityContext, sight: Sight, name: str) -> tuple[Sheet, Sheet]:
    """一个来源 as lists, for the command line: its stations with their last values; its refusals day by day."""
    block = blocks(city).one(name)
    rows: list[Sequence[Cell]] = []
    for code, number, readings in _stations(sight, block):
        name = sight.roster.stations[number].name if number in sight.roster.stations else "花名册里没有"
        rows += [
            (
                code,
                number,
                name,
                sight.elements[one.element].term,
                sight.elements[one.element].say(one.value),
                one.time,
            )
            for one in readings
        ] or [(code, number, name, "从未", "", None)]
    told = refusals(tally.counts_by_day(sight.tx, name, sight.tx.now.astimezone(BEIJING).date() - DAYS))
    days: list[Sequence[Cell]] = [(day, taken, refused, *each) for day, taken, each, refused in told.days]
    heads = ("来源编码", "本市测站", "站名", "要素", "最近的数", "时间")
    return (
        Sheet(f"{block.term} 测站和最近的数", heads, rows),
        Sheet(f"{block.term} 近 14 天逐日", ("日期", "收下", "拒收", *map(reason, told.codes)), days),
    )


_SETTINGS = {
    "rows": "数据行在", "station": "测站", "time": "时间", "time_format": "时间写法", "zone_h": "时区",
    "element": "要素", "value": "数值", "unit": "单位", "missing": "缺测写作",
    "header_row": "表头行", "sheet": "工作表", "delimiter": "分隔符",
}  # fmt: skip


def _columns(sight: Sight, feed: Feed) -> list[tuple[str, str]]:
    """列对照 — how a table or JSON is read; other settings may be passwords and are not shown."""
    found = [(word, str(feed.settings[key])) for key, word in _SETTINGS.items() if key in feed.settings]
    for key, meaning in feed.settings.items():
        if key.startswith("column."):
            element, _, unit = str(meaning).partition(" ")
            found.append((key.removeprefix("column."), f"{sight.elements[element].term} {unit}".strip()))
    return found


def _sums(many: dict[tuple[str, str], int], place: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, count in many.items():
        found[key[place]] = found.get(key[place], 0) + count
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _words() -> dict[str, Any]:
    return {"reason": reason, "noted": noted}


_MOST_STATIONS = 200
"""Rows that a person still looks through; who spoke longest ago comes first."""

_SECRETS = ("password", "token", "user", "username")
"""Options of a transport that the console does not show."""
