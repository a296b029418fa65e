"""研判 — from readings to findings (监测告警，实况达到标准) and to one situation per hazard and division (态势).

A finding says that a gauge has reached a level of a published table; it is ours and is never an official warning
signal (非气象预警信号). Unknown raises nothing and clears nothing. The same observations give the same findings in
any order; a ground that is gone (订正) withdraws its finding. `install` wakes the judge for every stored batch.
Four natures of judgement (natures/): sums, a state against the station's limits, a latch that a person resets
(人工复位), an extreme. While gauges are being loaded after a start (恢复中) they raise and clear nothing.
"""

from shouye.watch.assess.agreement import ELEMENTS as ELEMENTS
from shouye.watch.assess.facts import ElementsDisagree as ElementsDisagree
from shouye.watch.assess.facts import FindingRaised as FindingRaised
from shouye.watch.assess.facts import FindingRetracted as FindingRetracted
from shouye.watch.assess.facts import LatchReset as LatchReset
from shouye.watch.assess.facts import SituationChanged as SituationChanged
from shouye.watch.assess.jobs import install as install
from shouye.watch.assess.model import NO_SIGNAL as NO_SIGNAL
from shouye.watch.assess.model import Engine as Engine
from shouye.watch.assess.model import Episode as Episode
from shouye.watch.assess.model import Finding as Finding
from shouye.watch.assess.model import Hazard as Hazard
from shouye.watch.assess.model import Reset as Reset
from shouye.watch.assess.model import Situation as Situation
from shouye.watch.assess.model import Start as Start
from shouye.watch.assess.model import StationFacts as StationFacts
from shouye.watch.assess.model import Told as Told
from shouye.watch.assess.model import read_active as read_active
from shouye.watch.assess.model import read_measured as read_measured
from shouye.watch.assess.model import read_station_facts as read_station_facts
from shouye.watch.assess.service import Assessor as Assessor
from shouye.watch.assess.service import finding as finding
from shouye.watch.assess.service import findings as findings
from shouye.watch.assess.service import history as history
from shouye.watch.assess.service import recovering as recovering
from shouye.watch.assess.service import reset_latch as reset_latch
from shouye.watch.assess.standing import all_hazards as all_hazards
from shouye.watch.assess.standing import judged_elements as judged_elements
from shouye.watch.assess.standing import situation as situation
from shouye.watch.assess.standing import situations as situations
