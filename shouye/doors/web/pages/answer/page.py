"""手机应答页；演练人员名单。

Looking changes nothing: a link previewer must not answer for a villager. A second press is harmless. The page is
one request with its style inside, allowed by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from shouye.base.access import CALLED, WHOLE, AnswerGrant, answer_token, issue_answer_token, log_read
from shouye.base.delivery import Receipt
from shouye.base.kernel import BEIJING, BadInput, Mode, NotFound, Refusal, Tx
from shouye.base.roster import Person
from shouye.doors.web.context import CityContext
from shouye.doors.web.pages.call.dial import dial_lines
from shouye.doors.web.security import content_policy
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.visit import Act, back_to, draw, render
from shouye.during import call, warn

router = APIRouter(include_in_schema=False)

STYLE = (Path(__file__).parent / "answer.css").read_text("utf-8")
POLICY = content_policy("", f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'")
CHANNEL = "phone_page"
MAX_MOVED = 9999
DARK, LIGHT = 20, 6
"""Hours between which the page is dark: it is opened in a dark room."""
LASTS = timedelta(hours=6)
"""建议值 — how long an opened answer page stays good."""
SHOWN = 60


class Press(StrEnum):
    """按键 — what the page offers, and the receipt it is."""

    CONFIRMED = "confirmed"
    ON_POST = "on_post"
    MOVED = "moved"
    NEED_HELP = "need_help"
    DECLINED = "declined"
    STAND_IN = "stand_in"


class Over(Refusal):
    """这个链接已过期，请打电话给乡镇值班室。"""


@dataclass(frozen=True)
class Asked:
    """被叫的人 — who, for which notice, what he owes and has said."""

    person: Person
    notice: warn.Notice
    mine: tuple[call.Obligation, ...]
    said: dict[str, call.FieldReport]

    @property
    def owes(self) -> bool:
        return any(one.state in (*call.OPEN, call.CallState.HANDED_OVER) for one in self.mine)


@router.get("/a/{token}")
def answer_page(request: Request, token: str, do: str = "") -> Response:
    """应答页."""
    city: CityContext = request.app.state.city
    with city.database.read() as tx:
        grant = answer_token(tx, token)
        if grant is None:
            return _page(city, "answer/over.html", {"sentence": Over().message}, 404)
        asked = _asked(tx, city, grant)
        sight = Sight(tx, city.roster, WHOLE)
        post = city.roster.posts[asked.mine[-1].post]
        desk = _desk(tx, city, post.division)
        values = {
            "asked": asked,
            "grade": grade(asked.notice.level),
            "withdrawn": asked.notice.state is not warn.NoticeState.IN_FORCE,
            "fact": asked.notice.reason.partition("，达到")[0].replace(" mm", " 毫米"),
            "post": post,
            "place": city.roster.division(post.division),
            "signer": sight.who(asked.notice.issued_by),
            "desk": city.roster.contact(desk) if desk is not None else None,
            "do": do,
            "token": token,
        }
    return _page(city, "answer/answer.html", values)


@router.post("/a/{token}")
def press(
    request: Request,
    token: str,
    act: Annotated[Press, Form()],
    people: Annotated[int | None, Form(ge=0, le=MAX_MOVED)] = None,
) -> Response:
    """按键 — the answer is in the ledger before the page says so."""
    city: CityContext = request.app.state.city
    with city.database.begin() as tx:
        grant = answer_token(tx, token)
        if grant is None:
            return _page(city, "answer/over.html", {"sentence": Over().message}, 404)
        asked = _asked(tx, city, grant)
        if act is Press.MOVED and people is None:
            raise BadInput("转移人数")
        if not _already(asked, act):
            call.answer_by_hand(tx, CALLED, grant.notice, grant.person, CHANNEL, Receipt(act.value), people)
    city.tick()
    return back_to(f"/a/{token}")


@router.get("/people")
def people(visit: Act, name: str = "") -> Response:
    """演练人员 — who is being called now; his page can be opened in his place, in a drill only."""
    if visit.city.mode is not Mode.SIMULATION:
        raise NotFound("演练人员")
    with visit.look() as sight:
        lines = dial_lines(sight)
        found = [line for line in lines if name in line.person.name]
        return render(
            visit,
            sight,
            "answer/people.html",
            here="/people",
            live="#people",
            name=name,
            lines=found[:SHOWN],
            more=len(found) - SHOWN,
            notices={notice.id: notice for notice in sight.in_force},
        )


@router.post("/people/{person}/page")
def open_page(visit: Act, person: int, notice: Annotated[int, Form()]) -> Response:
    """打开应答页 — in place of the message that carries the link."""
    city = visit.city
    if city.mode is not Mode.SIMULATION:
        raise NotFound("演练人员")
    with visit.act() as sight:
        if not call.obligations_of(sight.tx, sight.scope, notice, person):
            raise NotFound("此人不在这份通知的叫应名单里")
        log_read(sight.tx, visit.actor, "answer_page", f"person:{person}")
        post = city.roster.posts[call.obligations_of(sight.tx, WHOLE, notice, person)[-1].post]
        desk = _desk(sight.tx, city, post.division)
        if desk is not None:  # the page offers to ring him, and looking at it writes nothing
            log_read(sight.tx, visit.actor, "desk_number", f"person:{desk}")
        token = issue_answer_token(sight.tx, person, notice, sight.tx.now + LASTS)
    return back_to(f"/a/{token}")


def _asked(tx: Tx, city: CityContext, grant: AnswerGrant) -> Asked:
    notice = warn.notice(tx, WHOLE, grant.notice)
    every = call.obligations_of(tx, WHOLE, grant.notice, grant.person)
    if not every:
        raise NotFound("叫应")
    last = max(one.round for one in every)
    said = {one.kind: one for one in call.reports(tx, WHOLE, grant.notice) if one.person == grant.person}
    mine = tuple(one for one in every if one.round == last)
    return Asked(city.roster.persons[grant.person], notice, mine, said)


def _already(asked: Asked, act: Press) -> bool:
    """A second press of the same button writes nothing; a new figure replaces the old one."""
    if act is Press.CONFIRMED:
        return not asked.owes
    return act in (Press.ON_POST, Press.NEED_HELP, Press.STAND_IN) and act.value in asked.said


def _desk(tx: Tx, city: CityContext, division: str) -> int | None:
    """Who sits at the duty desk above."""
    above = city.roster.township_of(division) or city.roster.county_of(division) or city.roster.city
    posts = city.roster.posts_of(above.id)
    holders = city.roster.holders(posts[0].id, tx.now) if posts else ()
    return holders[0].id if holders else None


def _page(city: CityContext, template: str, values: Mapping[str, object], status: int = 200) -> Response:
    hour = city.clock.now().astimezone(BEIJING).hour
    night = hour >= DARK or hour < LIGHT
    response = draw(city, template, {"style": STYLE, "night": night, **values}, status)
    response.headers["Content-Security-Policy"] = POLICY
    return response
