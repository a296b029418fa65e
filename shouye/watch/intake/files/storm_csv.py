"""雨情 CSV — `time,station,rain_<n>h_mm` (or `rain_<n>min_mm`), one row per gauge and interval."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from shouye.base.kernel import BEIJING, iso
from shouye.watch.intake.files import RefusedRow, Series, Storm, StormFormat, UnreadableStorm

_ELEMENT = re.compile(r"rain_([1-9]\d{0,3})(h|min)_mm")
_MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "-", "缺测"})
_MOST_PER_HOUR_MM = 500.0
"""合理性上限 — more in an hour than was ever measured on earth; `proposed`, no document gives it."""


def sniff(data: bytes) -> bool:
    """A first line with commas; whether the columns are the right ones is said by `decode`."""
    return b"," in data[:4096].split(b"\n", 1)[0]


def decode(name: str, data: bytes) -> Storm:
    """Translate the whole file; a row that cannot be taken is kept with its reason, never guessed."""
    lines = csv.reader(io.StringIO(_text(data), newline=""))
    try:
        header = [cell.strip() for cell in next(lines, [])]
        rows = _Rows(*_columns(header), width=len(header))
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.take(cells, lines.line_num)
    except csv.Error as error:
        raise UnreadableStorm(f"第 {lines.line_num} 行：{error}") from None
    if not rows.found:
        raise UnreadableStorm("没有一行可用的数据")
    series = {
        station: tuple((at, value) for at, (value, _) in sorted(points.items()))
        for station, points in sorted(rows.found.items())
    }
    merged = _identical(series)
    copies = {station for group in merged for station in group[1:]}
    unused = [column for at, column in enumerate(header) if at not in rows.used]
    return Storm(
        name=name,
        element="rain_mm",
        step=rows.step,
        stations=tuple(series),
        series={station: points for station, points in series.items() if station not in copies},
        merged=merged,
        refused=tuple(sorted(rows.refused, key=lambda row: row.line)),
        notes=tuple(_notes(rows, series, merged, unused)),
    )


class _Rows:
    """The rows taken so far: per station and instant the value that stands and the line that gave it."""

    def __init__(self, time_at: int, station_at: int, value_at: int, step: timedelta, *, width: int) -> None:
        self.used = (time_at, station_at, value_at)
        self.step = step
        self.width = width
        self.found: dict[str, dict[datetime, tuple[float | None, int]]] = {}
        self.refused: list[RefusedRow] = []
        self.without_zone = 0
        self.repeated = 0

    def take(self, cells: list[str], line: int) -> None:
        try:
            if len(cells) != self.width:
                raise ValueError(f"列数为 {len(cells)}，应为 {self.width}")
            time, station, value = (cells[at].strip() for at in self.used)
            if not station:
                raise ValueError("没有站名")
            at, assumed = _time(time)
            self._keep(station, at, _value(value, self.step), line)
            self.without_zone += assumed
        except ValueError as error:
            self.refused.append(RefusedRow(line, ",".join(cells), str(error)))

    def _keep(self, station: str, at: datetime, value: float | None, line: int) -> None:
        """Of two values for one instant the larger stands, whichever came first; missing yields to any value."""
        points = self.found.setdefault(station, {})
        known = points.setdefault(at, (value, line))
        if known[1] == line:
            return
        if known[0] == value:
            self.repeated += 1
            return
        loser, winner = sorted((known, (value, line)), key=lambda one: -1.0 if one[0] is None else one[0])
        points[at] = winner
        reason = f"第 {winner[1]} 行与第 {loser[1]} 行同站同时而数值不同，按内容取较大值 {winner[0]}"
        lost = "" if loser[0] is None else f"{loser[0]:g}"
        self.refused.append(RefusedRow(loser[1], f"{iso(at)},{station},{lost}", reason))


def _notes(
    rows: _Rows, series: dict[str, Series], merged: tuple[tuple[str, ...], ...], unused: list[str]
) -> Iterator[str]:
    """What was assumed and merged, in words for the person who plays the storm."""
    yield "时间取每个时段的结束时刻"
    if rows.without_zone:
        yield f"{rows.without_zone} 行时间没有写时区，按北京时间（UTC+8）读"
    if rows.repeated:
        yield f"{rows.repeated} 行与前面重复，已合并"
    if unused:
        yield f"没有使用的列：{'、'.join(unused)}"
    missing = sum(value is None for points in series.values() for _, value in points)
    if missing:
        yield f"缺测 {missing} 个时次，按未知处理，不按零"
    for group in merged:
        yield f"{'、'.join(group)} 的序列逐时相同，按同一来源 {group[0]} 处理"


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableStorm("编码既不是 UTF-8 也不是 GBK")


def _columns(header: list[str]) -> tuple[int, int, int, timedelta]:
    """Where time, station and value stand, and the interval that a value covers."""
    elements = [at for at, column in enumerate(header) if _ELEMENT.fullmatch(column)]
    if "time" not in header or "station" not in header or len(elements) != 1:
        found = ",".join(header)[:120] or "空文件"
        raise UnreadableStorm(f"表头应为 time,station,rain_1h_mm 或 rain_10min_mm 一类，读到的是：{found}")
    match = _ELEMENT.fullmatch(header[elements[0]])
    assert match is not None
    count = int(match[1])
    step = timedelta(hours=count) if match[2] == "h" else timedelta(minutes=count)
    return header.index("time"), header.index("station"), elements[0], step


def _time(text: str) -> tuple[datetime, bool]:
    """The instant, and whether Beijing time had to be assumed."""
    try:
        at = datetime.fromisoformat(re.sub(r"^(\d{4})/(\d{1,2})/(\d{1,2})\b", _dashed, text))
        return (at.replace(tzinfo=BEIJING), True) if at.tzinfo is None else (at.astimezone(BEIJING), False)
    except (ValueError, OverflowError):
        raise ValueError(f"时间“{text}”不可辨认") from None


def _dashed(match: re.Match[str]) -> str:
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"


def _value(text: str, step: timedelta) -> float | None:
    if text in _MISSING:
        return None
    try:
        value = float(text.replace("_", "?"))  # Python's own 1_5 is nobody's number
    except ValueError:
        raise ValueError(f"雨量“{text}”不是数字") from None
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"雨量 {text} 不是有效的非负数")
    if value > _MOST_PER_HOUR_MM * max(1.0, step / timedelta(hours=1)):
        raise ValueError(f"雨量 {text} mm 超过合理性上限 {_MOST_PER_HOUR_MM:g} mm/h（建议值）")
    return value


def _identical(series: dict[str, Series]) -> tuple[tuple[str, ...], ...]:
    """同源 — gauges equal at every instant are one source; a dry or dead series proves nothing of the kind."""
    groups: dict[Series, list[str]] = {}
    for station, points in series.items():
        if any(value for _, value in points):
            groups.setdefault(points, []).append(station)
    return tuple(sorted(tuple(sorted(names)) for names in groups.values() if len(names) > 1))


FORMAT = StormFormat(term="雨情 CSV", sniff=sniff, decode=decode)
