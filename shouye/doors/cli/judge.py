"""规则判定命令 — `shouye judge KIND name=value …`: what a published table says of these values, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shouye.base.kernel import BadInput, Refusal
from shouye.base.rules import (
    MARKS,
    Input,
    Judgement,
    Rulebook,
    RuleTable,
    Truth,
    Value,
    load_tables,
    parse_value,
    shown,
)

COLOURS = {"BLUE": "bold white on blue", "YELLOW": "bold black on yellow", "ORANGE": "bold black on dark_orange"}
COLOURS |= {"RED": "bold white on red"}
ANSWERS = {Truth.TRUE: "是", Truth.FALSE: "否", Truth.UNKNOWN: "不明"}


def judge_command(
    kind: Annotated[str, typer.Argument(help="规则种类，如 rainstorm 或 rainstorm@SX-local")] = "",
    values: Annotated[list[str] | None, typer.Argument(help="输入，如 rain_3h_mm=55；不明写 rain_3h_mm=?")] = None,
    rules: Annotated[str | None, typer.Option("--rules", help="指定规则表编号，不用默认表")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="列出全部规则表及其输入项")] = False,
    city: Annotated[
        Path | None,
        typer.Option("--city", help="城市数据目录，另载入其中 rules/ 的规则表", file_okay=False, exists=True),
    ] = None,
) -> None:
    """按公布的规则表判定级别；缺什么就说缺什么。"""
    judge(kind, values or [], rules, as_json, list_all, [city / "rules"] if city else [])


def judge(
    kind: str, values: list[str], rules: str | None, as_json: bool, list_all: bool, folders: Sequence[Path] = ()
) -> None:
    """Answer, list, or refuse in Chinese on stderr with exit code 2."""
    try:
        book = load_tables(*folders)
        if list_all:
            _list(book, as_json)
            return
        if not kind:
            raise BadInput(f"请写明规则种类，或用 --list 查看；可用：{'、'.join(book.kinds())}")
        table = book.table(kind, rules)
        judgement = table.judge(_values(table, values))
    except Refusal as refusal:
        typer.echo(refusal.message, err=True)
        raise typer.Exit(2) from refusal
    if as_json:
        typer.echo(json.dumps(judgement.to_json(), ensure_ascii=False, indent=2))
    else:
        _show(table, judgement)


def _values(table: RuleTable, texts: list[str]) -> dict[str, Value]:
    """name=value pairs; a name the table does not know goes on to the table, which refuses it."""
    found: dict[str, Value] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign:
            raise BadInput(f"{text} 应写成 名称=数值，如 {table.inputs[0].name}=50")
        if name in found:
            raise BadInput(f"{name} 写了两次")
        item = table.by_name.get(name)
        found[name] = parse_value(item, value) if item else value
    return found


def _list(book: Rulebook, as_json: bool) -> None:
    described = [_describe(book, table) for table in book.tables]
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False, indent=2))
        return
    grid = Table("种类", "名称", "输入项", "依据", title="规则表")
    for each in described:
        inputs = "\n".join(f"{item['name']} {item['unit']} {item['term']}" for item in each["inputs"])
        grid.add_row(each["kind"], each["title"], inputs, f"{each['source']}\n{MARKS[each['mark']]}")
    Console().print(grid)


def _describe(book: Rulebook, table: RuleTable) -> dict[str, Any]:
    kind = table.kind if book.table(table.kind) is table else table.name
    head: dict[str, Any] = {
        "kind": kind,
        "rules": table.id,
        "title": table.title,
        "source": table.source,
        "mark": table.mark,
    }
    head |= {"levels": list(table.levels), "inputs": [_describe_input(item) for item in table.inputs]}
    return head | ({"note": table.note} if table.note else {})


def _describe_input(item: Input) -> dict[str, Any]:
    found: dict[str, Any] = {"name": item.name, "unit": item.unit, "term": item.term, "kind": item.kind}
    if item.choices:
        found["choices"] = list(item.choices)
    if item.default is not None:
        found["default"] = item.default
    return found


def _show(table: RuleTable, judgement: Judgement) -> None:
    console = Console()
    word = f" {judgement.word} " if judgement.proven else judgement.word
    line = Text.assemble((f"{table.term}　", "bold"), (word, COLOURS.get(judgement.level, "bold")))
    if judgement.proven and not judgement.known:
        line.append("（至少）")
    console.print(line)
    grid = Table.grid(padding=(0, 2))
    grid.add_row("理由", Text(judgement.text))
    grid.add_row("依据", Text(f"{judgement.source}（{MARKS[judgement.mark]}）"))
    given = [table.by_name[name].reading(value) for name, value in _readable(judgement).items()]
    grid.add_row("输入", Text("，".join(given) or "无"))
    if judgement.missing:
        missing = "、".join(f"{table.by_name[name].term} {name}" for name in judgement.missing)
        grid.add_row("缺项", Text(missing, style="bold"))
    for duty in judgement.duties:
        lacking = "、".join(table.by_name[name].term for name in duty.missing)
        tail = f"（缺：{lacking}）" if lacking else ""
        grid.add_row("附带", Text(f"{ANSWERS[duty.truth]}：{duty.duty.text}{tail}"))
    if table.note:
        grid.add_row("说明", Text(table.note))
    console.print(grid)


def _readable(judgement: Judgement) -> dict[str, Any]:
    return {name: value for name, value in judgement.values.items() if shown(value) != "不明"}
