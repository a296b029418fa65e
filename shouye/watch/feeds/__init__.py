"""数据接入块 — every source (数据来源) as one block of feeds.toml: whose it is, how it is heard, whom we believe.

Bytes come by a transport (传输), a codec makes messages of them, a `Reception` (接收台) stores what the block
allows and only then lets the sender know. What cannot be taken lies in quarantine (隔离区)
with its bytes and the reason.
"""

from shouye.watch.feeds.blocks import Proof as Proof
from shouye.watch.feeds.blocks import prove as prove
from shouye.watch.feeds.facts import SignalHeard as SignalHeard
from shouye.watch.feeds.jobs import Reception as Reception
from shouye.watch.feeds.jobs import StorageAway as StorageAway
from shouye.watch.feeds.jobs import listen as listen
from shouye.watch.feeds.jobs import load as load
from shouye.watch.feeds.jobs import reception as reception
from shouye.watch.feeds.meanings import units as units
from shouye.watch.feeds.model import BadFeed as BadFeed
from shouye.watch.feeds.model import ElementRule as ElementRule
from shouye.watch.feeds.model import Feed as Feed
from shouye.watch.feeds.model import HeardSignal as HeardSignal
from shouye.watch.feeds.model import Outcome as Outcome
from shouye.watch.feeds.model import Parcel as Parcel
from shouye.watch.feeds.model import Receipt as Receipt
from shouye.watch.feeds.model import Standing as Standing
from shouye.watch.feeds.model import fields_of as fields_of
from shouye.watch.feeds.model import translate as translate
from shouye.watch.feeds.service import heard_signals as heard_signals
from shouye.watch.feeds.service import hot_spots as hot_spots
from shouye.watch.feeds.service import quakes as quakes
from shouye.watch.feeds.service import read_feeds as read_feeds
from shouye.watch.feeds.service import read_measures as read_measures
from shouye.watch.feeds.service import read_voices as read_voices
from shouye.watch.feeds.service import retry_held as retry_held
from shouye.watch.feeds.service import signal_of as signal_of
from shouye.watch.feeds.service import signals as signals
from shouye.watch.feeds.service import take as take
from shouye.watch.feeds.store import StoredSignal as StoredSignal
from shouye.watch.feeds.transports import all_transports as all_transports
