"""心跳 — whoever should speak (测站、数据来源、渠道、作业、进程角色) has a dead-man timer (听不到).

Silence is raised at two intervals, exactly, and one line for each cause: of a lost backbone its whole feed, not
its nine hundred gauges. Each line is a fact and a task of the duty office until it is heard again. `Heartbeat`
says outward that the watcher itself lives; `ClockWatch` (看钟) tells when the machine's clock was set.
"""

from shouye.base.pulse.facts import ClockChecked as ClockChecked
from shouye.base.pulse.facts import ClockStepped as ClockStepped
from shouye.base.pulse.facts import HeardAgain as HeardAgain
from shouye.base.pulse.facts import SilenceAsked as SilenceAsked
from shouye.base.pulse.facts import WentSilent as WentSilent
from shouye.base.pulse.jobs import ClockWatch as ClockWatch
from shouye.base.pulse.jobs import Heartbeat as Heartbeat
from shouye.base.pulse.jobs import Outward as Outward
from shouye.base.pulse.jobs import PulseClock as PulseClock
from shouye.base.pulse.model import KINDS as KINDS
from shouye.base.pulse.model import Board as Board
from shouye.base.pulse.model import Line as Line
from shouye.base.pulse.model import Probe as Probe
from shouye.base.pulse.model import Pulse as Pulse
from shouye.base.pulse.model import Voice as Voice
from shouye.base.pulse.model import Voices as Voices
from shouye.base.pulse.model import counted as counted
from shouye.base.pulse.model import lines as lines
from shouye.base.pulse.model import say as say
from shouye.base.pulse.probes import house_probes as house_probes
from shouye.base.pulse.service import CLOCK as CLOCK
from shouye.base.pulse.service import asked as asked
from shouye.base.pulse.service import board as board
from shouye.base.pulse.service import clock_checked as clock_checked
from shouye.base.pulse.service import owed_for as owed_for
from shouye.base.pulse.service import silent as silent
from shouye.base.pulse.service import voices as voices
