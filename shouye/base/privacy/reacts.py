"""左边各室所存的个人信息 — kept by rooms that stand before this one, registered here for them."""

from __future__ import annotations

from datetime import datetime

from shouye.base import access, roster
from shouye.base.kernel import Tx
from shouye.base.privacy.model import Eraser, keeps


def _eraser(table: str) -> Eraser:
    def erase(tx: Tx, before: datetime, truly: bool) -> int:
        return access.erase_old(tx, table, before, truly)

    return erase


keeps("contacts", "离任人员的联系方式", roster.erase_contacts)
for kind, table, term in (
    ("answer_tokens", "answer_token", "应答令牌"),
    ("sessions", "session", "登录会话"),
    ("read_log", "read_log", "查阅记录"),
):
    keeps(kind, term, _eraser(table))
