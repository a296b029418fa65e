"""作业停下之后 — what the machine has given up is a task of the duty office, until it is done or set aside."""

from __future__ import annotations

from shouye.base.access import named
from shouye.base.kernel import Fact, JobDied, JobRecovered, JobSetAside, Tx, dead_jobs, on
from shouye.base.tasks import service
from shouye.base.tasks.model import UPKEEP, NewTask, Upkeep


@on(JobDied)
def owe_a_look(fact: JobDied, tx: Tx) -> None:
    """Where no post is named for it, the red line on the screens is all there is."""
    upkeep: Upkeep | None = tx.installed.get(Upkeep)
    lies_dead = any(f"job:{job.id}" == fact.subject for job in dead_jobs(tx))
    if upkeep is None or not lies_dead or _owed(tx, fact):
        return
    new = NewTask(
        kind=UPKEEP,
        group=fact.subject,
        title=f"一件作业停下了：{fact.job_kind}（{fact.lane}），查明原因后重试，或写明理由搁置",
        division=upkeep.division,
        owner=upkeep.owner,
        due_at=tx.now + upkeep.within,
        ladder=UPKEEP,
    )
    service.open_tasks(tx, [new])


@on(JobRecovered)
def owe_nothing_more(fact: JobRecovered, tx: Tx) -> None:
    """重试成功。"""
    service.complete(tx, named(fact.actor), _owed(tx, fact))


@on(JobSetAside)
def owe_nothing_for_it(fact: JobSetAside, tx: Tx) -> None:
    """写明理由搁置。"""
    service.complete(tx, named(fact.actor), _owed(tx, fact))


def _owed(tx: Tx, fact: Fact) -> list[int]:
    return [task.id for task in service.in_group(tx, fact.subject, UPKEEP) if task.closed_at is None]
