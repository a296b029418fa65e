"""本次来访、接口说明。"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from shouye.base.access import Permission, prove_session
from shouye.base.proof import FactorMissing, check
from shouye.doors.web.api import View, describe
from shouye.doors.web.api import router as api
from shouye.doors.web.pages.access.page import set_cookie
from shouye.doors.web.security import API
from shouye.doors.web.visit import ApiKnown

router = api("来访")


class Me(View):
    """来访者 — who the caller is, what he may see and do; `form_token` is needed for changes by a session."""

    tag: str
    role: str
    division: str
    posts: list[str]
    feed: str
    permissions: list[Permission]
    form_token: str
    mode: str
    city: str


@router.get("/me")
def me(visit: ApiKnown) -> Me:
    """来访者。"""
    actor = visit.actor
    return Me(
        tag=actor.tag,
        role=actor.role,
        division=actor.scope.division,
        posts=list(actor.posts),
        feed=actor.feed,
        permissions=[permission for permission in Permission if actor.may(permission)],
        form_token=visit.csrf if visit.token else "",
        mode=visit.city.mode.value,
        city=visit.city.roster.city.id,
    )


class Proof(BaseModel):
    """动态口令。"""

    code: str = Field(max_length=20)


@router.post("/me/proof", status_code=204)
def prove(request: Request, visit: ApiKnown, given: Proof) -> Response:
    """签发前核验 — the session goes on under a new token, which comes as a cookie."""
    with visit.act() as sight:
        if not visit.token or not check(sight.tx, visit.actor, request.app.state.proof_gate, given.code):
            raise FactorMissing
        token = prove_session(sight.tx, visit.actor, visit.token)
    response = Response(status_code=204)
    set_cookie(response, request, visit.city.cookie, token)
    return response


@router.get("/openapi.json", include_in_schema=False)
def openapi(visit: ApiKnown, request: Request) -> dict[str, Any]:
    """接口说明 — OpenAPI of everything under /api/v1."""
    found = get_openapi(
        title="守夜数据接口",
        version="1",
        summary="读取态势、通知、叫应、事项、监测与事实；办理与页面相同的动作。",
        routes=request.app.routes,
        servers=[{"url": "/"}],
    )
    assert all(path.startswith(API) for path in found["paths"])
    return describe(found)
