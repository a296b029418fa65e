"""表格对照 — `shouye feeds map FILE`: look at a CSV or XLSX, guess what its columns are, show it, save a block.

A guess is shown with what it makes of the rows; a person reads it, mends it, and only then is it saved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shouye.base.kernel import BadInput, iso
from shouye.doors.cli.words import told
from shouye.watch.feeds import units
from shouye.watch.intake import Decoded, Refused, SessionOptions, codec_of, table_rows

_TIMES = (
    "iso", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时",
    "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M", "%Y%m%d%H%M", "%Y%m%d%H", "%Y-%m-%d", "%d-%m-%Y", "epoch_s", "epoch_ms",
)  # fmt: skip
_PACKED = {"%Y%m%d%H%M": 12, "%Y%m%d%H": 10}
_HOUR = r"时|点|hour|time"
_ELEMENTS = (
    (r"雨|降水|rain|precip|rf", "rain_mm", "mm"),
    (r"水位|stage|water.?level|level", "stage_m", "m"),
    (r"流量|flow|discharge|cfs", "flow_m3s", "m3/s"),
    (r"气温|temp", "temp_c", "℃"),
    (r"湿度|humid", "humidity_pct", "%"),
    (r"气压|pres", "pressure_hpa", "hPa"),
    (r"风速|wind.?sp|wspm", "wind_ms", "m/s"),
    (r"pm2\.?5", "pm25_ugm3", "ug/m3"),
    (r"pm10", "pm10_ugm3", "ug/m3"),
    (r"\bo3\b|臭氧", "o3_ugm3", "ug/m3"),
    (r"so2", "so2_ugm3", "ug/m3"),
    (r"no2", "no2_ugm3", "ug/m3"),
    (r"瓦斯|甲烷|ch4", "ch4_pct", "%"),
)
_STATION = r"站名|测站|站码|站号|编号|station|site|gaug|code"
_UNIT = r"unit|单位"
_LIMIT = r"alert|minor|major|warning|警戒|保证|阈值|limit"
_WRITTEN_UNIT = re.compile(r"[(（\[]([^)）\]]+)[)）\]]|_(mm|cm|m|ft|c)$")
_LOOKED_AT = 500
_LEAST = 0.005


@dataclass(frozen=True)
class Guess:
    """猜的对照 — the settings of the `table` codec, the stations seen, and what is not used."""

    settings: dict[str, str | int]
    stations: tuple[str, ...]
    unused: tuple[str, ...]


def guess(data: bytes) -> Guess:
    """猜 — columns by their names, the form of time by what reads the most rows."""
    rows = table_rows(data, _LOOKED_AT + 1)
    if len(rows) < 2:
        raise BadInput("文件里没有表头和数据")
    header, body = rows[0], rows[1:]
    station = _first(header, _STATION)
    time, time_format = _time(header, body)
    settings: dict[str, str | int] = {"time": time, "time_format": time_format}
    if station is not None:
        settings["station"] = station
    unit_columns = [name for name in header if re.search(_UNIT, name, re.IGNORECASE)]
    used = {station, *unit_columns, *re.findall(r"\{([^}]+)\}", time), time}
    for at, name in enumerate(header):
        if name in used or re.search(_LIMIT, name, re.IGNORECASE) or not _numbers(body, at):
            continue
        element = next(((e, u) for pattern, e, u in _ELEMENTS if re.search(pattern, name, re.IGNORECASE)), None)
        if element is None or any(str(value).startswith(element[0] + " ") for value in settings.values()):
            continue
        written = _WRITTEN_UNIT.search(name)
        unit = next((part for part in written.groups() if part), element[1]) if written else element[1]
        beside = _unit_column(name, element[0], unit_columns, header, body)
        if beside and not written:
            unit = f"@{beside}"
            unit_columns.remove(beside)
        settings[f"column.{name}"] = f"{element[0]} {unit}"
        used.add(name)
    at = header.index(station) if station is not None else -1
    seen = dict.fromkeys(cells[at] for cells in body if at >= 0 and at < len(cells) and cells[at])
    unused = tuple(name for name in header if name and name not in used)
    return Guess(settings, tuple(seen), unused)


def _unit_column(
    name: str, element: str, unit_columns: Sequence[str], header: Sequence[str], body: list[list[str]]
) -> str:
    """The column that says the unit: one named after this, or any whose every word may well be the element's."""
    for column in sorted(unit_columns, key=lambda one: name not in one):
        at = header.index(column)
        if name in column or all(_can_be(cells[at], element) for cells in body if at < len(cells)):
            return column
    return ""


def _can_be(unit: str, element: str) -> bool:
    """Metres of rain could be converted, but nobody sends them."""
    try:
        return _LEAST <= units.MEANING.convert(1.0, unit, units.MEANING.of(element)) <= 1 / _LEAST
    except ValueError:
        return False


def _first(header: Sequence[str], pattern: str) -> str | None:
    return next((name for name in header if re.search(pattern, name, re.IGNORECASE)), None)


def _numbers(body: list[list[str]], at: int) -> bool:
    """Is most of what stands there a number?"""
    cells = [cells[at] for cells in body if at < len(cells) and cells[at]]
    return bool(cells) and sum(bool(re.fullmatch(r"[-+]?\d+(\.\d+)?", cell)) for cell in cells) * 2 > len(cells)


