"""页面 — one folder a room: `page.py` with its routes beside the templates it draws."""

from fastapi import APIRouter

from shouye.doors.web.pages.access import page as access
from shouye.doors.web.pages.call import page as call
from shouye.doors.web.pages.desk import page as desk
from shouye.doors.web.pages.tasks import page as tasks

ROUTERS: tuple[APIRouter, ...] = (access.router, desk.router, tasks.router, call.router)
