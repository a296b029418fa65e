"""动态口令的事实 — bound and removed, by account id alone."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class FactorBound(Fact):
    """绑定动态口令。"""


@dataclass(frozen=True, kw_only=True)
class FactorRemoved(Fact):
    """解除动态口令。"""
