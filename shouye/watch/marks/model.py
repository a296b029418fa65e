"""人工标记 — one person's word over a span of a series, and the words for the quality of a reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Quality(StrEnum):
    """质量 — good is said by persons only, noted by machines; suspect warns and counts, bad is no value."""

    GOOD = "good"
    NOTED = "noted"
    SUSPECT = "suspect"
    BAD = "bad"

    @property
    def word(self) -> str:
        return {"good": "可用", "noted": "提示", "suspect": "可疑", "bad": "无效"}[self.value]


@dataclass(frozen=True)
class Mark:
    """人工标记 — a person says of a series over (since, until] that it is good, suspect, bad, or another value.

    Without `until` it holds until the next mark: a gauge known to be broken. The last mark over an instant counts.
    """

    id: int
    station: str
    element: str
    since: datetime
    until: datetime | None
    quality: Quality
    value: float | None
    why: str
    by: str
    at: datetime

    def covers(self, instant: datetime) -> bool:
        return self.since < instant and (self.until is None or instant <= self.until)
