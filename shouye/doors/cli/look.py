"""命令行看 — a city's database as the console sees it, and the console's lists as text or as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len

from shouye.base.access import WHOLE
from shouye.base.kernel import BEIJING, BadInput, Database, Mode, Refusal, Tx, read_stamp
from shouye.base.papers import Cell, Sheet, csv_text, xlsx
from shouye.base.roster import has_city, snapshot
from shouye.doors.cli.words import opened, say
from shouye.doors.web import CityContext, Sight
from shouye.watch import observe

FILES = Path("var/run/history")
Out = Annotated[Path | None, typer.Option("--out", help="不打印，写到这个 .xlsx 或 .csv 文件")]


class NoCity(Refusal):
    """这个数据库里还没有城市：先用 shouye db init 或 shouye run 建库。"""


def measure_by(database: Database, folder: Path) -> None:
    """As the city's program does: what is stored now is checked by the city's own limits and neighbours."""
    places: dict[str, tuple[float, float]] = {}
    with database.read() as tx:
        if has_city(tx):
            known = snapshot(tx, with_contacts=False).stations.values()
            places = {one.id: (one.lon, one.lat) for one in known if one.lon and one.lat}
    database.install(observe.read_quality(folder / "quality.toml", places))


@contextmanager
def looking(url: str, folder: Path, history: Path = FILES) -> Iterator[tuple[CityContext, Sight]]:
    """The whole city in one reading, as a page has it."""
    with opened(url) as database:
        measure_by(database, folder)
        with database.read() as tx:
            if not has_city(tx):
                raise NoCity
            roster = snapshot(tx, with_contacts=False)
            place = CityContext(database, roster, mode_of(tx), roster.city.name, folder=folder, history=history)
            yield place, Sight(tx, roster, WHOLE)


def mode_of(tx: Tx) -> Mode:
    """What the database was made for."""
    return Mode(read_stamp(tx)["mode"])


def tell(mode: Mode, sheet: Sheet, out: Path | None) -> None:
    """打印或写出 — a column in which nothing stands is not printed; a file has them all, and the mode."""
    banner = "" if mode is Mode.ACTUAL else mode.word
    if out is None:
        for line in lines(sheet):
            say(line)
        say(f"{sheet.title}：{len(sheet.rows)} 行，时间是北京时间")
        return
    if out.suffix not in (".xlsx", ".csv"):
        raise BadInput("只能写成 .xlsx 或 .csv")
    out.write_bytes(xlsx([sheet], banner) if out.suffix == ".xlsx" else csv_text(sheet, banner).encode())
    say(f"已写出 {len(sheet.rows)} 行：{out}")


def lines(sheet: Sheet) -> Iterator[str]:
    """Aligned columns, never cut: a date that a pipe has shortened is worth nothing."""
    rows = [[_text(cell) for cell in row] for row in sheet.rows]
    used = [at for at in range(len(sheet.headers)) if any(row[at] for row in rows)]
    figures = {at for at in used if all(not isinstance(row[at], str | datetime) for row in sheet.rows)}
    widths = {at: max(cell_len(row[at]) for row in [list(sheet.headers), *rows]) for at in used}
    for row in [list(sheet.headers), *rows] if rows else []:
        yield "  ".join(_set(row[at], widths[at], right=at in figures) for at in used).rstrip()


def _set(text: str, width: int, *, right: bool) -> str:
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, float):
        return f"{cell:.6f}".rstrip("0").rstrip(".")
    return " ".join(str(cell).split())


def chosen(rows: Sequence[tuple[str, str]], said: str, what: str) -> str:
    """One of (id, word) by either; empty stays empty."""
    found = next((one for one, word in rows if said in (one, word)), None)
    if said and found is None:
        raise BadInput(f"{what}“{said}”，只能是 {'、'.join(word for _, word in rows)}")
    return found or ""
