"""历史 — range queries over years, thinned curves, repeated sources, closed months."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from shouye.base.access import Scope
from shouye.base.kernel import BadInput, NotFound, Tx, from_ms, record, to_ms
from shouye.watch import observe, stations
from shouye.watch.archive import store
from shouye.watch.archive.facts import MonthArchived, MonthForgotten, MonthMovedOut
from shouye.watch.archive.model import Bucket, History, Month, Numbers, Page, Whole, alike, thin
from shouye.watch.observe import Flag, Quality, Reading

MOST = 10_000
"""Readings a page at most (proposed)."""


class FileDiffers(NotFound):
    """归档文件不在，或与登记的摘要不符，未作任何改动。"""


def page(
    tx: Tx,
    scope: Scope,
    folder: Path,
    station: str,
    element: str,
    since: datetime,
    until: datetime,
    after: str | None = None,
    limit: int = 1000,
) -> Page:
    """一页历史 — every stored revision in (since, until] in order of time, from the database and closed months."""
    _look_in(tx, scope, station)
    if not 1 <= limit <= MOST:
        raise BadInput(f"每页 1 至 {MOST} 条")
    span = to_ms(since), to_ms(until)
    rows = store.page(tx, _files(tx, folder, span), station, element, span, _key(after), limit + 1)
    readings = tuple(
        Reading(
            one,
            element,
            from_ms(ms),
            value,
            timedelta(seconds=step_s),
            revision,
            source,
            (Flag("archive", Quality.BAD, bad),) if bad else (),
        )
        for one, element, step_s, ms, revision, value, source, bad in rows[:limit]
    )
    last = readings[-1] if len(rows) > limit else None
    key = f"{to_ms(last.time)}.{int(last.step.total_seconds())}.{last.revision}" if last else None
    return Page(readings, key)


def _key(after: str | None) -> store.Key | None:
    if after is None:
        return None
    try:
        ms, step_s, revision = (int(part) for part in after.split("."))
    except ValueError:
        raise BadInput("续页的标记不对") from None
    return ms, step_s, revision


def all_of(
    tx: Tx, scope: Scope, folder: Path, station: str, element: str, since: datetime, until: datetime
) -> Iterator[Reading]:
    """全部历史 — page after page, for an export of years."""
    after: str | None = None
    while True:
        found = page(tx, scope, folder, station, element, since, until, after, MOST)
        yield from found.readings
        if found.after is None:
            return
        after = found.after


def thinned(
    tx: Tx,
    scope: Scope,
    folder: Path,
    station: str,
    element: str,
    since: datetime,
    until: datetime,
    buckets: int = 500,
) -> list[Bucket]:
    """抽稀的过程线 — equal buckets that keep first, lowest, highest and last, and the sum of a rain."""
    return thin(whole(tx, scope, folder, station, element, since, until), since, until, buckets)


def whole(
    tx: Tx, scope: Scope, folder: Path, station: str, element: str, since: datetime, until: datetime
) -> History:
    """历史序列 — the readings that stand, with what persons have said of them since."""
    _look_in(tx, scope, station)
    span = to_ms(since), to_ms(until)
    rows = store.standing(tx, _files(tx, folder, span), station, element, span)
    time_ms, step_s = (np.array([row[index] for row in rows], dtype=np.int64) for index in (0, 1))
    sent = np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=np.float64)
    value = np.where(np.array([bool(row[3]) for row in rows], dtype=np.bool_), np.nan, sent)
    doubts = _doubts(time_ms, step_s, sent, store.doubts(tx, station, element, span))
    for mark in observe.marks(tx, scope, station, element):
        over = (time_ms > to_ms(mark.since)) & (time_ms <= (to_ms(mark.until) if mark.until else span[1]))
        said = sent if mark.value is None else np.full(len(sent), mark.value)
        value = np.where(over, np.nan if mark.quality is Quality.BAD else said, value)
        for index in np.flatnonzero(over & ~np.isnan(sent)).tolist():
            doubts.pop(index, None)
            if mark.quality is not Quality.GOOD:
                doubts[index] = mark.quality, mark.why
    return History(time_ms, step_s, sent, value, doubts)


def _doubts(
    time_ms: Whole, step_s: Whole, sent: Numbers, flags: Iterable[tuple[int, int, str, str]]
) -> dict[int, tuple[Quality, str]]:
    """Place of each reading that has a value and a flag against it -> the worst of them, and all that is said."""
    found: dict[int, tuple[Quality, str]] = {}
    for ms, step, quality, why in flags:
        first, end = np.searchsorted(time_ms, [ms, ms + 1])
        for index in range(first, end):
            if step_s[index] == step and not np.isnan(sent[index]):
                before, said = found.get(index, (Quality.SUSPECT, ""))
                worst = Quality.BAD if Quality.BAD in (before, Quality(quality)) else Quality.SUSPECT
                found[index] = worst, f"{said}；{why}" if said else why
    return found


def _look_in(tx: Tx, scope: Scope, station: str) -> None:
    if station not in stations.gauges(tx, scope):
        raise NotFound(f"测站 {station}")


def _files(tx: Tx, folder: Path, span: tuple[int, int]) -> list[Path]:
    """The files of months that no longer stand in the database and touch this span."""
    found = []
    for month in store.months(tx):
        begin, end = month.span
        if not month.live and begin <= span[1] and end > span[0]:
            path = folder / month.file
            if not path.is_file():
                raise FileDiffers(month.file)
            found.append(path)
    return found


def months(tx: Tx) -> list[Month]:
    """已归档的月."""
    return store.months(tx)


def note_month(tx: Tx, folder: Path, month: str, file: str, rows: int, digest: str) -> bool:
    """归档登记 — the file holds what the database holds of that month; False when rows have come meanwhile."""
    if store.digest(folder / file) != digest or any(one.month == month for one in store.months(tx)):
        raise FileDiffers(file)
    noted = Month(month, file, rows, digest, tx.now, True)
    if store.count_rows(tx, noted.span) != rows:
        return False
    store.note_month(tx, month, file, rows, digest)
    record(tx, MonthArchived(subject=f"month:{month}", month=month, rows=rows, digest=digest))
    return True


def move_out(tx: Tx, folder: Path, month: Month) -> int:
    """移出数据库 — after the file was compared with its digest once more."""
    if not (folder / month.file).is_file() or store.digest(folder / month.file) != month.digest:
        raise FileDiffers(month.file)
    gone = store.clear_month(tx, month)
    record(tx, MonthMovedOut(subject=f"month:{month.month}", month=month.month, rows=gone))
    return gone


def forget(tx: Tx, month: Month) -> None:
    """到期销毁 — the record goes with the file, which the caller removes when this has committed."""
    store.forget_month(tx, month)
    record(
        tx,
        MonthForgotten(subject=f"month:{month.month}", month=month.month, rows=month.rows, digest=month.digest),
    )


def find_same(tx: Tx, element: str, since: datetime, until: datetime) -> list[stations.SameSource]:
    """重复测源 — find stations whose readings are those of another, and keep it: they count as one source."""
    series: dict[str, dict[int, float]] = {}
    for station, ms, value in store.values_of(tx, element, (to_ms(since), to_ms(until))):
        series.setdefault(station, {})[ms] = value
    found = [stations.SameSource(element, *pair) for pair in alike(series)]
    stations.note_same(tx, element, found)
    return found
