"""质控 — what the checks say of a batch, found before it is written.

Most readings are calm: the tail of their series alone proves that no check flags them or changes its mind about
those before. The others are looked at with their surroundings as stored, in one read for the whole batch. What
comes out depends on the readings that stand and not on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import nan
from typing import Any

import numpy as np

from shouye.base.kernel import Tx
from shouye.watch.marks import Quality
from shouye.watch.observe import store
from shouye.watch.observe.checks import Columns, Mask, Numbers, Whole, all_checks
from shouye.watch.observe.elements import Elements, Limits
from shouye.watch.observe.model import Arrived, Content, Series, Tail, content

FlagRow = tuple[int, int, str, str, str]
"""(series, ms, check, quality, why)."""


Row = tuple[int, int, float, float]
"""(number of the series, ms, value, the reading before in s)."""


@dataclass
class Verdict:
    """结论 — flags to take away and to put down, stations to be judged again, the tails of the series."""

    gone: list[tuple[int, int, str]] = field(default_factory=list)
    new: list[FlagRow] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    tails: list[dict[str, Any]] = field(default_factory=list)
    bad: set[tuple[int, int]] = field(default_factory=set)
    """(series, ms) of the batch's own readings that do not count."""

    def flag(self, row: FlagRow) -> None:
        """A first flag of a new reading."""
        self.new.append(row)
        if row[3] == Quality.BAD:
            self.bad.add(row[:2])

    def judge_again(self, station: str, ms: int) -> None:
        self.again[station] = min(ms, self.again.get(station, ms))


def examine(tx: Tx, elements: Elements, series: Sequence[Series], arrived: Sequence[Arrived]) -> Verdict:
    """Say what the checks of single series find in these readings and around them."""
    found = Verdict()
    kinds: dict[Limits, int] = {}
    kind = np.array([kinds.setdefault(one.limits, len(kinds)) for one in series], dtype=np.int64)
    calm = _Calm(series, arrived, kind, list(kinds))
    calm.judge(elements, found)
    if calm.unsure.any():
        some = [one for one in arrived if calm.unsure[one.number]]
        _Around(tx, series, some, kind, list(kinds)).judge(elements, found)
    return found


class _Calm:
    """平稳的 — series whose tail proves all; the others are found `unsure`."""

    def __init__(
        self, series: Sequence[Series], arrived: Sequence[Arrived], kind: Whole, limits: list[Limits]
    ) -> None:
        self.series = series
        self.arrived = arrived
        tails = [one.tail for one in series]
        number = np.array([one.number for one in arrived], dtype=np.int64)
        ms = np.array([one.ms for one in arrived], dtype=np.int64)
        value = np.array([_nan(one.reading.value) for one in arrived])
        last = np.array([tail.ms if tail else _NEVER for tail in tails], dtype=np.int64)
        self.unsure: Mask = np.array([_must_look(one) for one in series])
        self.unsure[number[ms <= last[number]]] = True
        order = np.lexsort((ms, number))
        twice = (number[order][1:] == number[order][:-1]) & (ms[order][1:] == ms[order][:-1])
        self.unsure[number[order][1:][twice]] = True
        heads = np.flatnonzero((last != _NEVER) & ~self.unsure)
        context = [tail for tail in (tails[index] for index in heads) if tail]
        rows = np.flatnonzero(~self.unsure[number])
        number = np.concatenate([heads, number[rows]])
        ms = np.concatenate([last[heads], ms[rows]])
        order = np.lexsort((ms, number))
        self.number, self.ms = number[order], ms[order]
        self.index = np.concatenate([np.full(len(heads), -1), rows])[order]
        """Of each row its place in `arrived`; -1 for a tail."""
        before = np.full(len(order), nan)
        same = self.number[1:] == self.number[:-1]
        before[1:][same] = self.ms[:-1][same] / 1000
        steady = [nan if tail.steady_ms is None else tail.steady_ms / 1000 for tail in context]
        self.columns = Columns(
            series=self.number,
            time_s=self.ms / 1000,
            value=np.concatenate([np.array([_nan(tail.reading[1]) for tail in context]), value[rows]])[order],
            step_s=np.array([one.step_s for one in series], dtype=np.float64)[self.number],
            kind=kind[self.number],
            limits=limits,
            before_s=before,
            steady_s=np.concatenate([np.array(steady), np.full(len(rows), nan)])[order],
        )
        there, agree = self.columns.company
        alone = self.columns.spread((there >= 1) & (agree == 0)) & (last[self.number] != _NEVER)
        self.unsure[self.number[alone & (self.index >= 0)]] = True

    def judge(self, elements: Elements, found: Verdict) -> None:
        certain = ~self.unsure[self.number] & (self.index >= 0)
        for key, check in all_checks().items():
            if check.around:
                continue
            for row in np.flatnonzero(check.examine(self.columns) & certain):
                one = self.arrived[self.index[row]]
                series = self.series[one.number]
                found.flag(_flag(elements, series, one.ms, one.reading.value, key))
        ends = _ends(self.columns, len(self.series))
        steady, doubt = ends[0].tolist(), ends[1].tolist()
        newest: dict[int, Arrived] = {}
        for index in self.index[certain].tolist():
            one = self.arrived[index]
            newest[one.number] = one
            if one.reading.flags:
                found.flag(_said(self.series[one.number], one))
        firsts = dict(zip(self.number[::-1].tolist(), self.ms[::-1].tolist(), strict=True))
        for number, one in newest.items():
            tail = self.series[number].tail
            first = tail.first_ms if tail else firsts[number]
            found.tails.append(_tail(self.series[number], one, first, steady[number], doubt[number]))


