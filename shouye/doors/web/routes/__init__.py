"""数据接口 — one file a room: JSON under /api/v1, through the same verbs and the same sight as the pages."""

from fastapi import APIRouter

from shouye.doors.web.routes import access, assess, call, facts, health, intake, observe, roster, tasks, warn

ROUTERS: tuple[APIRouter, ...] = (
    intake.router,
    access.router,
    roster.router,
    observe.router,
    assess.router,
    warn.router,
    call.router,
    tasks.router,
    facts.router,
    health.router,
)
