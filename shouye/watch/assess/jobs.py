"""研判的作业 — every stored batch wakes the judge, in order, one transaction each."""

from __future__ import annotations

from typing import Any

from shouye.base.kernel import Tx, handles
from shouye.watch.assess import store
from shouye.watch.assess.service import Assessor, judge


def install(tx: Tx, assessor: Assessor) -> None:
    """启用研判 — record which tables are in force and let this assessor answer every wake-up of this process."""
    store.activate(tx, assessor.watches)

    def wake(tx: Tx, payload: dict[str, Any]) -> None:
        judge(tx, assessor, int(payload["batch"]))

    handles("assess.wake", wake)
