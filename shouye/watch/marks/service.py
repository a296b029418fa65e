"""人工标记 — put one down, and what has been said."""

from __future__ import annotations

from datetime import datetime

from shouye.base.access import Actor
from shouye.base.kernel import BadInput, Tx
from shouye.watch.marks import store
from shouye.watch.marks.model import Mark, Quality


def add(
    tx: Tx,
    by: Actor,
    station: str,
    element: str,
    since: datetime,
    until: datetime | None,
    quality: Quality,
    why: str,
    value: float | None,
) -> int:
    """人工标记 — with its reason, over a time that has an order; whose station it is the caller has looked at."""
    if not why.strip():
        raise BadInput("请写明理由")
    if quality is Quality.NOTED or (value is not None and quality is not Quality.GOOD):
        raise BadInput("只能标记为可用、可疑、无效，或可用并给出订正值")
    if until is not None and until <= since:
        raise BadInput("结束时间须晚于开始时间")
    row = {"station": station, "element": element, "since": since, "until": until, "quality": quality.value}
    return store.add(tx, **row, value=value, why=why.strip(), by=by.tag)


def said(
    tx: Tx, since: datetime | None = None, station: str | None = None, element: str | None = None
) -> list[Mark]:
    """人工标记 — what persons have said of instants after `since`, in the order in which they said it."""
    return store.marks(tx, since, station, element)
