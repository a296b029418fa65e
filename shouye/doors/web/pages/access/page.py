"""登录、退出。"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from shouye.base.access import SignInRefused, TooManyTries, check_password, csrf_token, session, sign_in, sign_out
from shouye.base.kernel import Refusal
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
    next: Annotated[str, Form()] = "/",
) -> Response:
    """登录。"""
    city: CityContext = request.app.state.city
    address = request.client.host if request.client else ""
    try:
        with city.database.read() as tx:
            user = check_password(tx, request.app.state.gate, login, password, address)
    except (SignInRefused, TooManyTries) as refusal:
        return _form(request, safe_path(next), login, refusal)
    with city.database.begin() as tx:
        token = sign_in(tx, user)
    response = back_to(safe_path(next))
    _set_cookie(response, request, city.cookie, token)
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
    status = 429 if isinstance(refusal, TooManyTries) else 401 if isinstance(refusal, SignInRefused) else 200
    values = {"next": target, "login": login, "refusal": refusal, "csrf": csrf_token(secret)}
    response = draw(city, "access/sign_in.html", values, status)
    _set_cookie(response, request, form_cookie(city.cookie), secret)
    return response


def _set_cookie(response: Response, request: Request, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, httponly=True, samesite="lax", secure=secure, path="/")
