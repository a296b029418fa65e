"""研判的作业 — each stored batch wakes the judge, one transaction each; a start loads gauges in portions."""

from __future__ import annotations

from typing import Any

from shouye.base.kernel import Tx, handles
from shouye.watch.assess import store
from shouye.watch.assess.service import Assessor, begin_recovery, judge, judge_reset, recover


def install(tx: Tx, assessor: Assessor, *, ahead: bool = True) -> None:
    """启用研判 — record which tables are in force and let this assessor answer every wake-up of this process.

    Gauges heard before are loaded `ahead`, in portions; or else each when it is heard again, by the job that
    judges it, so that a drill that goes on does nothing that it would not have done.
    """
    store.activate(tx, assessor.watches)

    def wake(tx: Tx, payload: dict[str, Any]) -> None:
        judge(tx, assessor, int(payload["batch"]))

    def load(tx: Tx, payload: dict[str, Any]) -> None:
        recover(tx, assessor)

    def reset(tx: Tx, payload: dict[str, Any]) -> None:
        judge_reset(tx, assessor, int(payload["reset"]))

    handles("assess.wake", wake)
    handles("assess.recover", load)
    handles("assess.reset", reset)
    begin_recovery(tx, assessor, ahead=ahead)
