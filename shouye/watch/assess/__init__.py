"""研判 — from readings to findings (监测告警，实况达到标准) and to one situation per hazard and division (态势).

A finding says that a gauge has reached a level of a published table; it is ours and is never an official warning
signal (非气象预警信号). Unknown raises nothing and clears nothing. The same observations give the same findings in
any order; a ground that is gone (订正) withdraws its finding. `install` wakes the judge for every stored batch.
"""

from shouye.watch.assess.facts import FindingRaised as FindingRaised
from shouye.watch.assess.facts import FindingRetracted as FindingRetracted
from shouye.watch.assess.facts import SituationChanged as SituationChanged
from shouye.watch.assess.jobs import install as install
from shouye.watch.assess.model import NO_SIGNAL as NO_SIGNAL
from shouye.watch.assess.model import Engine as Engine
from shouye.watch.assess.model import Episode as Episode
from shouye.watch.assess.model import Finding as Finding
from shouye.watch.assess.model import Hazard as Hazard
from shouye.watch.assess.model import Situation as Situation
from shouye.watch.assess.service import Assessor as Assessor
from shouye.watch.assess.service import finding as finding
from shouye.watch.assess.service import findings as findings
from shouye.watch.assess.service import history as history
from shouye.watch.assess.service import read_active as read_active
from shouye.watch.assess.service import situation as situation
from shouye.watch.assess.service import situations as situations
