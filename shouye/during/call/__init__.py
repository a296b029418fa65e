"""叫应 — who must answer a notice, down to the village, and whether he has.

A unit is one obligation (notice × division × post) in one round; persons are rung in order (A 角, B 角), and one
answer of a person settles all he owes. Heard (接通) is not answered (应答). The ladder belongs to the obligation's
task. The balance always holds: 应叫应 = 已应答 + 已接手 + 撤回 + 未结.
"""

from shouye.during.call.facts import CallsAnswered as CallsAnswered
from shouye.during.call.facts import CallsHandedOver as CallsHandedOver
from shouye.during.call.facts import CallsLate as CallsLate
from shouye.during.call.facts import CallsOpened as CallsOpened
from shouye.during.call.facts import CallsUnreached as CallsUnreached
from shouye.during.call.facts import CallsWithdrawn as CallsWithdrawn
from shouye.during.call.facts import FieldReported as FieldReported
from shouye.during.call.model import OPEN as OPEN
from shouye.during.call.model import STATE_WORDS as STATE_WORDS
from shouye.during.call.model import Balance as Balance
from shouye.during.call.model import CallPolicy as CallPolicy
from shouye.during.call.model import CallState as CallState
from shouye.during.call.model import Evidence as Evidence
from shouye.during.call.model import FieldReport as FieldReport
from shouye.during.call.model import NothingToTakeOver as NothingToTakeOver
from shouye.during.call.model import NotOnThisList as NotOnThisList
from shouye.during.call.model import Obligation as Obligation
from shouye.during.call.model import people_of as people_of
from shouye.during.call.model import read_policy as read_policy
from shouye.during.call.reacts import install as install
from shouye.during.call.service import PURPOSE as PURPOSE
from shouye.during.call.service import answer_by_hand as answer_by_hand
from shouye.during.call.service import awake_at as awake_at
from shouye.during.call.service import balance as balance
from shouye.during.call.service import balances as balances
from shouye.during.call.service import met_at_door as met_at_door
from shouye.during.call.service import obligations as obligations
from shouye.during.call.service import obligations_by_id as obligations_by_id
from shouye.during.call.service import obligations_of as obligations_of
from shouye.during.call.service import open_obligations as open_obligations
from shouye.during.call.service import preview as preview
from shouye.during.call.service import reports as reports
from shouye.during.call.service import script as script
from shouye.during.call.service import take_over as take_over
