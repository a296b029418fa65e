"""示范命令 — `shouye demo`: the reconstructed night from end to end, then again to watch it happen."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shouye.after import review
from shouye.base.kernel import Refusal
from shouye.doors.cli.drill import Stage, play_through, tell_laying, tell_night, tell_sums, write
from shouye.watch.intake import Storm

BEFORE_PEAK = timedelta(hours=1, minutes=5)
"""How long before the worst hour the live part begins."""


def make_demo(stage: Stage, city: Path) -> Callable[..., None]:
    """The command, bound to the assembly and the reference city."""

    def demo(
        speed: Annotated[float, typer.Option("--speed", help="看的时候用几倍速")] = 20.0,
        port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="控制台端口；被占用时自动换")] = 8080,
        out: Annotated[Path, typer.Option("--out", help="总结、名单、记录写到此目录")] = Path("out/demo"),
        seed: Annotated[int, typer.Option("--seed", help="随机种子")] = 1,
        serve: Annotated[bool, typer.Option("--serve/--no-serve", help="演完后打开控制台再看一遍")] = True,
    ) -> None:
        """示范：重构的特大暴雨在大同演一夜。

        雨只有总量是真的。写出总结，再打开控制台看它发生。
        """
        console = Console(highlight=False, soft_wrap=True)
        storm = city / "scenarios" / "zhengzhou-2021-07-20" / "storm.csv"
        plan = review.DrillPlan(storm=storm, city=city, seed=seed)
        try:
            with stage.folder(out) as folder:
                staged = stage.prepare(plan, folder)
                tell_laying(console, staged)
                play_through(console, staged)
                result = staged.result()
                tell_night(console, result)
                tell_sums(console, result)
                write(console, staged.papers(result), None, out)
            if not serve:
                return
            console.rule("现在看它发生", align="left")
            with stage.folder(None) as folder:
                staged = stage.prepare(plan, folder)
                begin = worst_hour_end(staged.storm) - BEFORE_PEAK
                console.print(f"先尽快演到 {begin:%m-%d %H:%M}，再以 {speed:g} 倍速进行。用下面任一账号登录：")
                staged.play(lambda _: None, begin)
                staged.serve(
                    "127.0.0.1",
                    free_port(port),
                    speed,
                    threading.Event(),
                    lambda line: console.print(line),
                    lambda line: Console(stderr=True, soft_wrap=True).print(line, style="bold"),
                    stay=True,
                )
        except Refusal as refusal:
            Console(stderr=True).print(refusal.message, style="bold")
            raise typer.Exit(2) from None

    return demo


def free_port(wanted: int) -> int:
    """The wanted port, or the next one that nobody holds."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    return wanted


def worst_hour_end(storm: Storm) -> datetime:
    """When the heaviest interval of the storm ends."""
    readings = [(value or 0.0, at) for points in storm.series.values() for at, value in points]
    return max(readings)[1]
