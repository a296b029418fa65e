"""监测 — store readings, read curves and latest values, say which stations are not heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shouye.base.kernel import Tx, enqueue
from shouye.watch.observe import store
from shouye.watch.observe.model import Cause, Gauge, Reading, Silence, coverage, outranks, unheard


def store_batch(tx: Tx, readings: Sequence[Reading]) -> int:
    """入库 — store what is new and wake the judge once, in this transaction. Returns how many were new."""
    if not readings:
        return 0
    chosen: dict[tuple[store.SeriesKey, datetime, int], Reading] = {}
    for reading in readings:
        key = (_key(reading), reading.time, reading.revision)
        if key not in chosen or outranks(reading, chosen[key]):
            chosen[key] = reading
    ids = store.series_ids(tx, (key for key, _, _ in chosen))
    newest: dict[int, Reading] = {}
    rows = []
    for (series_key, time, revision), reading in chosen.items():
        series_id = ids[series_key]
        rows.append(_row(series_id, reading) | {"revision": revision, "time": time})
        known = newest.get(series_id)
        if known is None or time > known.time or (time == known.time and outranks(reading, known)):
            newest[series_id] = reading
    batch_id = store.open_batch(tx, len(readings))
    stored = store.put_observations(tx, batch_id, rows)
    if stored:
        store.put_latest(tx, [_row(series_id, reading) for series_id, reading in newest.items()])
        enqueue(tx, kind="assess.wake", lane="engine", due_at=tx.now, payload={"batch": batch_id})
    return stored


def newest_batch(tx: Tx) -> int:
    """最近一批 — the number of the newest stored batch; 0 when there is none."""
    return store.newest_batch(tx)


def stored_in(tx: Tx, batch: int) -> list[Reading]:
    """本批新数据 — what this batch changed. A job names its batch: row numbers are not the order of commits."""
    return store.readings_in(tx, batch)


def history(tx: Tx, stations: Iterable[str], element: str, since: datetime | None = None) -> list[Reading]:
    """存数 — every revision of these stations' element (after `since`), for a judge that starts."""
    return store.readings_of(tx, stations, element, since)


def curve(tx: Tx, station: str, element: str, since: datetime, until: datetime) -> list[Reading]:
    """过程线 — one reading per series and instant in (since, until], the one that stands."""
    standing: dict[tuple[datetime, timedelta], Reading] = {}
    for reading in store.readings_of(tx, [station], element, since, until):
        key = (reading.time, reading.step)
        if key not in standing or outranks(reading, standing[key]):
            standing[key] = reading
    return [standing[key] for key in sorted(standing)]


def latest_all(tx: Tx) -> list[Reading]:
    """最新值 — the newest reading of every series."""
    return store.latest_readings(tx)


def watch(
    tx: Tx,
    county_of: Mapping[str, str],
    divisions: Iterable[str],
    areas: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """在用测站登记 — listen to these gauges (`station -> county`) for these divisions, and to no others."""
    gauges = [
        Gauge(station, county, coverage(areas or {}, station, county))
        for station, county in sorted(county_of.items())
    ]
    store.replace_gauges(tx, gauges, divisions)


def gauges(tx: Tx) -> dict[str, Gauge]:
    """在用测站 — by station id."""
    return store.all_gauges(tx)


def measuring(tx: Tx, element: str) -> dict[str, Gauge]:
    """测该要素的测站 — gauges that have sent it, and those never heard at all; a rain gauge owes no stage."""
    sent: dict[str, set[str]] = {}
    for reading in store.latest_readings(tx):
        sent.setdefault(reading.station, set()).add(reading.element)
    every = store.all_gauges(tx)
    return {station: one for station, one in every.items() if element in sent.get(station, {element})}


def watched_divisions(tx: Tx) -> list[str]:
    """应监测区划 — the divisions that somebody must speak for."""
    return store.watched_divisions(tx)


def silence(tx: Tx, element: str = "rain_mm") -> list[Silence]:
    """听不到的 — gauges in use that are not heard, one line per county and cause."""
    heard: dict[str, list[Reading]] = {}
    for reading in store.latest_readings(tx):
        if reading.element == element:
            heard.setdefault(reading.station, []).append(reading)
    groups: dict[tuple[str, Cause], list[tuple[str, datetime | None]]] = {}
    for station, one in measuring(tx, element).items():
        found = unheard(heard.get(station, []), tx.now)
        if found is not None:
            groups.setdefault((one.county, found[0]), []).append((station, found[1]))
    return [
        Silence(
            county,
            cause,
            tuple(station for station, _ in members),
            min((since for _, since in members if since is not None), default=None),
        )
        for (county, cause), members in sorted(groups.items())
    ]


def _key(reading: Reading) -> store.SeriesKey:
    return reading.station, reading.element, int(reading.step.total_seconds())


def _row(series_id: int, reading: Reading) -> dict[str, object]:
    return {
        "series_id": series_id,
        "time": reading.time,
        "revision": reading.revision,
        "value": reading.value,
        "source": reading.source,
    }
