"""预警 — notices (叫应通知): proposed by the machine from a Finding, signed by a named post (签发).

Then raised, lowered, extended or withdrawn with a reason. A notice is ours and never a signal (气象预警信号).
"""

from shouye.during.warn import jobs as jobs
from shouye.during.warn import reacts as reacts
from shouye.during.warn.facts import NoticeExtended as NoticeExtended
from shouye.during.warn.facts import NoticeIssued as NoticeIssued
from shouye.during.warn.facts import NoticeLowered as NoticeLowered
from shouye.during.warn.facts import NoticeProposed as NoticeProposed
from shouye.during.warn.facts import NoticeRaised as NoticeRaised
from shouye.during.warn.facts import NoticeWithdrawn as NoticeWithdrawn
from shouye.during.warn.facts import ProposalEnded as ProposalEnded
from shouye.during.warn.model import Act as Act
from shouye.during.warn.model import AlreadyDecided as AlreadyDecided
from shouye.during.warn.model import Notice as Notice
from shouye.during.warn.model import NoticeState as NoticeState
from shouye.during.warn.model import NotInForce as NotInForce
from shouye.during.warn.model import NotYourSignature as NotYourSignature
from shouye.during.warn.model import Proposal as Proposal
from shouye.during.warn.model import ProposalState as ProposalState
from shouye.during.warn.model import ReasonNeeded as ReasonNeeded
from shouye.during.warn.model import Revision as Revision
from shouye.during.warn.model import WarnPolicy as WarnPolicy
from shouye.during.warn.model import WrongDirection as WrongDirection
from shouye.during.warn.model import read_policy as read_policy
from shouye.during.warn.service import approve as approve
from shouye.during.warn.service import approve_together as approve_together
from shouye.during.warn.service import extend as extend
from shouye.during.warn.service import lower as lower
from shouye.during.warn.service import notice as notice
from shouye.during.warn.service import notice_for as notice_for
from shouye.during.warn.service import notices as notices
from shouye.during.warn.service import proposal as proposal
from shouye.during.warn.service import proposal_of_task as proposal_of_task
from shouye.during.warn.service import proposals as proposals
from shouye.during.warn.service import raise_level as raise_level
from shouye.during.warn.service import refuse as refuse
from shouye.during.warn.service import revisions as revisions
from shouye.during.warn.service import withdraw as withdraw
