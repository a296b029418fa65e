"""在用测站 — the gauges we listen to, for which divisions they speak (代表范围), what others call them (别名).

One gauge may have three ids: `resolve` says which station is meant. Stations whose readings are those of another
(重复测源) count as one source.
"""

from shouye.watch.stations.model import Coverage as Coverage
from shouye.watch.stations.model import Gauge as Gauge
from shouye.watch.stations.model import SameSource as SameSource
from shouye.watch.stations.model import read_aliases as read_aliases
from shouye.watch.stations.model import read_gauge_areas as read_gauge_areas
from shouye.watch.stations.service import aliases as aliases
from shouye.watch.stations.service import gauges as gauges
from shouye.watch.stations.service import note_same as note_same
from shouye.watch.stations.service import one_source as one_source
from shouye.watch.stations.service import resolve as resolve
from shouye.watch.stations.service import same_sources as same_sources
from shouye.watch.stations.service import watch as watch
from shouye.watch.stations.service import watched_divisions as watched_divisions
