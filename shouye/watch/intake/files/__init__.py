"""雨情文件货架 — a storm as a file tells it, and how it is laid on a city; one format, one file, one `FORMAT`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shouye.base.kernel import BadInput, Refusal
from shouye.watch.observe import Reading

Series = tuple[tuple[datetime, float | None], ...]
"""序列 — (end of the interval, value); None is 缺测, never zero."""


class UnreadableStorm(Refusal):
    """雨情文件无法读取，未导入任何数据。"""


@dataclass(frozen=True)
class RefusedRow:
    """拒收行 — the row's number and text as found, and why it was not taken."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class DeclaredStation:
    """过程说明中的测站 — a gauge the storm's sidecar describes; `virtual` exists in the drill only."""

    id: str
    name: str
    county: str
    lon: float | None = None
    lat: float | None = None
    virtual: bool = False


@dataclass(frozen=True)
class Declared:
    """过程说明 — what the file's sidecar says about it: origin, and whether the curve is real."""

    title: str = ""
    source: str = ""
    note: str = ""
    city: str = ""
    reconstructed: bool = False
    time_shift_h: int = 0
    stations: tuple[DeclaredStation, ...] = ()


@dataclass(frozen=True)
class Storm:
    """雨情过程 — the rain of several gauges; a time is the END of the interval that its value covers.

    `series` is keyed by source: gauges whose series are identical at every instant are one source, listed in
    `merged` and kept under the first name of their group. `stations` still names them all.
    """

    name: str
    element: str
    step: timedelta
    stations: tuple[str, ...]
    series: dict[str, Series]
    merged: tuple[tuple[str, ...], ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()
    declared: Declared | None = None

    def source_of(self, station: str) -> str:
        """同源代表 — the name under which this station's series is kept."""
        return next((group[0] for group in self.merged if station in group), station)

    @property
    def begins_at(self) -> datetime:
        """The start of the first interval."""
        return min(points[0][0] for points in self.series.values()) - self.step

    @property
    def ends_at(self) -> datetime:
        return max(points[-1][0] for points in self.series.values())


@dataclass(frozen=True)
class StormFormat:
    """雨情文件格式 — `sniff` looks at the bytes, `decode` translates them: no file, no clock, no database."""

    term: str
    sniff: Callable[[bytes], bool]
    decode: Callable[[str, bytes], Storm]


def lay(storm: Storm, on: Mapping[str, str], shift: timedelta = timedelta(0)) -> list[Reading]:
    """移植暴雨 — the storm's readings as if these stations (`station id -> storm gauge`) had reported them.

    Ordered by time and station; each reading keeps the name of its true source, so that k stations laid on one
    gauge still count as one source.
    """
    strange = sorted(gauge for gauge in on.values() if gauge not in storm.stations)
    if strange:
        raise BadInput(f"雨情过程 {storm.name} 里没有测站 {'、'.join(strange)}")
    readings = [
        Reading(station, storm.element, at + shift, value, storm.step, source=storm.source_of(gauge))
        for station, gauge in on.items()
        for at, value in storm.series[storm.source_of(gauge)]
    ]
    return sorted(readings, key=lambda reading: (reading.time, reading.station))
