"""雨情 CSV — `time,station,rain_<n>h_mm` (or `rain_<n>min_mm`), one row per gauge and interval."""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import datetime, timedelta

from shouye.base.kernel import BEIJING, iso
from shouye.watch.intake.model import RefusedRow, Series, Storm, StormCodec, UnreadableStorm

_ELEMENT = re.compile(r"rain_([1-9]\d{0,3})(h|min)_mm")
_MISSING = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "-", "缺测"})
_MOST_PER_HOUR_MM = 500.0
"""合理性上限 — more in an hour than was ever measured on earth; `proposed`, no document gives it."""

Rows = dict[str, dict[datetime, tuple[float | None, int]]]


def sniff(data: bytes) -> bool:
    """A first line with commas; whether the columns are the right ones is said by `decode`."""
    return b"," in data[:4096].split(b"\n", 1)[0]


def decode(name: str, data: bytes) -> Storm:
    """Translate the whole file; a row that cannot be taken is kept with its reason, never guessed."""
    lines = csv.reader(io.StringIO(_text(data), newline=""))
    header = [cell.strip() for cell in next(lines, [])]
    time_at, station_at, value_at, step = _columns(header)
    rows: Rows = {}
    refused: list[RefusedRow] = []
    notes = ["时间取每个时段的结束时刻"]
    naive = same = 0
    for cells in lines:
        line = lines.line_num
        if not any(cell.strip() for cell in cells):
            continue
        try:
            if len(cells) != len(header):
                raise ValueError(f"列数为 {len(cells)}，应为 {len(header)}")
            at, assumed = _time(cells[time_at])
            station = cells[station_at].strip()
            if not station:
                raise ValueError("没有站名")
            value = _value(cells[value_at], step)
            known = rows.setdefault(station, {}).get(at)
            if known is None:
                rows[station][at] = (value, line)
            elif known[0] == value:
                same += 1
            else:
                loser, winner = sorted(
                    (known, (value, line)), key=lambda found: -1.0 if found[0] is None else found[0]
                )
                rows[station][at] = winner
                kept = f"第 {winner[1]} 行与第 {loser[1]} 行同站同时而数值不同，按内容取较大值 {winner[0]}"
                refused.append(RefusedRow(loser[1], f"{iso(at)},{station},{_shown(loser[0])}", kept))
            naive += assumed
        except ValueError as error:
            refused.append(RefusedRow(line, ",".join(cells), str(error)))
    if not rows:
        raise UnreadableStorm("没有一行可用的数据")
    if naive:
        notes.append(f"{naive} 行时间没有写时区，按北京时间（UTC+8）读")
    if same:
        notes.append(f"{same} 行与前面重复，已合并")
    unused = [column for at, column in enumerate(header) if at not in (time_at, station_at, value_at)]
    if unused:
        notes.append(f"没有使用的列：{'、'.join(unused)}")
    series = {
        station: tuple((at, found[0]) for at, found in sorted(points.items()))
        for station, points in sorted(rows.items())
    }
    missing = sum(value is None for points in series.values() for _, value in points)
    if missing:
        notes.append(f"缺测 {missing} 个时次，按未知处理，不按零")
    merged = _identical(series)
    for group in merged:
        notes.append(f"{'、'.join(group)} 的序列逐时相同，按同一来源 {group[0]} 处理")
    copies = {station for group in merged for station in group[1:]}
    return Storm(
        name=name,
        element="rain_mm",
        step=step,
        stations=tuple(series),
        series={station: points for station, points in series.items() if station not in copies},
        merged=merged,
        refused=tuple(sorted(refused, key=lambda row: row.line)),
        notes=tuple(notes),
    )


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
        at = datetime.fromisoformat(re.sub(r"^(\d{4})/(\d{1,2})/(\d{1,2})\b", _dashed, text.strip()))
    except ValueError:
        raise ValueError(f"时间“{text.strip()}”不可辨认") from None
    return (at.replace(tzinfo=BEIJING), True) if at.tzinfo is None else (at.astimezone(BEIJING), False)


def _dashed(match: re.Match[str]) -> str:
    return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"


def _value(text: str, step: timedelta) -> float | None:
    if text.strip() in _MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"雨量“{text.strip()}”不是数字") from None
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"雨量 {text.strip()} 不是有效的非负数")
    if value > _MOST_PER_HOUR_MM * max(1.0, step / timedelta(hours=1)):
        raise ValueError(f"雨量 {text.strip()} mm 超过合理性上限 {_MOST_PER_HOUR_MM:g} mm/h（建议值）")
    return value


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _identical(series: dict[str, Series]) -> tuple[tuple[str, ...], ...]:
    """同源 — gauges equal at every instant are one source; a dry or dead series proves nothing of the kind."""
    groups: dict[Series, list[str]] = {}
    for station, points in series.items():
        if any(value for _, value in points):
            groups.setdefault(points, []).append(station)
    return tuple(sorted(tuple(sorted(names)) for names in groups.values() if len(names) > 1))


CODEC = StormCodec(term="雨情 CSV", sniff=sniff, decode=decode)
