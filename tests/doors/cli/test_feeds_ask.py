"""`shouye feeds ask` — a device is asked from the command line; what cannot be asked is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shouye.base.access import WHOLE
from shouye.base.kernel import Database, Mode, WallClock
from shouye.main import cli
from shouye.watch import downlink, stations
from shouye.watch.downlink import OrderState


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'town.db'}"
    base = Database(url, WallClock(), durable=False)
    base.create(Mode.SIMULATION, "datong")
    with base.begin() as tx:
        stations.watch(tx, {"53487": "dt-c01"}, ["dt-c01"])
    base.close()
    return url


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["feeds", *words], env={"COLUMNS": "200", "SHOUYE_DATABASE": ""})


def test_what_can_be_asked_is_listed() -> None:
    assert "set-clock　校时" in run("ask", "hydrology").stdout
    assert "要写明 --from、--to" in run("ask", "pollution").stdout
    assert "没有能发的命令" in run("ask", "push").stdout


def test_an_order_is_given_seen_and_taken_back(database: str) -> None:
    told = run("ask", "hydrology", "53487", "now", "-d", database)
    assert (told.exit_code, told.stdout) == (0, "召测 1 已下达：53487　查询实时数据\n")
    waited = run("ask", "hydrology", "0014020001", "clock", "-d", database, "--wait", "1")
    assert (waited.exit_code, "等设备上线" in waited.stdout) == (1, True)
    times = ("--from", "2026-07-20T00:00:00", "--to", "2026-07-20T06:00:00")
    assert (
        run("ask", "hydrology", "53487", "period", *times, "--element", "stage_m", "-d", database).exit_code == 0
    )
    assert run("unask", "1", "-d", database).stdout == "召测 1 已撤回\n"
    base = Database(database, WallClock())
    with base.begin() as tx:
        downlink.moved(tx, 2, OrderState.SENT)
        downlink.moved(tx, 2, OrderState.ANSWERED, "设备报出的时间 2026-07-20 08:00:00")
        assert [one.state.value for one in downlink.orders(tx, WHOLE)] == ["waiting", "answered", "withdrawn"]
    base.close()
    listed = run("asked", "hydrology", "-d", database).stdout
    assert "clock　已答复\n    设备报出的时间 2026-07-20 08:00:00" in listed
    assert run("asked", "push", "-d", database).stdout == "没有召测\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("hydrology", "99999", "now"), "不在接入块 hydrology 的站点表里"),
        (("hydrology", "53487", "open-gate"), "没有命令 open-gate"),
        (("hydrology", "53487", "period"), "要写明起始时间、截止时间、要素"),
        (("nothing",), "接入块 nothing"),
    ],
)
def test_what_cannot_be_asked_is_said(database: str, words: tuple[str, ...], why: str) -> None:
    told = run("ask", *words, "-d", database)
    assert (told.exit_code, why in told.stderr) == (2, True)


def test_an_order_needs_a_database() -> None:
    assert "请用 --database 指明数据库" in run("ask", "hydrology", "53487", "now").stderr
    assert "数据库地址写得不对" in run("asked", "-d", "somewhere").stderr
