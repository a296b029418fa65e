"""复盘 — drills (演练) for now: a storm laid on the city (移植), simulated deciders, and what came of it.

The record is read from what the product itself stored; the lead time is split into sensing, deciding, waking and
acting (感知、决策、叫醒、行动). Reports are a shelf: one report, one file.
"""

from shouye.after.review.jobs import DeciderPlayer as DeciderPlayer
from shouye.after.review.jobs import StormPlayer as StormPlayer
from shouye.after.review.jobs import how_far as how_far
from shouye.after.review.model import BEARABLE as BEARABLE
from shouye.after.review.model import CallRow as CallRow
from shouye.after.review.model import Deciders as Deciders
from shouye.after.review.model import DrillPapers as DrillPapers
from shouye.after.review.model import DrillPlan as DrillPlan
from shouye.after.review.model import DrillResult as DrillResult
from shouye.after.review.model import LaidStation as LaidStation
from shouye.after.review.model import Laying as Laying
from shouye.after.review.model import LeadTime as LeadTime
from shouye.after.review.model import Line as Line
from shouye.after.review.model import Report as Report
from shouye.after.review.model import all_reports as all_reports
from shouye.after.review.model import banner as banner
from shouye.after.review.model import falling_behind as falling_behind
from shouye.after.review.model import lay_out as lay_out
from shouye.after.review.model import paced as paced
from shouye.after.review.model import read_deciders as read_deciders
from shouye.after.review.service import begin_drill as begin_drill
from shouye.after.review.service import call_rows as call_rows
from shouye.after.review.service import facts_of as facts_of
from shouye.after.review.service import fingerprint as fingerprint
from shouye.after.review.service import result as result
from shouye.after.review.service import timeline as timeline
