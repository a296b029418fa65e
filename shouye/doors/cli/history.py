"""历史命令 — `shouye history …`: back-fill, export, closing of months, repeated sources."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from openpyxl import Workbook

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, BadInput, iso
from shouye.doors.cli.history_curve import curve
from shouye.doors.cli.history_mark import mark
from shouye.doors.cli.look import FILES, measure_by
from shouye.doors.cli.words import CityOption, FindCity, Where, opened
from shouye.watch import archive, observe, stations
from shouye.watch.observe import Reading

_MISSING = frozenset({"", "-", "NA", "NaN", "nan", "null", "缺测"})
_BATCH = 5_000
_SHOWN = 20

Folder = Annotated[Path, typer.Option("--files", help="归档文件所在目录")]
Since = Annotated[datetime, typer.Option("--since", help="从（不含），北京时间，如 2024-07-01T00:00:00")]
Until = Annotated[datetime, typer.Option("--until", help="到（含），北京时间")]
Element = Annotated[str, typer.Option("--element", help="监测要素，如 rain_mm、stage_m")]


def make_history(city: FindCity) -> typer.Typer:
    """The commands, bound to how the assembly finds a city."""
    app = typer.Typer(help="历史数据：补录、导出、抽稀、归档、找重复测源、人工标记。", no_args_is_help=True)
    app.command("load")(_make_load(city))
    app.command("export")(export)
    app.command("tidy")(_make_tidy(city))
    app.command("months")(months)
    app.command("same")(same)
    app.command("curve")(curve)
    app.command("mark")(mark)
    return app


def _make_load(find: FindCity) -> Callable[..., None]:
    def load(
        file: Annotated[Path, typer.Argument(help="CSV：station,element,time,value[,step_min,revision,source]")],
        database: Where,
        step_min: Annotated[int, typer.Option("--step-min", min=1, help="时段长（分钟），行里没写时用")] = 60,
        element: Annotated[str, typer.Option("--element", help="监测要素，行里没写时用")] = "",
        system: Annotated[str, typer.Option("--system", help="站号是哪个系统的编码；按别名表认站")] = "",
        city: CityOption = "datong",
    ) -> None:
        """补录：逐行检查，收下的入库并研判。

        已经有的不重复；收不下的逐行说明，退出码 1。
        """
        with opened(database) as base:
            measure_by(base, find(city))
            with base.read() as tx:
                known = set(stations.gauges(tx, WHOLE))
                names = {code: one for (named, code), one in stations.aliases(tx).items() if named == system}
            refused: list[str] = []
            rows = _read(file, timedelta(minutes=step_min), element, known, names if system else None, refused)
            taken = stored = 0
            while batch := list(islice(rows, _BATCH)):
                with base.begin() as tx:
                    stored += observe.store_batch(tx, batch)
                taken += len(batch)
        typer.echo(f"收下 {taken} 行，其中新的 {stored} 行；拒收 {len(refused)} 行。")
        for line in refused[:_SHOWN]:
            typer.echo(line)
        if len(refused) > _SHOWN:
            typer.echo(f"……另有 {len(refused) - _SHOWN} 行")
        if refused:
            raise typer.Exit(1)

    return load


def _read(
    file: Path,
    step: timedelta,
    element: str,
    known: set[str],
    names: dict[str, str] | None,
    refused: list[str],
) -> Iterator[Reading]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened_file:
            lines = csv.DictReader(opened_file)
            if not {"station", "time", "value"} <= set(lines.fieldnames or ()):
                raise BadInput(f"{file.name} 的表头须有 station、time、value")
            for row in lines:
                try:
                    yield _reading(row, step, element, known, names)
                except (ValueError, OverflowError) as error:
                    refused.append(f"第 {lines.line_num} 行：{error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file.name}：{error}") from None


def _reading(
    row: dict[str, str], step: timedelta, element: str, known: set[str], names: dict[str, str] | None
) -> Reading:
    code = (row["station"] or "").strip()
    station = code if names is None else names.get(code, "")
    if station not in known:
        raise ValueError(f"没有这个测站：{code}")
    what = (row.get("element") or element).strip()
    if not what:
        raise ValueError("没有写明监测要素")
    said = (row["value"] or "").strip()
    try:
        time = datetime.fromisoformat((row["time"] or "").strip())
    except ValueError:
        raise ValueError(f"时间读不懂：{row['time']}") from None
    try:
        value = None if said in _MISSING else float(said)
    except ValueError:
        raise ValueError(f"数值读不懂：{said}") from None
    if value is not None and value - value != 0:
        raise ValueError(f"数值读不懂：{said}")
    minutes = row.get("step_min") or ""
    return Reading(
        station,
        what,
        time if time.tzinfo else time.replace(tzinfo=BEIJING),
        value,
        timedelta(minutes=int(minutes)) if minutes else step,
        int(row.get("revision") or 0),
        row.get("source") or station,
    )


def export(
    station: Annotated[str, typer.Argument(help="测站")],
    target: Annotated[Path, typer.Argument(help="写到哪里：.csv 或 .xlsx")],
    database: Where,
    since: Since,
    until: Until,
    element: Element = "rain_mm",
    files: Folder = FILES,
) -> None:
    """导出：在库的和已归档的一起，逐条，带质控说明。

    以 = + - @ 开头的文字一律作文字。
    """
    with opened(database) as base:
        begin, end = (one if one.tzinfo else one.replace(tzinfo=BEIJING) for one in (since, until))
        with base.read() as tx:
            rows = archive.all_of(tx, WHOLE, files, station, element, begin, end)
            count = _write(target, rows)
    typer.echo(f"已写出 {count} 条：{target}")


_HEAD = ("station", "element", "time", "step_min", "revision", "value", "source", "bad")


def _cells(one: Reading) -> list[object]:
    minutes = one.step.total_seconds() / 60
    bad = "；".join(flag.why for flag in one.flags)
    return archive.csv_row(
        [one.station, one.element, iso(one.time), minutes, one.revision, one.value, one.source, bad]
    )


def _write(target: Path, rows: Iterator[Reading]) -> int:
    count = 0
    if target.suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet("历史数据")
        sheet.append(list(_HEAD))
        for one in rows:
            sheet.append(_cells(one))
            count += 1
        book.save(target)
        return count
    if target.suffix != ".csv":
        raise BadInput("只能导出 .csv 或 .xlsx")
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEAD)
        for one in rows:
            writer.writerow(_cells(one))
            count += 1
    return count


def _make_tidy(find: FindCity) -> Callable[..., None]:
    def tidy(database: Where, city: CityOption = "datong", files: Folder = FILES) -> None:
        """归档：写出已过去的月份，把满期的移出、销毁。

        期限见城市的 retention.toml。
        """
        with opened(database) as base:
            done = archive.tidy(base, files, archive.read_keeping(find(city) / "retention.toml"))
        for word, some in (("归档", done.closed), ("移出数据库", done.moved), ("到期销毁", done.forgotten)):
            typer.echo(f"{word}：{'、'.join(some) or '无'}")

    return tidy


def months(database: Where) -> None:
    """已归档的月：文件、条数、摘要、是否还在库。"""
    with opened(database) as base, base.read() as tx:
        found = archive.months(tx)
        if not found:
            typer.echo("还没有归档的月；归档用 shouye history tidy")
        for one in found:
            where = "文件和数据库" if one.live else "只在文件"
            typer.echo(f"{one.month}  {one.rows:>10} 条  {where}  {one.file}  {one.digest}")


def same(database: Where, since: Since, until: Until, element: Element = "rain_mm") -> None:
    """找重复测源：读数完全相同的测站，研判时只算一个来源。"""
    with opened(database) as base:
        begin, end = (one if one.tzinfo else one.replace(tzinfo=BEIJING) for one in (since, until))
        with base.begin() as tx:
            found = archive.find_same(tx, element, begin, end)
    for one in found:
        typer.echo(f"{one.station} 与 {one.same_as} 相同：{one.readings} 个非零读数一致")
    typer.echo(f"共 {len(found)} 个重复测源。")
