"""听不到的 — one line for each cause, what it means and who asks; then the gauges one by one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from shouye.base import pulse
from shouye.base.kernel import BEIJING
from shouye.base.papers import Sheet
from shouye.doors.web.context import CityContext
from shouye.doors.web.download import Kind, download
from shouye.doors.web.pages.desk.page import heard
from shouye.doors.web.pages.feeds.blocks import blocks
from shouye.doors.web.pages.observe.silent import rows as said
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, See, back_to, render
from shouye.watch import observe, stations

router = APIRouter(include_in_schema=False)

_HEADS = ("事项", "听不到", "来源、县区", "测站", "最后听到", "发现", "这意味着", "谁的事", "时限", "已联系")


@router.get("/silence")
def silence(visit: See) -> Response:
    """听不到的."""
    with visit.look() as sight:
        newest: dict[str, observe.Reading] = {}
        for reading in observe.latest_all(sight.tx, sight.scope):
            if reading.station not in newest or reading.time > newest[reading.station].time:
                newest[reading.station] = reading
        silent = {station: one for one in sight.silences for station in one.stations}
        gauges = stations.gauges(sight.tx, sight.scope)
        rows = [
            (sight.roster.stations[number], gauge, newest.get(number), silent[number])
            for number, gauge in gauges.items()
            if number in sight.roster.stations and number in silent
        ]
        rows.sort(key=lambda row: (row[1].county, row[0].id))
        board = pulse.board(sight.tx, sight.scope)
        owed = pulse.owed_for(sight.tx, sight.scope)
        return render(
            visit,
            sight,
            "observe/silence.html",
            here="/silence",
            live="#lines,#silent,#stations",
            lines=said(board.lines, owed, blocks(visit.city).feeds, sight.unheard, sight.roster),
            board=board,
            rows=rows,
            **heard(sight),
        )


@router.get("/silence/export.{kind}")
def export(visit: See, kind: Kind) -> Response:
    """听不到的清单导出."""
    with visit.look() as sight:
        sheet = silence_sheet(visit.city, sight)
    return download(visit, sheet, kind)


def silence_sheet(city: CityContext, sight: Sight) -> Sheet:
    """听不到的 as a list, for the file and for the command line; by its number a matter is asked about."""
    lines, owed = pulse.silent(sight.tx, sight.scope), pulse.owed_for(sight.tx, sight.scope)
    rows = [
        (
            row.task.id if row.task else None,
            row.what,
            row.where,
            "、".join(name for _, name in row.names) + (f" 等，另 {row.others} 站" if row.others else ""),
            row.heard_at,
            row.line.since,
            row.means,
            sight.who(row.task.owner) if row.task else "",
            row.task.due_at if row.task else None,
            row.asked["note"] if row.asked else "",
        )
        for row in said(lines, owed, blocks(city).feeds, sight.unheard, sight.roster)
    ]
    return Sheet(f"听不到的 {sight.tx.now.astimezone(BEIJING):%Y-%m-%d %H%M}", _HEADS, rows)


@router.post("/silence/{number}/asked")
def asked(visit: Act, number: int, note: Annotated[str, Form(max_length=400)] = "") -> Response:
    """已联系 — what whoever answered has said; the matter stays owed until it is heard again."""
    with visit.act() as sight:
        pulse.asked(sight.tx, visit.actor, number, note)
    return back_to(f"/silence#task-{number}")
