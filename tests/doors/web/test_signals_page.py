"""官方预警 — what was heard stands on the page, and why it is doubted beside it."""

from __future__ import annotations

from shouye.watch import feeds
from shouye.watch.feeds import Parcel
from tests.doors.web.conftest import Console
from tests.watch.feeds.test_signals_heard import CAP, GALE, cancel


def test_a_forged_cancel_stands_there_as_such(acting: Console) -> None:
    said = [one.replace(b"2026-03-20", b"2019-03-20") for one in (GALE, cancel(2, sender=b"somebody&lt;b&gt;"))]
    with acting.city.database.begin() as tx:
        feeds.take(tx, [Parcel(CAP, CAP.read(one)) for one in said])
    page = acting.client("viewer").get("/signals")
    assert page.status_code == 200
    assert "最近 2 条，1 条存疑" in page.text
    assert "发布者不同" in page.text
    assert "<b>somebody" not in page.text
    assert "somebody&lt;b&gt;" in page.text
    table = acting.client("viewer").get("/signals/export.csv").text
    assert "发布者不同" in table
    assert "没有签名" in table
    assert acting.client("lingqiu").get("/signals").status_code == 404
