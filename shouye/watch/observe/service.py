"""监测 — store readings, read curves and latest values, say which stations are not heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shouye.base.access import WHOLE, Actor, Permission, Scope, concerns, covers, require
from shouye.base.kernel import BadInput, NotFound, Tx, enqueue, iso, record, to_ms
from shouye.base.pulse import Voice
from shouye.watch import marks as said_of
from shouye.watch.marks import Mark, Quality
from shouye.watch.observe import places, store
from shouye.watch.observe.elements import Elements
from shouye.watch.observe.facts import ReadingsMarked
from shouye.watch.observe.fresh import Heard, recall, remember
from shouye.watch.observe.model import (
    LATE_AFTER,
    Arrived,
    Cause,
    Flag,
    Measures,
    Reading,
    Series,
    Silence,
    flag_of,
    judged,
    outranks,
    unheard,
)
from shouye.watch.observe.quality import Verdict, examine
from shouye.watch.stations import Gauge
from shouye.watch.stations import gauges as all_gauges


def store_batch(tx: Tx, readings: Sequence[Reading]) -> int:
    """入库 — check and store what is new and wake the judge once, in this transaction. Returns how many were new.

    A reading's own flags are the sender's word. The caller's transaction is one of those that take turns.
    """
    if not readings:
        return 0
    elements = Elements.in_force(tx)
    chosen: dict[tuple[store.SeriesKey, datetime, int], Reading] = {}
    for reading in readings:
        key = (_key(reading), reading.time, reading.revision)
        held = chosen.get(key)
        if held is None or outranks(reading, held) or (not outranks(held, reading) and _worse(reading, held)):
            chosen[key] = reading
    known = store.known_series(tx, (key for key, _, _ in chosen))
    numbers: dict[store.SeriesKey, int] = {}
    arrived = [
        Arrived(numbers.setdefault(key, len(numbers)), to_ms(time), reading)
        for (key, time, _), reading in chosen.items()
    ]
    series = [Series(known[key][0], *key, known[key][1], elements.limits(key[0], key[1])) for key in numbers]
    verdict = examine(tx, elements, series, arrived)
    batch_id = store.open_batch(tx, len(readings), len(arrived))
    stored = store.put_observations(tx, batch_id, [_row(batch_id, series[one.number].id, one) for one in arrived])
    if verdict.tails:
        store.put_latest(tx, verdict.tails)
    places.compare(tx, elements, series, arrived, verdict)
    store.write_flags(tx, verdict.gone, verdict.new)
    if verdict.new or verdict.again:
        store.note_checks(tx, batch_id, len(verdict.new), verdict.again)
    if stored or verdict.again:
        enqueue(tx, kind="assess.wake", lane="engine", due_at=tx.now, payload={"batch": batch_id})
    if stored == len(arrived):
        remember(tx, batch_id, _what_counts(series, arrived, verdict))
    return stored


def _what_counts(series: Sequence[Series], arrived: Sequence[Arrived], verdict: Verdict) -> Heard:
    """The batch as it is to be judged, when nothing had been said of its instants but what the verdict says."""
    if not verdict.bad:
        return Heard([one.reading for one in arrived], [one.ms for one in arrived])
    bad = [(series[one.number].id, one.ms) in verdict.bad for one in arrived]
    readings = [
        replace(one.reading, value=None) if is_bad else one.reading
        for one, is_bad in zip(arrived, bad, strict=True)
    ]
    return Heard(readings, [one.ms for one in arrived])


def newest_batch(tx: Tx) -> int:
    """最近一批 — the number of the newest stored batch; 0 when there is none."""
    return store.newest_batch(tx)


def _worse(reading: Reading, held: Reading) -> bool:
    """Of two equal readings the one of which its sender speaks worse."""
    said = [(one.quality != Quality.GOOD, sorted(flag.why for flag in one.flags)) for one in (reading, held)]
    return said[0] > said[1]


def mark_readings(
    tx: Tx,
    by: Actor,
    station: str,
    element: str,
    since: datetime,
    until: datetime | None,
    quality: Quality,
    why: str,
    value: float | None = None,
) -> int:
    """人工质控标记 — a person says of the readings in (since, until]: good, suspect, bad, or truly `value`.

    Without `until` it holds until the next mark. What was sent stays as it is; the judge looks again.
    """
    require(by, Permission.ACT)
    gauge = all_gauges(tx, by.scope).get(station)
    mine = by.scope == WHOLE or (gauge is not None and covers(tx, by.scope, gauge.county))
    newest = store.latest_of(tx, station, element) if mine else None
    if newest is None:
        raise BadInput(f"测站 {station} 没有这个要素的数据")
    number = said_of.add(tx, by, station, element, since, until, quality, why, value)
    record(
        tx,
        ReadingsMarked(
            subject=f"station:{station}",
            actor=by.tag,
            mark=number,
            station=station,
            element=element,
            since=iso(since),
            until=None if until is None else iso(until),
            quality=quality.value,
            value=value,
        ),
    )
    batch_id = store.open_batch(tx, 0)
    store.note_checks(tx, batch_id, 0, {station: to_ms(since)})
    enqueue(tx, kind="assess.wake", lane="engine", due_at=tx.now, payload={"batch": batch_id})
    return number


def marks(tx: Tx, scope: Scope, station: str | None = None, element: str | None = None) -> list[Mark]:
    """人工标记 — all that persons have said of the scope's stations, in the order in which they said it."""
    mine = all_gauges(tx, scope)
    found = said_of.said(tx, None, station, element)
    return [one for one in found if scope == WHOLE or one.station in mine]


