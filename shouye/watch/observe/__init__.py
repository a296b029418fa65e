"""监测 — stations (测站), series (序列), observations (监测数据), and what is not heard (听不到的).

A `Reading` is stored before anybody is told that it was (`store_batch`); a repeated one changes nothing, a higher
revision (订正) replaces it, and between equal ones content decides, never arrival. 缺测 is a value of its own.
"""

from shouye.watch.observe.model import Cause as Cause
from shouye.watch.observe.model import Coverage as Coverage
from shouye.watch.observe.model import Gauge as Gauge
from shouye.watch.observe.model import Reading as Reading
from shouye.watch.observe.model import Silence as Silence
from shouye.watch.observe.model import outranks as outranks
from shouye.watch.observe.model import read_gauge_areas as read_gauge_areas
from shouye.watch.observe.service import curve as curve
from shouye.watch.observe.service import gauges as gauges
from shouye.watch.observe.service import history as history
from shouye.watch.observe.service import latest_all as latest_all
from shouye.watch.observe.service import measuring as measuring
from shouye.watch.observe.service import newest_batch as newest_batch
from shouye.watch.observe.service import silence as silence
from shouye.watch.observe.service import store_batch as store_batch
from shouye.watch.observe.service import stored_in as stored_in
from shouye.watch.observe.service import watch as watch
from shouye.watch.observe.service import watched_divisions as watched_divisions
