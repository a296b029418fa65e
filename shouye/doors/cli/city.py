"""城市数据命令 — `shouye city check FOLDER`: what a city's folder holds and what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shouye.base.kernel import WallClock
from shouye.base.roster import (
    KIND_WORDS,
    KINDS_AT,
    CityFiles,
    DivisionLevel,
    Problem,
    Severity,
    lint,
    load_city,
)

city_app = typer.Typer(help="城市数据：区划、岗位、责任人、测站。", no_args_is_help=True)


@city_app.callback()
def city() -> None:
    """城市数据：区划、岗位、责任人、测站。"""


@city_app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="城市数据目录，如 cities/datong", show_default=False)],
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="按哪一天查责任人，默认今天")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="最多列出多少处问题，JSON 不受此限")] = 50,
) -> None:
    """检查城市数据；有错误时退出码为 1。

    缺责任人、缺联系方式、断了的上级链、查无此码等。
    """
    files = load_city(folder)
    problems = lint(files, (on or WallClock().now()).date())
    summary = _summary(files, problems)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        _show(summary, problems[:limit])
    if summary["errors"]:
        raise typer.Exit(1)


def _summary(files: CityFiles, problems: list[Problem]) -> dict[str, Any]:
    records = files.records
    kinds = Counter((division.level, division.kind) for division in records.divisions)
    posts = Counter(post.level for post in records.posts)
    codes = Counter(code.scheme for code in records.codes)
    severities = Counter(problem.severity for problem in problems)
    return {
        "city": {"id": files.id, "name": files.name, "code": files.code},
        "divisions": [
            {"level": level.value, "kind": kind, "count": kinds[level, kind]}
            for level in DivisionLevel
            for kind in KINDS_AT[level]
            if (level, kind) in kinds
        ],
        "posts": {level.value: posts[level] for level in DivisionLevel},
        "holders": len(records.holders),
        "persons": len(records.persons),
        "fictional_persons": sum(person.fictional for person in records.persons),
        "stations": len(records.stations),
        "codes": {scheme: codes[scheme] for scheme in files.schemes},
        "errors": severities[Severity.ERROR],
        "warnings": severities[Severity.WARNING],
        "problems": [
            {"severity": problem.severity.value, "where": problem.where, "what": problem.what}
            for problem in problems
        ],
    }


def _show(summary: dict[str, Any], problems: list[Problem]) -> None:
    console = Console()
    city = summary["city"]
    console.print(Text(f"{city['name']}（{city['id']}，{city['code']}）", style="bold"))

    divisions = Table("层级", "类型", title="区划与岗位", title_justify="left")
    divisions.add_column("数量", justify="right")
    divisions.add_column("本级岗位", justify="right")
    last = ""
    for row in summary["divisions"]:
        same, level = row["level"] == last, DivisionLevel(row["level"])
        posts = "" if same else f"{summary['posts'][level.value]:,}"
        divisions.add_row("" if same else level.word, KIND_WORDS[row["kind"]], f"{row['count']:,}", posts)
        last = row["level"]
    console.print(divisions)

    others = Table("项目", title="其他", title_justify="left")
    others.add_column("数量", justify="right")
    others.add_row("任职（A、B 角与班次）", f"{summary['holders']:,}")
    others.add_row("人员", f"{summary['persons']:,}")
    others.add_row("其中虚构演练人员", f"{summary['fictional_persons']:,}")
    others.add_row("测站", f"{summary['stations']:,}")
    for scheme, count in summary["codes"].items():
        others.add_row(f"官方代码 {scheme}", f"{count:,}")
    console.print(others)

    if problems:
        table = Table("轻重", "何处", "问题", title="问题", title_justify="left")
        for problem in problems:
            word = "错误" if problem.severity is Severity.ERROR else "提醒"
            table.add_row(word, Text(problem.where), Text(problem.what))  # their brackets are no markup
        console.print(table)
    hidden = len(summary["problems"]) - len(problems)
    if hidden:
        console.print(f"另有 {hidden} 处未列出，可用 --limit 或 --json 查看。")
    verdict = "未发现错误" if not summary["errors"] else f"错误 {summary['errors']} 处"
    console.print(f"{verdict}，提醒 {summary['warnings']} 处。")
