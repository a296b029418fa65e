"""演练雨情 — writes `storm.csv` from `storm.toml`: reconstructed, only the totals are real.

The hourly distribution of the core series is ours. It adds up to the three totals that were published for
Zhengzhou; the other stations are the core series multiplied and delayed. Run: python build.py > storm.csv
"""

from __future__ import annotations

import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

# Tenths of a millimetre per hour, the first hour ending 2021-07-17 21:00 Beijing time.
CORE = (
    *(0, 0, 0, 0, 0, 0, 0, 0, 4, 9, 15, 22, 28, 31, 26, 20, 14, 9, 5, 3, 0, 0, 0, 0),  # to 07-18 20:00
    *(0, 0, 0, 6, 12, 19, 27, 36, 44, 52, 58, 51, 43, 34, 26, 18, 12, 8, 6, 4, 3, 1, 0, 0),  # to 07-19 20:00
    *(12, 20, 28, 35, 41, 52, 60, 48, 66, 90, 112, 85),  # to 07-20 08:00
    *(120, 175, 210, 240, 160, 280, 340, 520, 2019, 480, 232, 100),  # to 07-20 20:00, the worst hour ends 17:00
    *(0,) * 18,  # the rain is over; levels come down
)
FIRST = datetime.fromisoformat("2021-07-17T21:00:00+08:00")
HOUR = timedelta(hours=1)


def build(declared: Path) -> str:
    """The CSV text; a time is the end of its hour, an empty value is missing."""
    said = tomllib.loads(declared.read_text(encoding="utf-8"))
    first = FIRST + said["time_shift_h"] * HOUR
    rows = ["time,station,rain_1h_mm"]
    for hour in range(len(CORE)):
        time = first + hour * HOUR
        for station in said["station"]:
            source = hour - station["lag_h"]
            tenths = round(CORE[source] * station["factor"]) if source >= 0 else 0
            gap = station.get("gap")
            missing = gap is not None and gap["first"] <= time <= gap["last"]
            rows.append(f"{time.isoformat()},{station['id']},{'' if missing else tenths / 10}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(build(Path(__file__).with_name("storm.toml")))
