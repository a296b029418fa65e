"""听不到的 — one line for each cause, what it means and who asks; then the gauges one by one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from shouye.base import pulse
from shouye.doors.web.pages.desk.page import heard
from shouye.doors.web.pages.feeds.blocks import blocks
from shouye.doors.web.pages.observe.silent import rows as said
from shouye.doors.web.visit import Act, See, back_to, render
from shouye.watch import observe, stations

router = APIRouter(include_in_schema=False)


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


@router.post("/silence/{number}/asked")
def asked(visit: Act, number: int, note: Annotated[str, Form(max_length=400)] = "") -> Response:
    """已联系 — what whoever answered has said; the matter stays owed until it is heard again."""
    with visit.act() as sight:
        pulse.asked(sight.tx, visit.actor, number, note)
    return back_to(f"/silence#task-{number}")
