"""送达 — outbox, channels (渠道) and what came back (回执).

An outside act is three steps: an attempt is written (intent), the channel acts with no transaction open, the
outcome is written. Outcomes are Delivered, Refused or Unknown and are kept. What comes back waits in an inbox
(收件处) until the transaction that takes it in has committed. Channels are a shelf; a mode builds only those
allowed in it: a drill has no real channel to dial.
"""

from shouye.base.delivery.channels.simulated import People as People
from shouye.base.delivery.channels.simulated import SimulatedTelephone as SimulatedTelephone
from shouye.base.delivery.channels.simulated import read_people as read_people
from shouye.base.delivery.jobs import Exchange as Exchange
from shouye.base.delivery.model import FOLLOW_UPS as FOLLOW_UPS
from shouye.base.delivery.model import Attempt as Attempt
from shouye.base.delivery.model import Banner as Banner
from shouye.base.delivery.model import Channel as Channel
from shouye.base.delivery.model import NewAttempt as NewAttempt
from shouye.base.delivery.model import Outcome as Outcome
from shouye.base.delivery.model import RecallingSender as RecallingSender
from shouye.base.delivery.model import Receipt as Receipt
from shouye.base.delivery.model import Reply as Reply
from shouye.base.delivery.model import Sender as Sender
from shouye.base.delivery.model import Switchboard as Switchboard
from shouye.base.delivery.model import all_channels as all_channels
from shouye.base.delivery.service import attempts_of as attempts_of
from shouye.base.delivery.service import busy_persons as busy_persons
from shouye.base.delivery.service import by_hand as by_hand
from shouye.base.delivery.service import channel_health as channel_health
from shouye.base.delivery.service import delivered as delivered
from shouye.base.delivery.service import open_attempts as open_attempts
from shouye.base.delivery.service import reached as reached
from shouye.base.delivery.service import receive as receive
from shouye.base.delivery.service import recover as recover
from shouye.base.delivery.service import spoken_to as spoken_to
from shouye.base.delivery.service import take_in as take_in
from shouye.base.delivery.service import waiting_since as waiting_since
