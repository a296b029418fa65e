"""人工叫醒 — a walk to a door, and what is refused about it and about a dial list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shouye.base.kernel import Refusal


class VisitClosed(Refusal):
    """这次上门已有结果，无需重复登记。"""


class AlreadyClaimed(Refusal):
    """另一位值班员正在拨打此人，请拨下一位。"""


@dataclass(frozen=True)
class Visit:
    """敲门 — somebody walks to a village for one notice; known people of it are woken at the door."""

    id: int
    notice: int
    division: str
    visitor: int | None
    visitor_post: str
    sent_by: str
    sent_at: datetime
    eta_at: datetime
    arrived_at: datetime | None
    result: str
