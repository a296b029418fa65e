"""值守命令 — `shouye run`: the city's program, whole in one process or a part of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console

from shouye.base.kernel import Mode, Refusal, until_up
from shouye.doors.cli.db import ModeWord
from shouye.doors.cli.words import unhindered


class OneWriter(Refusal):
    """SQLite 只容一个进程写；要把角色分到几个进程，请用 PostgreSQL（--database）。"""


class FictionalPeople(Refusal):
    """花名册里有虚构人员，不能用于实战；请在城市目录放入真实的 holders.csv。"""


class Role(StrEnum):
    """进程角色 — the parts of which a large city's program is made (design.md 4)."""

    WEB = "web"
    INTAKE = "intake"
    ENGINE = "engine"
    CLOCK = "clock"


@dataclass(frozen=True)
class RunPlan:
    """怎样值守 — which city in which mode, where its data are, which parts run here."""

    city: Path
    mode: Mode
    data: Path
    database: str | None
    roles: tuple[Role, ...]
    host: str
    port: int
    heartbeat_file: Path | None = None
    heartbeat_url: str = ""

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'shouye.sqlite'}"


class Station(Protocol):
    """What the command is given by the assembly."""

    def city(self, name: str) -> Path: ...

    def run(self, plan: RunPlan, stop: threading.Event, say: Callable[[str], None]) -> None: ...


def make_run(station: Station) -> Callable[..., None]:
    """The command, bound to the assembly."""

    def run(
        city: Annotated[str, typer.Option("--city", help="城市：cities 下的目录名，或目录路径")] = "datong",
        mode: Annotated[
            ModeWord, typer.Option("--mode", help="运行方式：演练、通信测试、实战")
        ] = ModeWord.SIMULATION,
        data: Annotated[Path, typer.Option("--data", help="数据目录：库（未另指定时）、签名私钥")] = Path(
            "var/run"
        ),
        database: Annotated[
            str | None,
            typer.Option(
                "--database", "-d", envvar="SHOUYE_DATABASE", help="数据库地址；不给则用数据目录里的 SQLite"
            ),
        ] = None,
        role: Annotated[
            list[Role] | None, typer.Option("--role", help="本进程担任的角色，可多次给出；不给即全部")
        ] = None,
        host: Annotated[str, typer.Option("--host", help="控制台地址")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="控制台端口")] = 8080,
        heartbeat_file: Annotated[
            Path | None, typer.Option("--heartbeat-file", help="对外心跳：每分钟写一次时刻的文件，供外部看守")
        ] = None,
        heartbeat_url: Annotated[
            str,
            typer.Option(
                "--heartbeat-url", envvar="SHOUYE_HEARTBEAT_URL", help="对外心跳：每分钟访问一次的看守地址"
            ),
        ] = "",
    ) -> None:
        """值守：接收、判断、叫应、控制台。

        一个进程全部担任，或用 --role 分开（分开须用 PostgreSQL）。
        """
        with unhindered():
            console = Console(highlight=False, soft_wrap=True)
            stop = threading.Event()
            for end in (signal.SIGTERM, signal.SIGINT):
                signal.signal(end, lambda *_: stop.set())
            try:
                place, roles = station.city(city), tuple(role or Role)
                plan = RunPlan(place, mode.mode, data, database, roles, host, port, heartbeat_file, heartbeat_url)

                def say(line: str) -> None:
                    console.print(line, markup=False)

                if until_up(plan.url, stop, say):
                    station.run(plan, stop, say)
            except Refusal as refusal:
                Console(stderr=True, soft_wrap=True).print(refusal.message, style="bold", markup=False)
                raise typer.Exit(2) from None
            console.print("已停止。")

    return run
