"""页面 — one folder a room: `page.py` with its routes beside the templates it draws."""

from fastapi import APIRouter

from shouye.doors.web.pages.access import me
from shouye.doors.web.pages.access import page as access
from shouye.doors.web.pages.answer import page as answer
from shouye.doors.web.pages.assess import page as assess
from shouye.doors.web.pages.call import dial
from shouye.doors.web.pages.call import page as call
from shouye.doors.web.pages.desk import page as desk
from shouye.doors.web.pages.feeds import asking, signals
from shouye.doors.web.pages.feeds import page as feeds
from shouye.doors.web.pages.observe import compare, station, stations
from shouye.doors.web.pages.observe import page as observe
from shouye.doors.web.pages.tasks import page as tasks
from shouye.doors.web.pages.timeline import page as timeline
from shouye.doors.web.pages.warn import page as warn

ROUTERS: tuple[APIRouter, ...] = (
    access.router,
    me.router,
    desk.router,
    tasks.router,
    observe.router,
    stations.router,
    station.router,
    compare.router,
    asking.router,
    signals.router,
    feeds.router,
    assess.router,
    warn.router,
    call.router,
    dial.router,
    timeline.router,
    answer.router,
)
