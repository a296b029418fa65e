"""听不到的 — every gauge in use with the last word from it; channels and our own jobs are listened to alike."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shouye.doors.web.pages.desk.page import heard
from shouye.doors.web.visit import See, render
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
        rows = [
            (sight.roster.stations[number], gauge, newest.get(number), silent.get(number))
            for number, gauge in stations.gauges(sight.tx, sight.scope).items()
            if number in sight.roster.stations
        ]
        rows.sort(key=lambda row: (row[3] is None, row[1].county, row[0].id))
        return render(
            visit,
            sight,
            "observe/silence.html",
            here="/silence",
            live="#silent,#stations",
            rows=rows,
            **heard(sight),
        )
