"""登录与退出 — what access announces, by account id alone."""

from __future__ import annotations

from dataclasses import dataclass

from shouye.base.kernel import Fact


@dataclass(frozen=True, kw_only=True)
class SignedIn(Fact):
    """登录。"""


@dataclass(frozen=True, kw_only=True)
class SignedOut(Fact):
    """退出。"""
