"""表格 — one row under the header of the block's mapping, with a column that says 演练."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta, timezone

from shouye.base.kernel import BadInput
from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed

_PLACE = re.compile(r"\\\{([^{}]+)\\\}")


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    said = feed.settings
    row = _times(feed, now)
    if "station_value" not in said:
        row[str(said.get("station", "station"))] = station
    for key, meaning in said.items():
        if key.startswith("column."):
            element, _, unit = str(meaning).partition(" ")
            row[key.removeprefix("column.")] = f"{number % 7 / 10:g}"
            if unit.startswith("@"):
                row[unit[1:]] = element.rpartition("_")[2]
    row["备注"] = f"【{WORD}】模拟数据"
    written = io.StringIO()
    table = csv.writer(written, delimiter=str(said.get("delimiter", "")) or ",", lineterminator="\n")
    table.writerows([[f"【{WORD}】"]] * (int(said.get("header_row", 1)) - 1))
    table.writerows([list(row), list(row.values())])
    return written.getvalue().encode()


def _times(feed: Feed, now: datetime) -> dict[str, str]:
    """The time as the mapping reads it: in one column, or in several put together."""
    said = feed.settings
    form, column = str(said.get("time_format", "iso")), str(said.get("time", "time"))
    here = now.astimezone(timezone(timedelta(hours=float(said.get("zone_h", 8)))))
    fixed = {
        "iso": here.isoformat(),
        "epoch_s": f"{here.timestamp():.0f}",
        "epoch_ms": f"{here.timestamp() * 1000:.0f}",
    }
    text = fixed.get(form) or here.strftime(form)
    if "{" not in column:
        return {column: text}
    names = _PLACE.findall(re.escape(column))
    found = re.fullmatch(_PLACE.sub("(.+?)", re.escape(column)), text)
    if found is None:
        raise BadInput(f"接入块 {feed.name} 的时间 {column} 拼不成 {form}，不能模拟")
    return dict(zip((name.replace("\\", "") for name in names), found.groups(), strict=True))


MAKER = Maker(make=_make, marked=f"每行“备注”列写明【{WORD}】")
