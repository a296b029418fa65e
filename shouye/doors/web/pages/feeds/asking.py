"""召测 — what is asked of the devices of one source, and what they answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response

from shouye.base.kernel import NotFound
from shouye.doors.web.pages.feeds.blocks import blocks
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, See, Visit, back_to, render
from shouye.doors.web.words import from_local
from shouye.watch import downlink
from shouye.watch.feeds import Feed
from shouye.watch.intake import Inquiry

router = APIRouter(include_in_schema=False)

SHOWN = 50
_SAID = {"from": "起", "to": "止", "element": "要素"}


@router.get("/feeds/{feed}/asked")
def asked(visit: See, feed: str) -> Response:
    """召测一览 — the newest first; who may act asks anew."""
    with visit.look() as sight:
        block, codes = _asked_of(visit, sight, feed)
        return render(
            visit,
            sight,
            "feeds/asking.html",
            here="/feeds",
            live="#asked",
            feed=block,
            codes=codes,
            orders=downlink.orders(sight.tx, sight.scope, feed, SHOWN),
            commands=block.codec.commands,
            said=_SAID,
            listening=visit.city.reception is not None,
        )


@router.post("/feeds/{feed}/asked")
def ask(
    visit: Act,
    feed: str,
    code: Annotated[str, Form(max_length=80)],
    command: Annotated[str, Form(max_length=40)],
    begin: Annotated[str, Form(max_length=40)] = "",
    end: Annotated[str, Form(max_length=40)] = "",
    elements: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """下达召测 — it goes out as soon as the device is on the line."""
    with visit.act() as sight:
        block, codes = _asked_of(visit, sight, feed)
        if code not in codes:
            raise NotFound(f"测站 {code}")
        since, until = (from_local(one) if one else None for one in (begin, end))
        words = block.in_its_words(elements.replace("，", " ").replace("、", " ").replace(",", " ").split())
        inquiry = Inquiry(code, since, until, words)
        place = block.stations[code]
        number = downlink.order(sight.tx, visit.actor, feed, block.codec_name, place, command, inquiry)
    return back_to(f"/feeds/{feed}/asked#order-{number}")


@router.post("/feeds/{feed}/asked/{number}/withdraw")
def withdraw(visit: Act, feed: str, number: int) -> Response:
    """撤回召测 — only what has not gone out."""
    with visit.act() as sight:
        _asked_of(visit, sight, feed)
        downlink.withdraw(sight.tx, visit.actor, number)
    return back_to(f"/feeds/{feed}/asked")


def _asked_of(visit: Visit, sight: Sight, feed: str) -> tuple[Feed, list[str]]:
    """The block, and the codes of its stations that concern who looks."""
    block = blocks(visit.city).one(feed)
    ours = [
        code
        for code, station in block.stations.items()
        if station in sight.roster.stations and sight.concerns(sight.roster.stations[station].county)
    ]
    if not (ours and block.can_be_asked):
        raise NotFound(f"召测 {feed}")
    return block, ours
