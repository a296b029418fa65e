"""数据库命令 — `shouye db init|upgrade|status|backup|restore|standby|revise`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from shouye.base.kernel import (
    LEASE,
    Database,
    Lease,
    Mode,
    back_up,
    hold,
    holder_name,
    holdings,
    iso,
    restore,
    schema_head,
    until_up,
    vault_for,
    vault_path,
)
from shouye.base.roster import has_city, import_city, load_city
from shouye.doors.cli.words import DataOption, Where, opened, say, unhindered

ROLES = ("engine", "clock")
"""只由一个进程担任的角色 — judging, and the clock with its jobs, ladders and calls."""

Duty = Callable[[Database, Sequence[Lease], threading.Event, Path | None], None]
"""值守 — what a process does while it holds the roles, until the event is set, sealing with the key in the folder;
given by the assembly."""


class ModeWord(StrEnum):
    """运行方式，命令行上的写法。"""

    SIMULATION = "simulation"
    TEST = "test"
    ACTUAL = "actual"

    @property
    def mode(self) -> Mode:
        return Mode[self.name]


ModeOption = Annotated[ModeWord, typer.Option("--mode", help="运行方式：演练、通信测试、实战")]


def make_db(duty: Duty) -> typer.Typer:
    """The commands, bound to the assembly's duty."""
    app = typer.Typer(help="数据库：建库、升级、备份、恢复、待命。", no_args_is_help=True)
    for command in (init, upgrade, status, backup, restore_backup):
        app.command(command.__name__.removesuffix("_backup"))(command)
    app.command("standby")(make_standby(duty))
    app.command("revise", hidden=True)(revise_schema)
    return app


def init(
    database: Where,
    city: Annotated[Path, typer.Option("--city", help="城市数据目录，如 cities/datong")],
    mode: ModeOption,
    data: DataOption = None,
) -> None:
    """建库：建表、记下运行方式、导入城市；已建的库只核对。"""
    with opened(database, new=True) as found:
        files = load_city(city)
        found.create(mode.mode, files.id)
        found.install(vault_for(found.engine.url, mode.mode, data / "keys" if data else None))
        with found.begin() as tx:
            new = not has_city(tx)
            if new:
                import_city(tx, files)
    say(f"{'已建库' if new else '库已存在，核对无误'}：{mode.mode.word}，城市 {files.id}，库结构 {schema_head()}")


def upgrade(database: Where) -> None:
    """升级：把旧库的结构升到本程序的版本；先备份。"""
    with opened(database, new=True) as found:
        before, after = found.upgrade()
    say(f"库结构 {before} → {after}" if before != after else f"库结构已是 {after}")


def status(database: Where) -> None:
    """查看：库结构，谁在担任哪个角色。"""
    with opened(database, new=True) as found:
        here = found.version()
        say(f"库结构 {here or '空'}（程序 {schema_head()}）")
        if here == schema_head():
            _say_holders(found)


def backup(database: Where, file: Annotated[Path, typer.Argument(help="备份文件，不得已存在")]) -> None:
    """备份：运行中即可；写完读通才算数。"""
    with opened(database) as found:
        made = back_up(found, file)
    size_mb = file.stat().st_size / 1e6
    say(f"已备份并读通：{file}，{size_mb:.1f} MB，{made.mode.word}，城市 {made.city}，库结构 {made.version}")


def restore_backup(
    database: Where, file: Annotated[Path, typer.Argument(help="备份文件")], mode: ModeOption
) -> None:
    """恢复：只进空库，只进同一运行方式。"""
    with opened(database, new=True) as found:
        got = restore(file, found, mode.mode)
    later = "" if got.version == schema_head() else "；库结构较旧，请运行 shouye db upgrade"
    say(f"已恢复：{got.mode.word}，城市 {got.city}，库结构 {got.version}{later}")


def make_standby(duty: Duty) -> Callable[..., None]:
    """The command `standby`, bound to what is to be done after the take-over."""

    def standby(
        database: Where,
        lease_s: Annotated[float, typer.Option("--lease", min=0.5, help="租期（秒），各进程须一致")] = (
            LEASE.total_seconds()
        ),
        data: Annotated[
            Path | None,
            typer.Option("--data", help="数据目录，内有签名私钥、联系方式的密钥；不给则只接管，不封存"),
        ] = None,
    ) -> None:
        """待命：值守的进程一旦静默满租期，即接管引擎与时钟。"""
        stop = threading.Event()
        for end in (signal.SIGTERM, signal.SIGINT):
            signal.signal(end, lambda *_: stop.set())

        def take_over(fenced: Database, leases: Sequence[Lease], over: threading.Event) -> None:
            tell_leases(leases, say)
            duty(fenced, leases, over, data / "keys" if data else None)

        if not until_up(database, stop, say):
            return
        with unhindered(), opened(database) as found:
            vault_path(found.engine.url, data / "keys" if data else None)  # asked now, not in the night
            _say_holders(found)
            say("待命中，Ctrl-C 结束")
            hold(found, ROLES, holder_name(), take_over, stop, timedelta(seconds=lease_s))
        say("已交班")

    return standby


def revise_schema(message: Annotated[str, typer.Argument(help="这一步改了什么（英文）")]) -> None:
    """开发用：把各室声明的表与已有各步的差别写成下一步。"""
    with TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/steps", new=True) as found:
        found.upgrade()
        written = found.revise(message)
    say(str(written) if written else "没有差别")


def tell_leases(leases: Sequence[Lease], say: Callable[[str], None]) -> None:
    """接管了什么 — the role, its term, and how long nobody was there."""
    for lease in leases:
        silent = "" if lease.silent_for is None else f"，原值守静默 {lease.silent_for.total_seconds():.1f} 秒"
        say(f"已接管 {lease.role}（第 {lease.fence} 任{silent}）")


def _say_holders(database: Database) -> None:
    with database.read() as tx:
        held = holdings(tx)
    if not held:
        say("尚无进程值守")
    for one in held:
        state = "值守中" if one.alive else "已静默"
        say(f"{one.role}：{one.holder}，第 {one.fence} 任，{state}，上次续任 {iso(one.renewed_at)}")
