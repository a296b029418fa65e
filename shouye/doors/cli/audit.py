"""核验命令 — `shouye audit verify`: are the sealed facts untouched; `shouye audit head`: the sheet to keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.text import Text

from shouye.base.kernel import (
    BadInput,
    NotFound,
    Refusal,
    Tx,
    Verdict,
    iso,
    looking_at,
    read_anchor,
    sealed_head,
    trusted_keys,
    verify,
)

P = ParamSpec("P")
DatabaseUrl = Annotated[
    str,
    typer.Option(
        "--database",
        "-d",
        "--db",
        envvar="SHOUYE_DATABASE",
        help="数据库地址，或 SQLite 文件的路径",
        show_default=False,
    ),
]
KeyFolder = Annotated[
    Path | None,
    typer.Option(
        "--keys", envvar="SHOUYE_KEYS", help="密钥目录；默认为 SQLite 文件旁的 keys/", show_default=False
    ),
]

audit_app = typer.Typer(help="核验：事实封存以后有没有被动过。", no_args_is_help=True)


def _refusing(command: Callable[P, None]) -> Callable[P, None]:
    """A refusal is one line on stderr and exit code 2."""

    @wraps(command)
    def guarded(*given: P.args, **named: P.kwargs) -> None:
        try:
            command(*given, **named)
        except Refusal as refusal:
            typer.echo(refusal.message, err=True)
            raise typer.Exit(2) from None

    return guarded


@audit_app.callback()
def audit() -> None:
    """核验：事实封存以后有没有被动过。"""


@audit_app.command("verify")
@_refusing
def verify_command(
    db: DatabaseUrl,
    anchor: Annotated[
        Path | None, typer.Option("--anchor", help="留存在外的封存首部（锚文件）", exists=True, dir_okay=False)
    ] = None,
    keys: KeyFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="最多列出多少处，JSON 不受此限")] = 50,
) -> None:
    """逐条核验全部封存：改动、删除、插入、调换、截短。

    有不符时退出码为 1，没有封存可核时为 3。
    """
    kept = read_anchor(anchor.read_bytes()) if anchor else None
    with _reading(db) as tx:
        verdict = verify(tx, _trusted(db, keys), kept)
    if as_json:
        typer.echo(json.dumps(_plain(verdict), ensure_ascii=False, indent=2))
    else:
        _show(verdict, limit)
    if not verdict.intact:
        raise typer.Exit(1)
    if verdict.empty:
        raise typer.Exit(3)


@audit_app.command("head")
@_refusing
def head_command(
    db: DatabaseUrl,
    out: Annotated[Path | None, typer.Option("--out", help="另存为锚文件（JSON）", dir_okay=False)] = None,
) -> None:
    """打印最新的封存首部，供张贴、留存、电话核对。

    --out 另存锚文件，交各县保管。
    """
    with _reading(db) as tx:
        found = sealed_head(tx)
    if found is None:
        raise NotFound("还没有封存过")
    if out is not None:
        out.write_text(found.anchor(), encoding="utf-8")
    typer.echo(found.printed())


@contextmanager
def _reading(db: str) -> Iterator[Tx]:
    """A look at the database; a file that is not there is not made."""
    path = _file(db)
    if path is not None and not path.is_file():
        raise NotFound(f"数据库文件 {path}")
    with looking_at(f"sqlite:///{path}" if path else db) as tx:
        yield tx


def _file(db: str) -> Path | None:
    """The SQLite file that is meant; None for a server."""
    if db.startswith("sqlite:///"):
        return Path(db.removeprefix("sqlite:///"))
    return None if "://" in db else Path(db)


def _trusted(db: str, keys: Path | None) -> frozenset[str]:
    path = _file(db)
    if keys is None and path is not None:
        keys = path.parent / "keys"
    elif keys is not None and not keys.is_dir():
        raise BadInput(f"没有密钥目录 {keys}")
    return trusted_keys(keys) if keys is not None else frozenset()


def _plain(verdict: Verdict) -> dict[str, Any]:
    head = verdict.head
    return {
        "intact": verdict.intact,
        "empty": verdict.empty,
        "sealed": verdict.sealed,
        "unsealed": verdict.unsealed,
        "head": {"seq": head.seq, "digest": head.digest, "at": iso(head.at)} if head else None,
        "anchor": verdict.anchor.seq if verdict.anchor else None,
        "flaws": [{"seq": flaw.seq, "fact": flaw.fact, "what": flaw.what} for flaw in verdict.flaws],
        "proves": verdict.proves(),
        "cannot": verdict.cannot(),
    }


def _show(verdict: Verdict, limit: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    word = "未见改动" if verdict.intact else "发现不符"
    result = Text("没有封存，无从核验" if verdict.empty else word, "bold" if verdict.intact else "bold reverse")
    console.print(Text.assemble("核验结论　", result))
    console.print(f"已封存 {verdict.sealed} 条，尚未封存 {verdict.unsealed} 条。")
    for flaw in verdict.flaws[:limit]:
        where = [f"封存第 {flaw.seq} 号"] if flaw.seq is not None else []
        where += [f"事实 {flaw.fact}"] if flaw.fact is not None else []
        console.print(Text(f"　✗ {'，'.join(where)}：{flaw.what}"))
    if len(verdict.flaws) > limit:
        console.print(f"　另有 {len(verdict.flaws) - limit} 处未列出，可用 --limit 或 --json 查看。")
    for title, lines in (("证明了", verdict.proves()), ("证明不了", verdict.cannot())):
        if lines:
            console.print(title)
        for line in lines:
            console.print(Text(f"　· {line}"))
