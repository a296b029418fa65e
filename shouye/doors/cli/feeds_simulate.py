"""模拟来数 — `shouye feeds simulate NAME`: what the stations of a block might send, on loopback, for a drill only.

It refuses a database that is not of Simulation. Every protocol has a file in simulated/, every transport one in
carried/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from shouye.base.kernel import BadInput, Database, Mode, NotFound, Refusal, read_stamp
from shouye.doors.cli.feeds import blocks
from shouye.doors.cli.simulation import Plan, all_carriers, all_makers
from shouye.doors.cli.words import CityOption, FindCity, Where, opened

_NOBODY = "没有人来取（接收端连不上时越等越久才再连，可加长 --for）"


class NotForDrill(Refusal):
    """这不是演练库，不能往里送模拟数据。"""


def make_simulate(find: FindCity) -> Callable[..., None]:
    def simulate(
        name: Annotated[str, typer.Argument(help="接入块的名称")],
        database: Where,
        city: CityOption = "datong",
        rate: Annotated[float, typer.Option("--rate", min=0.01, max=10_000, help="每秒几条")] = 1.0,
        seconds: Annotated[float, typer.Option("--for", min=0.1, help="持续多少秒")] = 10.0,
        port: Annotated[int, typer.Option("--port", help="本机端口；不给则用接入块里的")] = 0,
        key: Annotated[str, typer.Option("--key", envvar="SHOUYE_PUSH_KEY", help="HTTP 推送的密钥")] = "",
    ) -> None:
        """模拟一个来源：照接入块里的站造数据，送到本机或在本机供取，只用于演练库。"""
        with opened(database) as found:
            _check_drill(found)
            known = blocks(find(city))
            if name not in known:
                raise NotFound(f"接入块 {name}")
            plan = Plan(known[name], rate, seconds, port, key)
            try:
                told = all_carriers()[plan.feed.transport].carry(plan)
            except OSError as error:
                raise BadInput(f"本机连不上或中途断开：{error}") from None
        words = "，".join(f"{word} {told[word]}" for word in sorted(told)) or _NOBODY
        typer.echo(f"【演练】{plan.feed.term}：{words}")
        maker = all_makers().get(plan.feed.codec_name)
        typer.echo(f"演练标记：{maker.marked if maker and maker.marked else '这种规约没有写明演练的位置'}")

    return simulate


def _check_drill(database: Database) -> None:
    with database.read() as tx:
        if read_stamp(tx).get("mode") != Mode.SIMULATION.value:
            raise NotForDrill
