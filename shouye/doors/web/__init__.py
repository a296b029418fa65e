"""控制台 — the pages of the duty room and the telephone page of those who are called. Nothing here decides.

`create_app` makes the application for one city in one mode; a page lives in `pages/<room>/` beside its templates.
What a page lists (`latest_sheet` …) the command line lists too: the same rows from the same function.
"""

from shouye.doors.web.app import STATIC as STATIC
from shouye.doors.web.app import create_app as create_app
from shouye.doors.web.boundaries import county_boundaries as county_boundaries
from shouye.doors.web.context import CityContext as CityContext
from shouye.doors.web.context import Tick as Tick
from shouye.doors.web.live import following as following
from shouye.doors.web.pages.feeds.board import reason as reason
from shouye.doors.web.pages.feeds.held import Part as Part
from shouye.doors.web.pages.feeds.held import held_parts as held_parts
from shouye.doors.web.pages.feeds.page import held_sheet as held_sheet
from shouye.doors.web.pages.feeds.page import source_sheets as source_sheets
from shouye.doors.web.pages.feeds.page import sources_sheet as sources_sheet
from shouye.doors.web.pages.feeds.signals import signals_sheet as signals_sheet
from shouye.doors.web.pages.observe.board import Filter as Filter
from shouye.doors.web.pages.observe.board import State as State
from shouye.doors.web.pages.observe.compare import compare_sheet as compare_sheet
from shouye.doors.web.pages.observe.page import silence_sheet as silence_sheet
from shouye.doors.web.pages.observe.plot import SPANS as SPANS
from shouye.doors.web.pages.observe.plot import look as look
from shouye.doors.web.pages.observe.station import readings_sheet as readings_sheet
from shouye.doors.web.pages.observe.stations import latest_sheet as latest_sheet
from shouye.doors.web.serving import console as console
from shouye.doors.web.sight import Sight as Sight
from shouye.doors.web.words import length as length
