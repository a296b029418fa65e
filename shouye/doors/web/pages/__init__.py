"""页面 — one folder a room: `page.py` with its routes beside the templates it draws."""

from fastapi import APIRouter

from shouye.doors.web.pages.access import page as access

ROUTERS: tuple[APIRouter, ...] = (access.router,)
