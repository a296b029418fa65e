"""小曲线 — one line of readings with its threshold, drawn on the server; where data is missing the line stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, HEIGHT, MARGIN = 92.0, 29.0, 3.0


@dataclass(frozen=True)
class Curve:
    """曲线 — polylines as SVG points, gaps as (x, width), the last point, the height of the threshold."""

    lines: tuple[str, ...]
    gaps: tuple[tuple[float, float], ...]
    last: tuple[float, float] | None
    threshold_y: float | None
    label: str


def curve(
    points: Sequence[tuple[datetime, float | None]],
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
    threshold: float | None,
    label: str,
) -> Curve:
    """Lay readings of one series into the box; two neighbours further apart than 1.5 steps are not joined."""
    known = [(at, value) for at, value in sorted(points, key=lambda point: point[0]) if value is not None]
    known = [(at, value) for at, value in known if start <= at <= end]
    ceiling = max([value for _, value in known] + [threshold or 0.0, 1e-9]) * 1.12
    floor = min([value for _, value in known] + [0.0 if threshold is None else min(0.0, threshold)])

    def x(at: datetime) -> float:
        return round((at - start) / (end - start) * WIDTH, 1)

    def y(value: float) -> float:
        return round(HEIGHT - MARGIN - (value - floor) / (ceiling - floor) * (HEIGHT - 2 * MARGIN), 1)

    runs: list[list[tuple[datetime, float]]] = []
    for at, value in known:
        if runs and at - runs[-1][-1][0] <= step * 1.5:
            runs[-1].append((at, value))
        else:
            runs.append([(at, value)])
    edges = [start] + [instant for run in runs for instant in (run[0][0], run[-1][0])] + [end]
    gaps = [
        (x(a), round(x(b) - x(a), 1)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > step * 1.5
    ]
    return Curve(
        lines=tuple(" ".join(f"{x(at)},{y(value)}" for at, value in run) for run in runs if len(run) > 1),
        gaps=tuple(gaps),
        last=(x(known[-1][0]), y(known[-1][1])) if known else None,
        threshold_y=None if threshold is None else y(threshold),
        label=label,
    )
