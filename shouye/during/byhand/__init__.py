"""人工叫醒 — what a ring did not do, people do: who dials whom of the list, who walks to whose door (敲门).

Who is met awake, or woken, has answered (`call` keeps the ledger); a claim keeps two officers from ringing one
person.
"""

from shouye.during.byhand.facts import VisitEnded as VisitEnded
from shouye.during.byhand.facts import VisitSent as VisitSent
from shouye.during.byhand.model import AlreadyClaimed as AlreadyClaimed
from shouye.during.byhand.model import Visit as Visit
from shouye.during.byhand.model import VisitClosed as VisitClosed
from shouye.during.byhand.service import claim as claim
from shouye.during.byhand.service import claims as claims
from shouye.during.byhand.service import end_visit as end_visit
from shouye.during.byhand.service import release as release
from shouye.during.byhand.service import send_visitor as send_visitor
from shouye.during.byhand.service import visits as visits
