"""登录、退出。"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from shouye.base.access import SignInRefused, TooManyTries, check_password, csrf_token, session, sign_in, sign_out
from shouye.base.kernel import Refusal
from shouye.base.proof import CodeNeeded, CodeRefused, TooManyCodes, check
from shouye.doors.web.context import CityContext
from shouye.doors.web.security import SIGN_IN, form_cookie, new_form_secret, safe_path
from shouye.doors.web.visit import See, back_to, draw

router = APIRouter(include_in_schema=False)


class FormGone(Refusal):
    """登录页已过期，请再输入一次。"""


@router.get(SIGN_IN)
def sign_in_form(request: Request, next: str = "/", again: bool = False) -> Response:
    """登录页 — who is signed in already, in another tab perhaps, goes on."""
    city: CityContext = request.app.state.city
    token = request.cookies.get(city.cookie, "")
    with city.database.read() as tx:
        known = session(tx, token) if token else None
    if known is not None:
        return back_to(safe_path(next))
    return _form(request, safe_path(next), refusal=FormGone() if again else None)


@router.post(SIGN_IN)
def submit_sign_in(
    request: Request,
    login: Annotated[str, Form(max_length=60)],
    password: Annotated[str, Form(max_length=200)],
    code: Annotated[str, Form(max_length=20)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """登录。"""
    city: CityContext = request.app.state.city
    address = request.client.host if request.client else ""
    try:
        with city.database.read() as tx:
            user = check_password(tx, request.app.state.gate, login, password, address)
        with city.database.begin() as tx:
            proved = check(tx, user.actor, request.app.state.proof_gate, code)
            token = sign_in(tx, user, proved=proved, instead_of=request.cookies.get(city.cookie, ""))
    except (SignInRefused, TooManyTries, CodeNeeded, CodeRefused, TooManyCodes) as refusal:
        return _form(request, safe_path(next), login, refusal)
    response = back_to(safe_path(next))
    set_cookie(response, request, city.cookie, token)
    response.delete_cookie(form_cookie(city.cookie))
    return response


@router.post("/sign-out")
def submit_sign_out(visit: See) -> Response:
    """退出。"""
    with visit.city.database.begin() as tx:
        sign_out(tx, visit.actor, visit.token)
    response = back_to(SIGN_IN)
    response.delete_cookie(visit.city.cookie)
    response.headers["Clear-Site-Data"] = '"cache"'  # the back button shows nothing of what was open
    return response


def _form(request: Request, target: str, login: str = "", refusal: Refusal | None = None) -> Response:
    city: CityContext = request.app.state.city
    secret = request.cookies.get(form_cookie(city.cookie)) or new_form_secret()  # one for all open tabs
    status = 200 if refusal is None or isinstance(refusal, FormGone) else 401
    status = 429 if isinstance(refusal, TooManyTries | TooManyCodes) else status
    values = {"next": target, "login": login, "refusal": refusal, "csrf": csrf_token(secret)}
    response = draw(city, "access/sign_in.html", values, status)
    set_cookie(response, request, form_cookie(city.cookie), secret)
    return response


def set_cookie(response: Response, request: Request, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, httponly=True, samesite="lax", secure=secure, path="/")