class _Around:
    """存疑的 — series that are looked at with what is stored around the new readings."""

    def __init__(
        self, tx: Tx, series: Sequence[Series], arrived: Sequence[Arrived], kind: Whole, limits: list[Limits]
    ) -> None:
        self.tx = tx
        self.series = series
        self.kind = kind
        self.limits = limits
        self.numbers = {series[one.number].id: one.number for one in arrived}
        self.best: dict[int, dict[int, Arrived]] = {}
        for one in arrived:
            mine = self.best.setdefault(one.number, {})
            if one.ms not in mine or one.content > mine[one.ms].content:
                mine[one.ms] = one
        self.span: dict[int, tuple[int, int]] = {}
        for number in sorted(self.best):
            low, high = min(self.best[number]), max(self.best[number])
            tail = series[number].tail
            if tail and low < tail.first_ms:
                high = max(high, tail.first_ms)  # the first one now has a reading before it
            self.span[number] = low, high
        self.stood: dict[int, dict[int, Content]] = {number: {} for number in self.span}
        self._read(self.span, 0)
        self.long = {number for number in self.span if self._may_be_stuck(number)}
        """Series that are looked at as far as a run of equal values reaches."""
        self._read(sorted(self.long), 1)

    def _read(self, numbers: Iterable[int], long: int) -> None:
        """What stands around the span of each series."""
        windows = []
        for number in numbers:
            one, (low, high) = self.series[number], self.span[number]
            reach = 3 * one.reach_ms + long * one.stuck_ms
            windows.append((one.id, low - reach, high + reach))
        for identity, ms, revision, value, source in store.observed_within(self.tx, windows):
            stood = self.stood[self.numbers[identity]]
            candidate = content(revision, value, source)
            stood[ms] = max(candidate, stood.get(ms, candidate))

    def _merged(self, number: int) -> dict[int, Content]:
        """What will stand: the stored and the new, the greater content."""
        merged = dict(self.stood[number])
        for ms, one in self.best[number].items():
            merged[ms] = max(one.content, merged.get(ms, one.content))
        return dict(sorted(merged.items()))

    def _may_be_stuck(self, number: int) -> bool:
        """Does a new reading, or the one it replaces, touch a run of equal values?"""
        one = self.series[number]
        if not one.stuck_ms:
            return False
        if not self.stood[number].keys().isdisjoint(self.best[number]):
            return True
        values = [said[2] for said in self._merged(number).values() if said[1]]
        if len(values) - values.count(one.limits.stuck_free) < 2:
            return False
        sound = filter(one.sound, values)
        return any(value == other != one.limits.stuck_free for value, other in pairwise(sound))

    def judge(self, elements: Elements, found: Verdict) -> None:
        rows: list[Row] = []
        for number in self.span:
            one = self.series[number]
            first = min(self.span[number][0], one.tail.first_ms if one.tail else self.span[number][0])
            before = nan
            for ms, said in self._merged(number).items():
                if not rows or rows[-1][0] != number:
                    before = nan if ms <= first else -np.inf
                rows.append((number, ms, said[2] if said[1] else nan, before))
                before = ms / 1000
        columns = self._columns(rows)
        stored: dict[tuple[int, int], dict[str, tuple[str, str]]] = {}
        reach = [(number, *self._affected(number)) for number in self.span]
        windows = [(self.series[number].id, low, high) for number, low, high in reach]
        for identity, ms, key, quality, why in store.flags_within(self.tx, windows):
            stored.setdefault((self.numbers[identity], ms), {})[key] = quality, why
        wanted = self._wanted(elements, columns, rows, stored)
        for (number, ms), flags in sorted(wanted.items()):
            self._settle(number, ms, stored.get((number, ms), {}), flags, found)
        self._tails(columns, rows, found)

    def _columns(self, rows: Sequence[Row]) -> Columns:
        number = np.array([row[0] for row in rows], dtype=np.int64)
        return Columns(
            series=number,
            time_s=np.array([row[1] for row in rows]) / 1000,
            value=np.array([row[2] for row in rows]),
            step_s=np.array([one.step_s for one in self.series], dtype=np.float64)[number],
            kind=self.kind[number],
            limits=self.limits,
            before_s=np.array([row[3] for row in rows]),
        )

    def _affected(self, number: int) -> tuple[int, int]:
        """The instants whose flags may change."""
        one, (low, high) = self.series[number], self.span[number]
        return low - one.reach_ms, high + one.reach_ms + (one.stuck_ms if number in self.long else 0)

    def _wanted(
        self,
        elements: Elements,
        columns: Columns,
        rows: Sequence[Row],
        stored: Mapping[tuple[int, int], dict[str, tuple[str, str]]],
    ) -> dict[tuple[int, int], dict[str, tuple[str, str]]]:
        """The flags which those affected readings shall have that have some now, get some or are new."""
        affected = {number: self._affected(number) for number in self.span}
        kept = {key for key, check in all_checks().items() if check.around} | {"sender"}
        wanted: dict[tuple[int, int], dict[str, tuple[str, str]]] = {}
        for (number, ms), old in stored.items():
            held = kept if number in self.long or ms in self.best[number] else kept | {"stuck"}
            wanted[number, ms] = {key: flag for key, flag in old.items() if key in held}
        for number, mine in self.best.items():
            for ms in mine:
                wanted.setdefault((number, ms), {})
        for key, check in all_checks().items():
            if check.around:
                continue
            for row in np.flatnonzero(check.examine(columns)).tolist():
                number, ms, value, _ = rows[row]
                low, high = affected[number]
                if low <= ms <= high and (key != "stuck" or number in self.long):
                    flag = _flag(elements, self.series[number], ms, None if value != value else value, key)
                    wanted.setdefault((number, ms), {})[key] = flag[3], flag[4]
        for number, mine in self.best.items():
            for ms, one in mine.items():
                stood = self.stood[number].get(ms)
                if stood is not None and one.content < stood:
                    continue
                if stood is None or one.content > stood:
                    wanted[number, ms].pop("sender", None)
                if one.reading.flags:
                    flag = _said(self.series[number], one)
                    wanted[number, ms]["sender"] = flag[3], flag[4]
        return wanted

    def _settle(
        self,
        number: int,
        ms: int,
        old: Mapping[str, tuple[str, str]],
        new: Mapping[str, tuple[str, str]],
        found: Verdict,
    ) -> None:
        series = self.series[number]
        found.gone += [(series.id, ms, key) for key in old if new.get(key) != old[key]]
        found.new += [(series.id, ms, key, *flag) for key, flag in new.items() if old.get(key) != flag]
        was, now = _is_bad(old), _is_bad(new)
        if now:
            found.bad.add((series.id, ms))
        stood = self.stood[number].get(ms)
        came = self.best[number].get(ms)
        replaced = came is not None and stood is not None and came.content > stood
        if stood is not None and (was != now or (now and replaced)):
            found.judge_again(series.station, ms)

    def _tails(self, columns: Columns, rows: Sequence[Row], found: Verdict) -> None:
        steady, doubt = _ends(columns, len(self.series))
        ends = {row[0]: row[1] for row in rows}
        for number, (low, _) in self.span.items():
            series = self.series[number]
            tail, first = series.tail, low
            head = max(self.best[number])
            if tail:
                first, head = min(low, tail.first_ms), max(tail.ms, head)
            one = self.best[number].get(head)
            if one is not None and tail and head == tail.ms and one.content <= content(*tail.reading):
                one = None
            if ends[number] != head:  # the tail lies far after what came
                assert tail is not None
                found.tails.append(_same_tail(series, tail, first, tail.steady_ms, tail.doubt))
                continue
            since: float | None = steady[number]
            if number not in self.long and one is None and tail:
                since = None if tail.steady_ms is None else tail.steady_ms / 1000
            if one is None:
                assert tail is not None
                kept = None if since is None or np.isnan(since) else round(since * 1000)
                found.tails.append(_same_tail(series, tail, first, kept, bool(doubt[number])))
            else:
                found.tails.append(_tail(series, one, first, since, bool(doubt[number])))