def stored_in(tx: Tx, batch: int) -> Heard:
    """本批新数据 — what this batch changed, with the values that count: a bad one is none.

    A job names its batch: row numbers are not the order of commits.
    """
    heard = recall(tx, batch)
    if heard is not None and not _said_of(tx, heard):
        return heard
    flagged, _ = store.checks_of(tx, batch)
    readings = store.readings_in(tx, batch)
    flags = store.flags_in(tx, batch) if flagged else {}
    return Heard([judged(one) for one in _dressed(readings, flags, _said_of(tx, readings))])


def _said_of(tx: Tx, readings: Sequence[Reading]) -> list[Mark]:
    """What persons say that may concern these readings."""
    if not readings:
        return []
    since = min(reading.time for reading in readings) - timedelta(milliseconds=1)
    return said_of.said(tx, since)


def to_judge_again(tx: Tx, batch: int) -> dict[str, datetime]:
    """须重新研判 — stations of whose older readings this batch has changed what counts, each from an instant."""
    return store.checks_of(tx, batch)[1]


def history(tx: Tx, stations: Iterable[str], element: str, since: datetime | None = None) -> list[Reading]:
    """存数 — every revision of these stations' element (after `since`) with the values that count, for a judge."""
    asked = sorted(stations)
    readings = store.readings_of(tx, asked, element, since)
    flags = store.flags_of(tx, asked, element, since, None)
    return [judged(one) for one in _dressed(readings, flags, said_of.said(tx, since, element=element))]


def curve(tx: Tx, scope: Scope, station: str, element: str, since: datetime, until: datetime) -> list[Reading]:
    """过程线 — one reading per series and instant in (since, until], the one that stands, as sent, with flags."""
    if scope != WHOLE and station not in all_gauges(tx, scope):
        raise NotFound(f"测站 {station}")
    standing: dict[tuple[datetime, timedelta], Reading] = {}
    for reading in store.readings_of(tx, [station], element, since, until):
        key = (reading.time, reading.step)
        if key not in standing or outranks(reading, standing[key]):
            standing[key] = reading
    flags = store.flags_of(tx, [station], element, since, until)
    return _dressed([standing[key] for key in sorted(standing)], flags, said_of.said(tx, since, station, element))


def latest_all(tx: Tx, scope: Scope) -> list[Reading]:
    """最新值 — the newest reading of every series, as sent and with its flags."""
    found = tx.once(
        "latest_all",
        lambda: _dressed(store.latest_readings(tx), store.flags_in(tx), said_of.said(tx, None)),
    )
    if scope == WHOLE:
        return list(found)
    mine = all_gauges(tx, scope)
    return [reading for reading in found if reading.station in mine]


def discarded(tx: Tx, since: datetime, until: datetime | None = None) -> list[Reading]:
    """弃用的读数 — those after `since` that have a value which does not count."""
    flags = store.flags_of(tx, None, None, since, until)
    bad = {key: some for key, some in flags.items() if any(one.quality is Quality.BAD for one in some)}
    found = []
    for station, element in sorted({(key[0], key[1]) for key in bad} | _marked(tx, since)):
        some = curve(tx, WHOLE, station, element, since, until or tx.now)
        found += [one for one in some if one.value is not None and one.counted is None]
    return sorted(found, key=lambda one: (one.time, one.station, one.element, one.step))


def _marked(tx: Tx, since: datetime) -> set[tuple[str, str]]:
    return {(one.station, one.element) for one in said_of.said(tx, since) if one.quality is Quality.BAD}


def _dressed(
    readings: Sequence[Reading], flags: Mapping[store.FlagKey, Sequence[Flag]], marks: Sequence[Mark]
) -> list[Reading]:
    """Put beside each reading what the checks and then what persons say of it."""
    if not flags and not marks:
        return list(readings)
    by_series: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        by_series.setdefault((mark.station, mark.element), []).append(mark)
    found = []
    for one in readings:
        said = tuple(flags.get((*_key(one), one.time), ()))
        said += tuple(
            flag_of(mark) for mark in by_series.get((one.station, one.element), ()) if mark.covers(one.time)
        )
        found.append(replace(one, flags=said) if said else one)
    return found


