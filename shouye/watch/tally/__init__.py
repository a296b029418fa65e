"""来数台账 — what came of all that came: counts by day, pace and lag of the last day, the quarantine (隔离区).

What could not be taken is held with its bytes and the reason until a person has tried it again (重试) or set it
aside (弃置); rows are bounded for each feed, the counts stay.
"""

from shouye.watch.tally.facts import HeldDropped as HeldDropped
from shouye.watch.tally.facts import HeldRetried as HeldRetried
from shouye.watch.tally.model import Count as Count
from shouye.watch.tally.model import Hearing as Hearing
from shouye.watch.tally.model import Held as Held
from shouye.watch.tally.model import Minute as Minute
from shouye.watch.tally.model import hearing as hearing
from shouye.watch.tally.model import without_secrets as without_secrets
from shouye.watch.tally.service import NotHeld as NotHeld
from shouye.watch.tally.service import count as count
from shouye.watch.tally.service import count_unmapped as count_unmapped
from shouye.watch.tally.service import counts as counts
from shouye.watch.tally.service import counts_by_day as counts_by_day
from shouye.watch.tally.service import drop_held as drop_held
from shouye.watch.tally.service import held as held
from shouye.watch.tally.service import held_one as held_one
from shouye.watch.tally.service import held_tally as held_tally
from shouye.watch.tally.service import hold as hold
from shouye.watch.tally.service import keep_pace as keep_pace
from shouye.watch.tally.service import minutes as minutes
from shouye.watch.tally.service import note as note
from shouye.watch.tally.service import settle_retried as settle_retried