_NEVER = np.iinfo(np.int64).min


def _must_look(series: Series) -> bool:
    """The tail says that it does not prove enough."""
    tail = series.tail
    return tail is not None and (tail.doubt or (tail.steady_ms is None and series.stuck_ms > 0))


def _nan(value: float | None) -> float:
    return nan if value is None else value


def _is_bad(flags: Mapping[str, tuple[str, str]]) -> bool:
    return any(quality == Quality.BAD for quality, _ in flags.values())


def _flag(elements: Elements, series: Series, ms: int, value: float | None, key: str) -> FlagRow:
    check = all_checks()[key]
    if check.quality is Quality.NOTED:
        return series.id, ms, key, check.quality.value, check.why
    return series.id, ms, key, check.quality.value, f"{elements[series.element].say(value)}：{check.why}"


def _said(series: Series, one: Arrived) -> FlagRow:
    """设备自报 — what the sender itself says of the reading, the worst of it."""
    worst = one.reading.quality
    return series.id, one.ms, "sender", worst.value, "；".join(sorted(flag.why for flag in one.reading.flags))


def _ends(columns: Columns, count: int) -> tuple[Numbers, Mask]:
    """Of each series: since when its last value is the same (nan: unknown), and whether the next reading may
    change what is thought of its last ones."""
    steady, doubt = np.full(count, nan), np.zeros(count, dtype=np.bool_)
    if not len(columns.series):
        return steady, doubt
    last = np.flatnonzero(np.append(columns.series[1:] != columns.series[:-1], True))
    at = columns.sound
    sound = np.zeros(len(columns.series), dtype=np.bool_)
    sound[at] = True
    run = np.full(len(columns.series), nan)
    run[at] = columns.steady
    steady[columns.series[last]] = run[last]
    dependent = np.array([not one.alone for one in columns.limits])[columns.kind]
    doubt[columns.series[last]] = ~sound[last] & dependent[last]
    of = columns.series[at]
    from_end = np.searchsorted(of, of, side="right") - np.arange(len(at)) - 1
    restless = (columns.company[1] == 0) & np.isfinite(columns.limit("jump")[at]) & (from_end < 2)
    doubt[of[restless]] = True
    return steady, doubt


def _tail(series: Series, one: Arrived, first: int, steady: float | None, doubt: bool) -> dict[str, Any]:
    return {
        "series_id": series.id,
        "time": one.ms,
        "revision": one.reading.revision,
        "value": one.reading.value,
        "source": one.reading.source,
        "first": first,
        "steady": None if steady is None or steady != steady else round(steady * 1000),  # nan: not known
        "doubt": doubt,
    }


def _same_tail(series: Series, tail: Tail, first: int, steady: int | None, doubt: bool) -> dict[str, Any]:
    revision, value, source = tail.reading
    return {
        "series_id": series.id,
        "time": tail.ms,
        "revision": revision,
        "value": value,
        "source": source,
        "first": first,
        "steady": steady,
        "doubt": doubt,
    }
