"""手机应答页 — the person presses a button on a page opened by a short-lived token."""

from shouye.base.delivery.model import Channel
from shouye.base.kernel import Mode

CHANNEL = Channel(key="phone_page", term="手机应答页", modes=frozenset(Mode), automatic=False)
