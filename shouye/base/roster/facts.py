"""花名册的事实 — what the register announces."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class CityImported(Fact):
    """城市已导入 — how many records came in; names stay in the register."""

    divisions: int
    posts: int
    persons: int
    stations: int


@dataclass(frozen=True, kw_only=True)
class ContactsResealed(Fact):
    """联系方式换密钥 — how many were sealed anew, and the number of the key."""

    count: int
    key: int
