"""内核 — the shared words: levels, clock, facts, jobs, refusals, transactions, shelves. It decides nothing.

A room imports these names from here. Instants are aware datetimes in Beijing time; a `Tx` carries the open
transaction and its instant; a `Fact` is the only way to cause something to the right.
"""

from shouye.base.kernel.clock import BEIJING as BEIJING
from shouye.base.kernel.clock import Clock as Clock
from shouye.base.kernel.clock import PacedClock as PacedClock
from shouye.base.kernel.clock import SimClock as SimClock
from shouye.base.kernel.clock import WallClock as WallClock
from shouye.base.kernel.clock import from_ms as from_ms
from shouye.base.kernel.clock import is_night as is_night
from shouye.base.kernel.clock import iso as iso
from shouye.base.kernel.clock import to_ms as to_ms
from shouye.base.kernel.db import Database as Database
from shouye.base.kernel.db import Document as Document
from shouye.base.kernel.db import Fence as Fence
from shouye.base.kernel.db import Instant as Instant
from shouye.base.kernel.db import RowId as RowId
from shouye.base.kernel.db import Tx as Tx
from shouye.base.kernel.db import canonical as canonical
from shouye.base.kernel.db import metadata as metadata
from shouye.base.kernel.dice import draw as draw
from shouye.base.kernel.dice import draw_between as draw_between
from shouye.base.kernel.facts import Fact as Fact
from shouye.base.kernel.facts import RecordedFact as RecordedFact
from shouye.base.kernel.facts import facts_since as facts_since
from shouye.base.kernel.facts import on as on
from shouye.base.kernel.facts import record as record
from shouye.base.kernel.facts import run_reaction as run_reaction
from shouye.base.kernel.jobs import Job as Job
from shouye.base.kernel.jobs import dead_jobs as dead_jobs
from shouye.base.kernel.jobs import enqueue as enqueue
from shouye.base.kernel.jobs import handles as handles
from shouye.base.kernel.jobs import next_due as next_due
from shouye.base.kernel.jobs import retry as retry
from shouye.base.kernel.jobs import run_due as run_due
from shouye.base.kernel.jobs import set_aside as set_aside
from shouye.base.kernel.jobs import witness as witness
from shouye.base.kernel.lease import LEASE as LEASE
from shouye.base.kernel.lease import Holding as Holding
from shouye.base.kernel.lease import Lease as Lease
from shouye.base.kernel.lease import LeaseLost as LeaseLost
from shouye.base.kernel.lease import fence_of as fence_of
from shouye.base.kernel.lease import hold as hold
from shouye.base.kernel.lease import holdings as holdings
from shouye.base.kernel.levels import AlertLevel as AlertLevel
from shouye.base.kernel.levels import Mode as Mode
from shouye.base.kernel.levels import TransferStage as TransferStage
from shouye.base.kernel.levels import rank_of as rank_of
from shouye.base.kernel.levels import word_of as word_of
from shouye.base.kernel.refusals import BadInput as BadInput
from shouye.base.kernel.refusals import Forbidden as Forbidden
from shouye.base.kernel.refusals import NotFound as NotFound
from shouye.base.kernel.refusals import Refusal as Refusal
from shouye.base.kernel.refusals import Stale as Stale
from shouye.base.kernel.refusals import WrongMode as WrongMode
from shouye.base.kernel.shelf import load_shelf as load_shelf
from shouye.base.kernel.worker import JobSource as JobSource
from shouye.base.kernel.worker import Source as Source
from shouye.base.kernel.worker import pace as pace
from shouye.base.kernel.worker import play as play
