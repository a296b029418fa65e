"""账号与密钥命令 — `shouye access user|key …`: what an Actual system is started with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shouye.base.access import (
    MIN_PASSWORD,
    OPERATOR,
    Purpose,
    Role,
    User,
    add_user,
    close_user,
    issue_key,
    keys,
    new_token,
    revoke_key,
    set_password,
    steady_now,
    user_named,
    users,
)
from shouye.base.kernel import (
    BEIJING,
    BadInput,
    Tx,
    make_vault,
    rotate_vault,
    vault_path,
)
from shouye.base.privacy import Retention, kinds, read_retention, sweep
from shouye.base.proof import remove as remove_factor
from shouye.base.roster import seal_contacts_again, snapshot
from shouye.doors.cli.words import DataOption, Where, opened, say, told

access_app = typer.Typer(help="账号与接口密钥。", no_args_is_help=True)
user_app = typer.Typer(help="账号：开户、列出、销户、改密码。", no_args_is_help=True)
key_app = typer.Typer(help="接口密钥：发、列出、作废。", no_args_is_help=True)
contact_app = typer.Typer(help="联系方式的密钥：生成、更换。", no_args_is_help=True)
access_app.add_typer(user_app, name="user")
access_app.add_typer(key_app, name="key")
access_app.add_typer(contact_app, name="contacts")

Days = Annotated[int, typer.Option("--days", min=1, help="有效天数")]
Division = Annotated[str, typer.Option("--division", help="管辖范围：区划编号，如 dt 或 dt-c08")]
Login = Annotated[str, typer.Argument(help="登录名", show_default=False)]
Drawn = Annotated[bool, typer.Option("--draw", help="由程序生成密码并显示一次，否则当场输入")]


@user_app.command("add")
def add(
    database: Where,
    login: Login,
    name: Annotated[str, typer.Option("--name", help="姓名")],
    role: Annotated[str, typer.Option("--role", help="viewer 只读、duty 值班员、leader 带班领导、admin 管理员")],
    division: Division,
    posts: Annotated[list[str] | None, typer.Option("--post", help="所任岗位，可多个")] = None,
    days: Days = 365,
    draw: Drawn = False,
) -> None:
    """开户：账号都有期限。"""
    password = _password(draw)
    with _writing(database) as tx:
        _known(tx, division, posts or [])
        if role not in [one.value for one in Role]:
            raise BadInput(f"没有这个角色：{role}")
        until = steady_now() + timedelta(days=days)
        add_user(
            tx,
            OPERATOR,
            login=login,
            name=name,
            password=password,
            role=Role(role),
            division=division,
            posts=tuple(posts or ()),
            expires_at=until,
        )
    say(f"已开户 {login}，至 {until.astimezone(BEIJING):%Y-%m-%d}")
    if draw:
        say(f"密码（只显示这一次）：{password}")


@user_app.command("list")
def list_users(database: Where) -> None:
    """列出账号。"""
    with _writing(database) as tx:
        found = users(tx)
    table = Table("登录名", "姓名", "角色", "范围", "岗位", "期限")
    for one in found:
        table.add_row(one.login, one.name, one.role.word, one.division, " ".join(one.posts), _until(one))
    _print(table)


@user_app.command("close")
def close(database: Where, login: Login) -> None:
    """销户：立即退出其全部登录。"""
    with _writing(database) as tx:
        close_user(tx, OPERATOR, login)
    say(f"已销户 {login}")


@user_app.command("password")
def password(database: Where, login: Login, draw: Drawn = False) -> None:
    """改设密码：原来的登录全部退出。"""
    fresh = _password(draw)
    with _writing(database) as tx:
        set_password(tx, OPERATOR, login, fresh)
    say(f"已改设 {login} 的密码")
    if draw:
        say(f"密码（只显示这一次）：{fresh}")


@user_app.command("reset-factor")
def reset_factor(database: Where, login: Login) -> None:
    """解除动态口令：手机丢了时用；下次签发前须重新绑定。"""
    with _writing(database) as tx:
        remove_factor(tx, OPERATOR, user_named(tx, login))
    say(f"已解除 {login} 的动态口令")


@key_app.command("issue")
def issue(
    database: Where,
    purpose: Annotated[Purpose, typer.Option("--purpose", help="read 读取，push 推送一个数据接入")],
    division: Division,
    feed: Annotated[str, typer.Option("--feed", help="推送到哪个数据接入（feeds.toml 中的名称）")] = "",
    note: Annotated[str, typer.Option("--note", help="给谁用")] = "",
    days: Days = 90,
) -> None:
    """发密钥：只显示一次，库中只存摘要。"""
    with _writing(database) as tx:
        _known(tx, division, [])
        key, token = issue_key(tx, OPERATOR, purpose=purpose, division=division, days=days, feed=feed, note=note)
    until = f"{key.expires_at.astimezone(BEIJING):%Y-%m-%d}"
    say(f"密钥 {key.id}（{purpose.word}，{division}{'，' + feed if feed else ''}，至 {until}）只显示这一次：")
    typer.echo(token)


@key_app.command("list")
def list_keys(database: Where) -> None:
    """列出密钥。"""
    with _writing(database) as tx:
        found = keys(tx)
    table = Table("编号", "用途", "范围", "数据接入", "给谁用", "期限", "状态")
    for one in found:
        state = "有效" if one.holds(steady_now()) else "已作废" if one.revoked_at else "已过期"
        until = f"{one.expires_at.astimezone(BEIJING):%Y-%m-%d}"
        table.add_row(str(one.id), one.purpose.word, one.division, one.feed, one.note, until, state)
    _print(table)


@key_app.command("revoke")
def revoke(database: Where, number: Annotated[int, typer.Argument(help="密钥编号", show_default=False)]) -> None:
    """作废密钥：立即失效。"""
    with _writing(database) as tx:
        revoke_key(tx, OPERATOR, number)
    say(f"已作废密钥 {number}")


@access_app.command("sweep")
def sweep_personal(
    database: Where,
    city: Annotated[Path, typer.Option("--city", help="城市数据目录，取其中的 retention.toml")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只数不删")] = False,
) -> None:
    """到期销毁个人信息：程序每天自动做一次；这里可以先看会销毁多少。"""
    with _writing(database, read_retention(city / "retention.toml")) as tx:
        found = sweep(tx, OPERATOR, truly=not dry_run)
        days = {kind: period.days for kind, period in tx.of(Retention).periods.items()}
    table = Table("类别", "保存天数", "将销毁" if dry_run else "已销毁")
    for kind, kept in sorted(kinds().items()):
        table.add_row(kept.term, str(days[kind]), str(found[kind]))
    _print(table)


@contact_app.command("make-key")
def make_key(database: Where, data: DataOption = None) -> None:
    """生成联系方式的密钥文件。

    实战开库前做一次，并另存一份；备份里没有它。
    """
    with told():
        path = vault_path(database, data / "keys" if data else None)
        make_vault(path)
    say(f"已生成 {path}（权限 0600）。请另存一份：丢了它，库和备份里的号码都读不出。")


@contact_app.command("rotate-key")
def rotate_key(database: Where, data: DataOption = None) -> None:
    """更换密钥：全部号码改用新密钥加密。

    旧密钥留在文件里，旧备份仍可恢复。
    """
    with told():
        path = vault_path(database, data / "keys" if data else None)
    with _writing(database) as tx:
        count = seal_contacts_again(tx, rotate_vault(path))
    say(f"已更换，{count} 个号码改用新密钥；请重启各进程，并把 {path} 另存一份。")


def _password(draw: bool) -> str:
    if draw:
        return new_token()
    given: str = typer.prompt(f"密码（至少 {MIN_PASSWORD} 个字符）", hide_input=True, confirmation_prompt=True)
    return given


def _known(tx: Tx, division: str, posts: list[str]) -> None:
    """Places and posts are of this city; a misspelt one would quietly see nothing."""
    roster = snapshot(tx, with_contacts=False)
    roster.division(division)
    if strange := [post for post in posts if post not in roster.posts]:
        raise BadInput(f"没有这个岗位：{'、'.join(strange)}")


def _until(user: User) -> str:
    ended = "已止 " if user.expires_at <= steady_now() else ""
    return f"{ended}{user.expires_at.astimezone(BEIJING):%Y-%m-%d}"


@contextmanager
def _writing(url: str, *things: object) -> Iterator[Tx]:
    with opened(url, *things) as found, found.begin() as tx:
        yield tx


def _print(table: Table) -> None:
    Console(highlight=False, soft_wrap=True).print(table)
