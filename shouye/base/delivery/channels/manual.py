"""人工拨打 — an officer dials from an ordered list and presses what happened."""

from shouye.base.delivery.model import Channel
from shouye.base.kernel import Mode

CHANNEL = Channel(key="manual", term="人工拨打", modes=frozenset(Mode), automatic=False)
