"""本次来访、接口说明。"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.openapi.utils import get_openapi

from shouye.base.access import Permission
from shouye.doors.web.api import View, describe
from shouye.doors.web.api import router as api
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
