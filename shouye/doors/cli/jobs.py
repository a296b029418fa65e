"""作业命令 — `shouye jobs list|retry|set-aside`: what the machine has given up, and what is done about it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shouye.base.access import OPERATOR
from shouye.base.kernel import dead_jobs, iso, retry, set_aside
from shouye.doors.cli.words import Where, opened, say

jobs_app = typer.Typer(help="停下的作业：查看、重试、写明理由搁置。", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="作业编号", show_default=False)]


@jobs_app.command("list")
def show(database: Where) -> None:
    """列出停下的作业：几次没有做成，不会再自己试。"""
    with opened(database) as found, found.read() as tx:
        dead = dead_jobs(tx)
    if not dead:
        say("没有停下的作业。")
        return
    table = Table("编号", "作业", "车道", "应办时刻", "最后一次为什么没有做成", box=None)
    for job in dead:
        table.add_row(str(job.id), job.kind, job.lane, iso(job.due_at), job.error or "")
    Console(highlight=False, soft_wrap=True).print(table)


@jobs_app.command("retry")
def again(database: Where, number: Number) -> None:
    """重试：回到原来的位置，重新有五次机会。"""
    with opened(database) as found, found.begin() as tx:
        retry(tx, number, OPERATOR.tag)
    say(f"作业 {number} 将重试")


@jobs_app.command("set-aside")
def leave(database: Where, number: Number, reason: Annotated[str, typer.Option("--reason", help="理由")]) -> None:
    """搁置：不再做它，理由与作业同存。"""
    with opened(database) as found, found.begin() as tx:
        set_aside(tx, number, reason, OPERATOR.tag)
    say(f"作业 {number} 已搁置：{reason.strip()}")