def _time(header: Sequence[str], body: list[list[str]]) -> tuple[str, str]:
    """The column, or two put together, and the form that reads the most rows."""
    found: tuple[int, str, str] = (0, "", "")
    for at, name in enumerate(header):
        for form in _TIMES:
            if form.startswith("epoch") and not re.search(r"time|时间|ts|datetime", name, re.IGNORECASE):
                continue
            good = sum(_reads(cells[at], form) for cells in body if at < len(cells))
            found = max(found, (good, name, form), key=lambda one: one[0])
    hours = [at for at in range(1, len(header)) if re.search(_HOUR, header[at], re.IGNORECASE)]
    for day, hour in ((at - 1, at) for at in hours):
        for form in ("%Y-%m-%d %H", "%d-%m-%Y %H", "%Y-%m-%d %H:%M", "%Y/%m/%d %H", "%d-%m-%Y %H:%M"):
            good = sum(_reads(f"{cells[day]} {cells[hour]}", form) for cells in body if hour < len(cells))
            if good >= found[0] and good:
                found = (good, f"{{{header[day]}}} {{{header[hour]}}}", form)
    if not found[0]:
        raise BadInput("没有一列认得出是时间；请用 --time、--time-format 写明")
    return found[1], found[2]


def _reads(text: str, form: str) -> bool:
    try:
        if form in ("epoch_s", "epoch_ms"):
            low, high = (3e8, 5e9) if form == "epoch_s" else (3e11, 5e12)
            return low < float(text) < high
        if form == "iso":
            return "-" in text and bool(datetime.fromisoformat(text))
        if form in _PACKED and len(text) != _PACKED[form]:
            return False
        return datetime.strptime(text, form).year >= 1950  # noqa: DTZ007 - only whether it reads
    except ValueError:
        return False


def feeds_map(
    file: Annotated[Path, typer.Argument(help="CSV 或 XLSX 文件", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="接入块的名称（小写字母）")] = "new-feed",
    owner: Annotated[str, typer.Option("--owner", help="归口部门")] = "（待填）",
    time: Annotated[str, typer.Option("--time", help="时间列，或 {列} {列}")] = "",
    time_format: Annotated[str, typer.Option("--time-format", help="时间写法，如 %Y-%m-%d %H:%M")] = "",
    column: Annotated[
        list[str] | None, typer.Option("--column", help='改一列：列名=要素 单位；"列名=" 是不要')
    ] = None,
    station: Annotated[str, typer.Option("--station", help="测站列")] = "",
    save: Annotated[Path | None, typer.Option("--save", help="存成 TOML（不覆盖）")] = None,
) -> None:
    """猜一份表格的对照，说明它是怎么理解的；看过、改对，再存成接入块。"""
    with told():
        data = _content(file)
        found = guess(data)
        settings = dict(found.settings)
        settings |= {
            key: said for key, said in (("time", time), ("time_format", time_format), ("station", station)) if said
        }
        for said in column or ():
            left, _, right = said.partition("=")
            settings.pop(f"column.{left}", None)
            if right:
                settings[f"column.{left}"] = right
        block = _block(name, owner, settings, found.stations)
        _explain(data, settings, found)
        if save is None:
            typer.echo(block)
            return
        if save.exists():
            raise BadInput(f"{save} 已存在，不覆盖")
        save.write_text(block, encoding="utf-8")
        typer.echo(f"已存 {save}；站点表右边请填本市测站编号，再用 shouye feeds check 检查")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file.name}：{error.strerror}") from None


def _explain(data: bytes, settings: dict[str, str | int], found: Guess) -> None:
    """What the mapping makes of the file: the first rows, and what it refuses."""
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    decode = codec_of("table").decode_all
    assert decode is not None
    messages = list(decode(data, SessionOptions(settings=settings)))
    taken = [one for one in messages if isinstance(one, Decoded)]
    refused = [one for one in messages if isinstance(one, Refused)]
    console.print(
        f"时间：{settings['time']}，写法 {settings['time_format']}；测站：{settings.get('station', '—')}"
    )
    for key, meaning in settings.items():
        if key.startswith("column."):
            console.print(f"列 {key.removeprefix('column.')} → {meaning}", markup=False)
    console.print(f"没有用的列：{'、'.join(found.unused) or '无'}", markup=False)
    console.print(
        f"共 {len(messages)} 行：读得出 {len(taken)}，拒收 {len(refused)}；测站 {len(found.stations)} 个"
    )
    for one in taken[:3]:
        values = "，".join(f"{reading.element} {reading.value} {reading.unit}" for reading in one.readings)
        console.print(f"  {one.station} {iso(one.sent) if one.sent else '—'} {values}", markup=False)
    for bad in refused[:5]:
        console.print(f"  拒收 [{bad.code.value}] {bad.detail}", markup=False)


def _block(name: str, owner: str, settings: dict[str, str | int], stations: Sequence[str]) -> str:
    """The block as TOML; JSON strings are TOML strings."""

    def said(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        "[[feed]]",
        f"name = {said(name)}",
        f"term = {said(name)}",
        f"owner = {said(owner)}",
        'meaning = "（待填）"',
        'codec = "table"',
        'transport = "folder"',
        "enabled = false",
        "interval_s = 3600",
        f'options = {{ path = {said("var/drop/" + name)}, pattern = "*.csv" }}',
        "[feed.settings]",
        *(f"{said(key)} = {said(value)}" for key, value in settings.items()),
        "[feed.stations]  # 左边是文件里的写法，右边填本市测站编号",
        *(f"{said(station)} = {said(station)}" for station in stations),
    ]
    return "\n".join(lines) + "\n"