def measuring(tx: Tx, element: str) -> dict[str, Gauge]:
    """测该要素的测站 — gauges declared to measure it; of whom nothing is declared, those that have sent it, and
    those never heard at all: a rain gauge owes no stage."""
    return tx.once(("measuring", element), lambda: _measuring(tx, element))


def _measuring(tx: Tx, element: str) -> dict[str, Gauge]:
    sent: dict[str, set[str]] = {}
    for reading in store.latest_readings(tx):
        sent.setdefault(reading.station, set()).add(reading.element)
    declared = Measures.in_force(tx)
    return {
        station: one
        for station, one in all_gauges(tx, WHOLE).items()
        if declared.owes(station, element, frozenset(sent.get(station, ())))
    }


def silence(tx: Tx, scope: Scope, element: str = "rain_mm") -> list[Silence]:
    """听不到的 — gauges in use that are not heard, one line per county and cause."""
    found = tx.once(("silence", element), lambda: _silence(tx, element))
    return [one for one in found if concerns(tx, scope, one.county)]


def _silence(tx: Tx, element: str) -> list[Silence]:
    heard = _heard(tx)
    declared = Measures.in_force(tx)
    groups: dict[tuple[str, Cause], list[tuple[str, datetime | None]]] = {}
    for station, one in measuring(tx, element).items():
        own = [reading for reading in heard.get(station, ()) if reading.element == element]
        found = unheard(own, tx.now, declared)
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


def _heard(tx: Tx) -> dict[str, list[Reading]]:
    """The latest of every series, by station; asked once a transaction."""
    return tx.once("heard", lambda: _by_station(latest_all(tx, WHOLE)))


def _by_station(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {}
    for reading in readings:
        found.setdefault(reading.station, []).append(reading)
    return found


def voices(tx: Tx, feed_of: Mapping[str, str] = MappingProxyType({})) -> list[Voice]:
    """应有的声音 — every gauge in use, to be heard as often as that one of its series that speaks longest.

    `feed_of` says on which feed a station comes.
    """
    heard, declared = _heard(tx), Measures.in_force(tx)
    return [
        _voice(
            tx,
            "station",
            station,
            station,
            gauge.county,
            feed_of.get(station, ""),
            heard.get(station, []),
            declared,
        )
        for station, gauge in all_gauges(tx, WHOLE).items()
    ]


def series_voices(tx: Tx, feed_of: Mapping[str, str] = MappingProxyType({})) -> list[Voice]:
    """应有的要素 — each element of a gauge that is heard and sends several: one sensor may fail alone.

    A gauge that is silent altogether is one voice, and its elements are none.
    """
    heard, declared, elements = _heard(tx), Measures.in_force(tx), Elements.in_force(tx)
    found = []
    for station, gauge in all_gauges(tx, WHOLE).items():
        some = heard.get(station, [])
        wanted = declared.missed(station, frozenset(one.element for one in some))
        if len(wanted) < 2 or unheard(some, tx.now, declared) is not None:
            continue
        feed = feed_of.get(station, "")
        for element in sorted(wanted):
            own = [one for one in some if one.element == element]
            name, term = f"{station}/{element}", f"{station} {elements[element].term}"
            found.append(_voice(tx, "series", name, term, gauge.county, feed, own, declared))
    return found


def _voice(
    tx: Tx, kind: str, name: str, term: str, county: str, feed: str, some: list[Reading], declared: Measures
) -> Voice:
    last = max(some, key=lambda one: (one.time + LATE_AFTER * declared.within(one), one.element), default=None)
    cause = unheard(some, tx.now, declared)
    return Voice(
        kind=kind,
        name=name,
        term=term,
        interval=declared.within(last) if last else FIRST_WITHIN,
        heard_at=last.time if last else None,
        feed=feed,
        county=county,
        well=cause is None or cause[0] not in (Cause.MISSING, Cause.BAD),
    )


FIRST_WITHIN = timedelta(hours=1)
"""初次来数 — a gauge that was never heard is expected within two of these (proposed)."""


def _key(reading: Reading) -> store.SeriesKey:
    return reading.station, reading.element, int(reading.step.total_seconds())


def _row(batch_id: int, series_id: int, one: Arrived) -> dict[str, object]:
    reading = one.reading
    return {
        "series_id": series_id,
        "time": one.ms,
        "revision": reading.revision,
        "value": reading.value,
        "source": reading.source,
        "batch_id": batch_id,
    }
