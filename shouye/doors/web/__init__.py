"""控制台 — the pages of the duty room and the telephone page of those who are called. Nothing here decides.

`create_app` makes the application for one city in one mode; a page lives in `pages/<room>/` beside its templates.
"""

from shouye.doors.web.app import STATIC as STATIC
from shouye.doors.web.app import create_app as create_app
from shouye.doors.web.boundaries import county_boundaries as county_boundaries
from shouye.doors.web.context import CityContext as CityContext
from shouye.doors.web.context import Tick as Tick
from shouye.doors.web.live import following as following
from shouye.doors.web.serving import console as console
