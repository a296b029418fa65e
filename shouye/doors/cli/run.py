"""值守命令 — `shouye run`: the console on this machine over a quiet city."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console

from shouye.base.kernel import Refusal


class QuietStage(Protocol):
    """What the command is given by the assembly."""

    def city(self, name: str) -> Path: ...

    def quiet_night(self, city: Path, folder: Path, host: str, port: int, say: Callable[[str], None]) -> None: ...


def make_run(stage: QuietStage) -> Callable[..., None]:
    """The command, bound to the assembly."""

    def run(
        city: Annotated[str, typer.Option("--city", help="城市：cities 下的目录名，或目录路径")] = "datong",
        data: Annotated[Path, typer.Option("--data", help="数据目录")] = Path("var/night"),
        host: Annotated[str, typer.Option("--host", help="控制台地址")] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", help="控制台端口")] = 8080,
    ) -> None:
        """打开控制台（演练方式，没有暴雨过程）：认识各个画面。"""
        console = Console(highlight=False, soft_wrap=True)
        try:
            stage.quiet_night(stage.city(city), data, host, port, lambda line: console.print(line))
        except Refusal as refusal:
            Console(stderr=True).print(refusal.message, style="bold")
            raise typer.Exit(2) from None

    return run
