"""我的账号 — where I am signed in, my second factor, who acts in my place; the read log for who may see it."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request, Response

from shouye.base import proof
from shouye.base.access import (
    LENDABLE,
    LENT_AT_MOST,
    Permission,
    SignInRefused,
    TooManyTries,
    User,
    check_password,
    end_mandate,
    lend,
    mandates,
    own_sessions,
    prove_session,
    reads,
    session,
    sign_out_everywhere,
    users,
)
from shouye.base.kernel import Refusal
from shouye.doors.web.pages.access.page import set_cookie
from shouye.doors.web.security import PROVE, SIGN_IN, safe_path
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Audit, See, Visit, back_to, render

router = APIRouter(include_in_schema=False)

Code = Annotated[str, Form(max_length=20)]
SHOWN = 300

WHAT = {
    "dial": "人工拨打，看到号码",
    "paper": "打印带号码的名单",
    "answer": "代为登记应答",
    "answer_page": "打开应答页",
    "desk_number": "应答页上的值班电话",
    "quarantine_raw": "取隔离区原始字节",
}
"""查阅了什么。"""


@router.get("/me")
def me(visit: See, asked: bool = False) -> Response:
    """我的账号。"""
    with visit.look() as sight:
        return _me(visit, sight, refusal=proof.FactorMissing() if asked else None)


@router.post("/me/factor")
def begin_factor(request: Request, visit: See, password: Annotated[str, Form(max_length=200)] = "") -> Response:
    """开始绑定 — by whoever knows the password, too; the picture is shown on this page alone and on no other."""
    address = request.client.host if request.client else ""
    with visit.look() as sight:
        login = next(user.login for user in users(sight.tx) if user.id == visit.actor.account)
        try:
            known = check_password(sight.tx, request.app.state.gate, login, password, address)
        except (SignInRefused, TooManyTries) as refusal:
            response = _me(visit, sight, refusal=refusal)
            response.status_code = 403
            return response
    with visit.act() as sight:
        found = proof.begin(sight.tx, visit.actor, known, visit.city.title)
        picture = segno.make(found.address, error="m").svg_data_uri(scale=4, border=2)
        return _me(visit, sight, picture=picture, secret=found.secret)


@router.post("/me/factor/confirm")
def confirm_factor(request: Request, visit: See, code: Code = "") -> Response:
    """确认绑定 — the recovery codes are shown once."""
    with visit.act() as sight:
        spares = proof.confirm(sight.tx, visit.actor, request.app.state.proof_gate, code.strip())
        return _me(visit, sight, spares=spares)


@router.get(PROVE)
def prove_form(visit: See, next: str = "/") -> Response:
    """签发前核验。"""
    return _prove(visit, safe_path(next))


@router.post(PROVE)
def prove(request: Request, visit: See, code: Code = "", next: Annotated[str, Form()] = "/") -> Response:
    """核验 — the session goes on under a new token."""
    try:
        with visit.act() as sight:
            proof.check(sight.tx, visit.actor, request.app.state.proof_gate, code)
            token = prove_session(sight.tx, visit.actor, visit.token)
    except (proof.CodeNeeded, proof.CodeRefused, proof.TooManyCodes) as refusal:
        return _prove(visit, safe_path(next), refusal)
    response = back_to(safe_path(next))
    set_cookie(response, request, visit.city.cookie, token)
    return response


@router.post("/me/sign-out-everywhere")
def leave_everywhere(visit: See) -> Response:
    """全部退出。"""
    with visit.act() as sight:
        sign_out_everywhere(sight.tx, visit.actor)
    response = back_to(SIGN_IN)
    response.delete_cookie(visit.city.cookie)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@router.post("/me/mandates")
def give(
    visit: See,
    taker: Annotated[str, Form(max_length=60)],
    hours: Annotated[float, Form(gt=0, le=LENT_AT_MOST.total_seconds() / 3600)],
) -> Response:
    """授权代行 — who may sign gives that away only as he would sign: with a code of this moment."""
    with visit.act() as sight:
        own = session(sight.tx, visit.token)
        if own is not None and visit.actor.may(Permission.ISSUE):
            proof.require_proof(sight.tx, own, visit.city.mode)
        lend(sight.tx, visit.actor, taker, hours)
    return back_to("/me")


@router.post("/me/mandates/{number}/end")
def end(visit: See, number: int) -> Response:
    """收回代行。"""
    with visit.act() as sight:
        end_mandate(sight.tx, visit.actor, number)
    return back_to("/me")


@router.get("/reads")
def read_log(visit: Audit) -> Response:
    """查阅记录 — who looked at whose telephone number."""
    with visit.look() as sight:
        lines = reads(sight.tx, sight.scope)
        rows = [
            (line.at, sight.who(line.who), WHAT.get(line.what, line.what), _subject(line.subject, sight))
            for line in lines[:SHOWN]
        ]
        return render(visit, sight, "access/reads.html", here="/reads", rows=rows, more=len(lines) - SHOWN)


def _subject(subject: str, sight: Sight) -> str:
    kind, _, number = subject.partition(":")
    person = sight.roster.persons.get(int(number)) if kind == "person" and number.isdecimal() else None
    return subject if person is None else person.name


def _me(
    visit: Visit,
    sight: Sight,
    *,
    refusal: Refusal | None = None,
    picture: str = "",
    secret: str = "",
    spares: list[str] | None = None,
) -> Response:
    actor = visit.actor
    lendable = any(actor.may(permission) and permission not in actor.lent for permission in LENDABLE)
    accounts = {user.id: user for user in users(sight.tx)}
    return render(
        visit,
        sight,
        "access/me.html",
        here="/me",
        refusal=refusal,
        sessions=own_sessions(sight.tx, actor, visit.token),
        bound=proof.has_factor(sight.tx, actor),
        left=proof.spare_codes(sight.tx, actor),
        picture=picture,
        secret=secret,
        spares=spares or [],
        lasts=int(proof.PROOF_LASTS.total_seconds() // 60),
        lendable=lendable,
        takers=[user for user in accounts.values() if _may_take(visit, sight, user)],
        mandates=[(one, accounts[one.giver], accounts[one.taker]) for one in mandates(sight.tx, actor)],
    )


def _may_take(visit: Visit, sight: Sight, user: User) -> bool:
    """Whom one may ask: the verb decides, this only keeps the list short."""
    inside = user.actor.scope.covers(sight.roster, visit.actor.scope.division)
    return inside and user.actor.tag != visit.actor.tag


def _prove(visit: Visit, target: str, refusal: Refusal | None = None) -> Response:
    with visit.look() as sight:
        found = render(visit, sight, "access/prove.html", here="/me", next=target, refusal=refusal)
    found.status_code = 200 if refusal is None else 403
    return found
