"""召测 — an order to a device and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shouye.base.kernel import BEIJING
from shouye.watch.intake import Decoded, Inquiry

WITHIN = timedelta(days=1)
"""过期 — an order whose device has not come for so long is not sent any more (proposed)."""
MOST_TIMES = 3
"""How often an order goes out whose line breaks before the answer (proposed; SL 651 6.3.2.3 resends as often)."""
MOST_WAITING = 500
"""Orders under way in one feed (proposed)."""


class OrderState(StrEnum):
    """召测状态。"""

    WAITING = "waiting"
    SENT = "sent"
    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    OrderState.WAITING: "等设备上线",
    OrderState.SENT: "已发，等答复",
    OrderState.ANSWERED: "已答复",
    OrderState.REFUSED: "设备拒绝",
    OrderState.UNANSWERED: "没有答复",
    OrderState.WITHDRAWN: "已撤回",
}
UNDER_WAY = (OrderState.WAITING, OrderState.SENT)


@dataclass(frozen=True)
class Order:
    """召测 — one command to one device: `station` in the words of its feed, `place` our station."""

    id: int
    feed: str
    station: str
    place: str
    county: str
    command: str
    begin: datetime | None
    end: datetime | None
    elements: tuple[str, ...]
    ordered_at: datetime
    ordered_by: str
    state: OrderState
    times: int
    settled_at: datetime | None
    told: str

    @property
    def inquiry(self) -> Inquiry:
        return Inquiry(self.station, self.begin, self.end, self.elements)

    def is_stale(self, now: datetime) -> bool:
        """It waited too long: not sent any more."""
        return self.state in UNDER_WAY and now - self.ordered_at > WITHIN


_MOST_TOLD = 60
"""Lines of an answer that are kept beside the order; the readings themselves are stored as all others."""


def tell(message: Decoded) -> str:
    """答复 — what the device said, line by line, in words."""
    said = message.fields
    lines = [f"{one['term']} {one['value']} {one['unit']}".strip() for one in _list(said.get("parameters"))]
    if isinstance(states := said.get("status"), list):
        lines.append(f"状态 {'、'.join(map(str, states)) or '正常'}")
    if isinstance(text := said.get("text"), str) and text:
        lines.append(text)
    if isinstance(events := said.get("events"), dict):
        lines += [f"{term} {count} 次" for term, count in events.items() if count]
    if isinstance(said.get("cp"), list) and not message.readings:
        lines += ["=".join(field) for item in _list(said["cp"]) for field in item]
    for one in message.readings:
        value = "缺测" if one.value is None else f"{one.value:g}" if isinstance(one.value, float) else one.value
        at = f"{one.time.astimezone(BEIJING):%Y-%m-%d %H:%M:%S} " if one.time else ""
        lines.append(f"{at}{one.element} {value} {one.unit}".strip())
    if message.sent is not None:
        lines.append(f"设备报出的时间 {message.sent.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}")
    beyond = [f"……共 {len(lines)} 行"] if len(lines) > _MOST_TOLD else []
    return "\n".join([*lines[:_MOST_TOLD], *beyond])


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []
