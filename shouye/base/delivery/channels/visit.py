"""上门敲门 — somebody goes to the door and reports what he found."""

from shouye.base.delivery.model import Channel
from shouye.base.kernel import Mode

CHANNEL = Channel(key="visit", term="上门敲门", modes=frozenset(Mode), automatic=False)
