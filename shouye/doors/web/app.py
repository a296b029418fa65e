"""控制台应用 — one FastAPI application for one city in one mode; refusals are put into words here, once."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from shouye.base.access import SignInGate, SignInRefused, TooManyTries
from shouye.base.kernel import (
    BadInput,
    DatabaseAway,
    DatabaseBroken,
    Forbidden,
    NotFound,
    Refusal,
    SchemaIncomplete,
    Stale,
    schema_wrong,
)
from shouye.base.proof import CodeNeeded, CodeRefused, FactorMissing, ProofStale, TooManyCodes, proof_gate
from shouye.doors.web import live, routes
from shouye.doors.web.api import problem
from shouye.doors.web.context import CityContext
from shouye.doors.web.pages import ROUTERS
from shouye.doors.web.security import PROVE, SIGN_IN, Armour, FormExpired, content_policy, guard_form, is_api
from shouye.doors.web.visit import NotSignedIn, draw
from shouye.watch.feeds import StorageAway

log = structlog.get_logger()

STATIC = Path(__file__).parent / "static"

STATUS: tuple[tuple[type[Refusal], HTTPStatus], ...] = (
    (NotSignedIn, HTTPStatus.UNAUTHORIZED),
    (SignInRefused, HTTPStatus.UNAUTHORIZED),
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (TooManyCodes, HTTPStatus.TOO_MANY_REQUESTS),
    (CodeNeeded, HTTPStatus.FORBIDDEN),
    (CodeRefused, HTTPStatus.FORBIDDEN),
    (FormExpired, HTTPStatus.FORBIDDEN),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Stale, HTTPStatus.CONFLICT),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StorageAway, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""Every other refusal is a conflict with the present state."""

PHRASES = {
    404: "没有这个页面。",
    405: "这个页面不接受这种操作。",
    413: "提交的内容过大。",
    415: "不收压缩过的内容（Content-Encoding），请不经压缩原样推送。",
    422: "填写的内容有误，未作任何改动。",
}


def create_app(city: CityContext) -> FastAPI:
    """The console of one city. The caller serves it and calls `city.tick` when something has changed."""
    app = FastAPI(
        title="守夜", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guard_form)]
    )
    app.state.city = city
    app.state.gate = SignInGate()
    app.state.proof_gate = proof_gate()
    app.add_middleware(Armour, policy=content_policy(city.tile_url))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(live.router)
    for router in (*routes.ROUTERS, *ROUTERS):  # machines ask most often, and are asked for first
        app.include_router(router)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DatabaseBroken, _away)
    app.add_exception_handler(Exception, _failure)
    return app


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    status = next((code for kind, code in STATUS if isinstance(error, kind)), HTTPStatus.CONFLICT)
    if is_api(request.url.path):
        return problem(int(status), error.message, type(error).__name__)
    if isinstance(error, NotSignedIn) and request.method == "GET":
        target = f"/sign-in?next={quote(request.url.path)}"
        if "HX-Request" in request.headers:
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse(target, status_code=HTTPStatus.SEE_OTHER)
    if isinstance(error, ProofStale | FactorMissing) and request.method == "POST":
        back = "/me" if request.url.path.startswith("/me/") else "/notices"
        target = f"{PROVE}?next={back}" if isinstance(error, ProofStale) else "/me?asked=true"
        return RedirectResponse(target, status_code=HTTPStatus.SEE_OTHER)
    if isinstance(error, FormExpired) and request.url.path == SIGN_IN:
        return RedirectResponse(f"{SIGN_IN}?again=true", status_code=HTTPStatus.SEE_OTHER)
    return _say(request, error.message, status)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _say(request, PHRASES.get(error.status_code, "请求没有完成。"), error.status_code)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if is_api(request.url.path):
        fields = [".".join(str(step) for step in one["loc"]) for one in error.errors()]
        return problem(422, PHRASES[422], "BadInput", fields)
    return _say(request, PHRASES[422], 422)


def _away(request: Request, error: Exception) -> Response:
    """The server of the database restarts, its disk is full: one line in the log, not a page of it a request.

    A table that is not there does not come by waiting; whatever else a database says is a fault of the program.
    """
    assert isinstance(error, DatabaseBroken)
    if schema_wrong(error):
        log.error("schema_wrong", path=request.url.path.split("/")[1], error=str(error).splitlines()[0])
        return _say(request, SchemaIncomplete().message, 503)
    if not isinstance(error, DatabaseAway):
        raise error
    log.warning("database_away", path=request.url.path.split("/")[1], error=str(error).splitlines()[0])
    return _say(request, "数据库暂时读不到、写不进，这一步没有完成，请稍后再试。", 503)


def _failure(request: Request, error: Exception) -> Response:
    return _say(request, "程序出错，这一步没有完成；错误已记入日志。", 500)


def _say(request: Request, sentence: str, status: int) -> Response:
    if is_api(request.url.path):
        return problem(int(status), sentence)
    return draw(request.app.state.city, "refusal.html", {"sentence": sentence, "status": int(status)}, int(status))
