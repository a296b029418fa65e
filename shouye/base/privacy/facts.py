"""到期销毁的事实 — of what kind and how many; whose it was is gone with it."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class PersonalDataErased(Fact):
    """到期销毁。"""

    erased: int
    before: str
