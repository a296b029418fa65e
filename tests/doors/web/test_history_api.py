"""历史与标记的接口 — pages, thinned curves and a person's mark, with the same refusals as elsewhere."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from shouye.base.access import WHOLE
from shouye.doors.web.security import CSRF_HEADER
from shouye.watch import observe
from tests.doors.web.conftest import Console
from tests.doors.web.test_api import key_of, read


def test_years_are_read_in_pages_and_thinned(acting: Console) -> None:
    city = key_of(acting)
    with acting.city.database.read() as tx:
        newest = max(observe.latest_all(tx, WHOLE), key=lambda one: (one.time, one.value or 0))
    span = {
        "since": (newest.time - timedelta(days=700)).isoformat(),
        "until": newest.time.isoformat(),
        "element": newest.element,
    }
    path = f"/stations/{newest.station}"
    first = read(acting, f"{path}/history?{urlencode(span | {'limit': 5})}", city)
    assert len(first["readings"]) == 5
    rest = read(acting, f"{path}/history?{urlencode(span | {'limit': 10_000, 'after': first['after']})}", city)
    assert rest["after"] is None
    times = [one["time"] for one in first["readings"] + rest["readings"]]
    assert times == sorted(times)
    assert times[-1] == newest.time.isoformat()
    buckets = read(acting, f"{path}/thinned?{urlencode(span | {'buckets': 100})}", city)
    values = [one["counted"] for one in first["readings"] + rest["readings"] if one["counted"] is not None]
    assert max(one["high"]["value"] for one in buckets if one["high"]) == max(values)
    assert sum(one["count"] for one in buckets) == len(values)
    for wrong in ({"limit": 0}, {"after": "x"}, {"since": "2026-07-01T00:00:00"}):
        answer = acting.client().get(f"/api/v1{path}/history?{urlencode(span | wrong)}", city)
        assert answer.status_code == 422, wrong
    assert acting.client().get(f"/api/v1/stations/nobody/history?{urlencode(span)}", city).status_code == 404


def test_a_person_marks_a_reading(acting: Console) -> None:
    client = acting.client("duty")
    with acting.city.database.read() as tx:
        newest = max(observe.latest_all(tx, WHOLE), key=lambda one: (one.value or 0, one.station))
    said = {
        "element": newest.element,
        "since": (newest.time - newest.step).isoformat(),
        "until": newest.time.isoformat(),
        "quality": "bad",
        "why": "到站核实，雨量筒被碰倒",
    }
    path = f"/api/v1/stations/{newest.station}/marks"
    token = {CSRF_HEADER: acting.csrf("duty")}
    assert client.send(path, said | {"why": ""}, token).status_code == 422
    assert client.send(path, said, key_of(acting)).status_code == 403
    assert client.send(path, said, token).status_code == 201
    (shown,) = [
        one
        for one in read(acting, "/latest", key_of(acting))
        if (one["station"], one["time"]) == (newest.station, newest.time.isoformat())
        and one["element"] == newest.element
    ]
    assert (shown["value"], shown["counted"], shown["quality"]) == (newest.value, None, "bad")
    assert shown["flags"][-1]["why"] == "到站核实，雨量筒被碰倒"
    lingqiu = acting.client("lingqiu")
    if newest.station not in {one["id"] for one in read(acting, "/stations", key_of(acting, "dt-c08"))}:
        known = {CSRF_HEADER: acting.csrf("lingqiu")}
        assert lingqiu.send(path, said, known).status_code == 422, "not his county's gauge"
