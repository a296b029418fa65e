"""编译内核货架 — the hot loops, compiled by numba over columns of whole numbers: one loop, one file, `KERNEL`.

Here are the columns that a loop works on, what it offers, and `RingBank`: what stands between readings and the
loop of sums, with gauges as columns, instants as slots and levels as bits. The loops are imported only when an
engine needs one: a command that judges nothing does not pay for it, and what numba compiles is kept in a cache of
the user, so that a start waits for it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shouye.base.kernel import from_ms, to_ms
from shouye.base.rules import Bounds, Compare, Value
from shouye.watch.assess.model import Episode, Start, Watch, Window
from shouye.watch.observe import Block, Heard, Reading, outranks

NOTHING, MISSING = -2, -1
"""A slot for which nothing came, and one that came without a value (缺测)."""
GAPS = 4
"""Unknown slots of a gauge that are remembered one by one."""
FAR = 2**30
Ints = NDArray[np.int32]
Shorts = NDArray[np.int16]
Bytes = NDArray[np.int8]


class Program(NamedTuple):
    """规则程序 — windows in slots and, per level, clauses of atoms: the sum of a window is at least a number.

    `exact`: a known window is the whole of its length. `longer`: the next longer window of the same sum (or -1).
    An atom ends (for hysteresis) under `down`.
    """

    length: Ints
    lag: Ints
    exact: NDArray[np.bool_]
    longer: Ints
    atom_window: Ints
    up: Ints
    down: Ints
    clause_end: Ints
    level_end: Ints


class Bank(NamedTuple):
    """一组测站 — every column of the gauges that share a slot length and a program."""

    head: Ints
    """[newest slot of the bank, entries of the log in use]"""
    ring: Shorts
    revision: Bytes
    sums: Ints
    up: Ints
    down: Ints
    mask: Ints
    """Levels open at the gauge's newest instant."""
    first_mask: Ints
    """Levels open when the gauge was started."""
    newest: Ints
    gaps: Ints
    solid: Ints
    """Every slot from here to the newest is known, but for the gaps; the slot before it is not."""
    chain: Ints
    """The gauge's last step in the log, or -1."""


class Log(NamedTuple):
    """变化 — steps (a new mask at a slot, with what was known) and rewinds (`kind` 1: forget from this slot)."""

    gauge: Ints
    slot: Ints
    mask: Ints
    kind: Bytes
    before: Ints
    low: Ints
    full: Ints


def new_bank(program: Program, slots: int, gauges: int) -> Bank:
    """An empty bank; `slots` is a power of two."""
    windows = len(program.length)
    return Bank(
        head=np.array([-1, 0], np.int32),
        ring=np.full((slots, gauges), NOTHING, np.int16),
        revision=np.zeros((slots, gauges), np.int8),
        sums=np.zeros((windows, gauges), np.int32),
        up=np.full((windows, gauges), FAR, np.int32),
        down=np.full((windows, gauges), -1, np.int32),
        mask=np.zeros(gauges, np.int32),
        first_mask=np.zeros(gauges, np.int32),
        newest=np.full(gauges, -1, np.int32),
        gaps=np.full((GAPS, gauges), -1, np.int32),
        solid=np.full(gauges, FAR, np.int32),
        chain=np.full(gauges, -1, np.int32),
    )


def new_log(program: Program, entries: int) -> Log:
    windows = len(program.length)
    return Log(
        gauge=np.zeros(entries, np.int32),
        slot=np.zeros(entries, np.int32),
        mask=np.zeros(entries, np.int32),
        kind=np.zeros(entries, np.int8),
        before=np.zeros(entries, np.int32),
        low=np.zeros((entries, windows), np.int32),
        full=np.zeros(entries, np.int32),
    )


def widened(bank: Bank, wider: Bank) -> Bank:
    """The same gauges in a bank with more columns."""
    wider.head[:] = bank.head
    olds: tuple[NDArray[Any], ...] = bank[1:]
    news: tuple[NDArray[Any], ...] = wider[1:]
    for old, new in zip(olds, news, strict=True):
        new[..., : old.shape[-1]] = old
    return wider


def lengthened(log: Log, longer: Log) -> Log:
    """The same steps in a log with more room."""
    olds: tuple[NDArray[Any], ...] = log
    news: tuple[NDArray[Any], ...] = longer
    for old, new in zip(olds, news, strict=True):
        new[: len(old)] = old
    return longer


def least_tenths(atom: Compare) -> int:
    """The least number of tenths for which the comparison holds."""
    factor, _ = atom.terms[0]
    tenths = -Decimal(repr(atom.constant)) / Decimal(repr(factor)) * 10
    if atom.strict:
        return int(tenths.to_integral_value(ROUND_FLOOR)) + 1
    return int(tenths.to_integral_value(ROUND_CEILING))


class Kernel(NamedTuple):
    """内核 — `begin` a gauge, `take` readings (how many fitted before the log was full), `compact` the log."""

    begin: Callable[[Program, Bank, Log, int, int, int, Ints, Shorts, Bytes], None]
    take: Callable[[Program, Bank, Log, Ints, Ints, Shorts, Bytes], int]
    compact: Callable[[Bank, Log, Log, int], None]


_TENTH = 100
"""Thousandths in a tenth: what the rings count in."""
_SLACK = timedelta(hours=24)
"""How late a reading may come to a ring."""
_LOG = 1 << 16
"""Steps that a log has room for at least."""


def compilable(watch: Watch) -> bool:
    """Sums only, every comparison one window against a number, and nothing held or eased."""
    names = {window.name for window in watch.windows}
    atoms = [atom for row in watch.table.rows for clause in row.when.clauses for atom in clause]
    simple = all(
        isinstance(atom, Compare) and len(atom.terms) == 1 and atom.terms[0][0] > 0 and atom.terms[0][1] in names
        for atom in atoms
    )
    plain_words = not watch.table.unknown_levels and not watch.hazard.hold and not watch.hazard.margin
    return watch.hazard.nature == "sums" and simple and plain_words


def _by_length(watch: Watch) -> list[Window]:
    """A longer window stands after a shorter one, which it bounds from above."""
    return sorted(watch.windows, key=lambda window: window.length_s)


class Member:
    """A regular series of one station in a bank."""

    def __init__(self, station: str, column: int, source: str, since: int) -> None:
        self.station = station
        self.column = column
        self.source = source
        self.floor = since
        """The slot up to which everything is settled."""
        self.episodes: list[Episode] = []


class RingBank:
    """The gauges of one element and one interval."""

    def __init__(self, watches: Sequence[Watch], element: str, step_s: int, first: int) -> None:
        from shouye.watch.assess.kernels.rings import KERNEL  # numba is loaded only when it is needed

        self.kernel, self.element, self.step_s = KERNEL, element, step_s
        self.windows = [(watch, window) for watch in watches for window in _by_length(watch)]
        self.levels = [(watch, level) for watch in watches for level in watch.table.levels]
        self.slack = max(int(_SLACK.total_seconds()) // step_s, 16)
        self.reach = max((w.length_s + w.lag_s) // step_s + 1 for _, w in self.windows)
        whole = self.reach + min(self.slack, 120)
        atom_window, least, clause_end, level_end = [], [], [], []
        for watch, level in self.levels:
            for row in (row for row in watch.table.rows if row.level == level):
                for clause in row.when.clauses:
                    for atom in clause:
                        assert isinstance(atom, Compare)
                        atom_window.append(self._window(watch, atom.terms[0][1]))
                        least.append(least_tenths(atom))
                    clause_end.append(len(least))
            level_end.append(len(clause_end))

        def ints(values: Iterable[int]) -> Ints:
            return np.array(list(values), np.int32)

        self.program = Program(
            length=ints([*(w.length_s // step_s for _, w in self.windows), whole]),
            lag=ints([*(w.lag_s // step_s for _, w in self.windows), 0]),
            exact=np.array([*(w.length_s % step_s == 0 for _, w in self.windows), False]),
            longer=ints([*(self._longer(at) for at in range(len(self.windows))), -1]),
            atom_window=ints(atom_window),
            up=ints(least),
            down=ints(least),
            clause_end=ints(clause_end),
            level_end=ints(level_end),
        )
        slots = 1 << (self.reach + 2 * self.slack).bit_length()
        self.base = first - slots
        self.bank = new_bank(self.program, slots, 16)
        self.bank.head[0] = slots - 1
        self.log = new_log(self.program, max(_LOG, 4 * slots))
        self.spare = new_log(self.program, max(_LOG, 4 * slots))
        self.read = 0
        self.columns: list[Member] = []
        self.concerned: dict[str, datetime] = {}
        """Stations whose episodes have changed since somebody asked, and from which instant."""

    def _window(self, watch: Watch, name: str) -> int:
        return next(at for at, (of, window) in enumerate(self.windows) if of is watch and window.name == name)

    def _longer(self, at: int) -> int:
        """The next longer window of the same sum of the same table: it bounds this one from above."""
        watch, window = self.windows[at]
        groups = ([item.name for item in group] for group in watch.table.windows)
        names = next((names for names in groups if window.name in names), [])
        later = names[names.index(window.name) + 1 :] if names else []
        return self._window(watch, later[0]) if later else -1

    @property
    def oldest(self) -> int:
        """The oldest slot to which a gauge can be taken back."""
        return int(self.bank.head[0]) - len(self.bank.ring) + self.reach + 2

    def add(self, station: str, source: str) -> Member:
        size = self.bank.ring.shape[1]
        if len(self.columns) == size:
            self.bank = widened(self.bank, new_bank(self.program, len(self.bank.ring), 2 * size))
        member = Member(station, len(self.columns), source, 0)
        self.columns.append(member)
        return member

    def begin(self, member: Member, start: Start, past: Columns) -> None:
        since = to_ms(start.since) // 1000 // self.step_s - self.base
        mine = [watch for watch, _ in self.windows]
        member.floor = since
        member.episodes = [
            replace(one, until=None)
            for one in start.open
            if any(one.hazard == watch.hazard.key and one.rules == watch.table.id for watch in mine)
        ]
        open_now = {(one.hazard, one.level) for one in member.episodes}
        mask = sum(1 << bit for bit, (w, level) in enumerate(self.levels) if (w.hazard.key, level) in open_now)
        self._room(len(self.bank.ring))
        slots, values, revisions = past
        columns = (slots - self.base).astype(np.int32), values, revisions
        self.kernel.begin(self.program, self.bank, self.log, member.column, since, mask, *columns)
        self.changes()
        self.concerned.pop(member.station, None)

    def take(self, gauges: NDArray[np.int64], part: Columns) -> None:
        """Readings of these columns, in the order in which they came."""
        slots, values, revisions = part
        who, where = gauges.astype(np.int32), (slots - self.base).astype(np.int32)
        done = 0
        while done < len(who):
            self._room(0)
            left = who[done:], where[done:], values[done:], revisions[done:]
            done += self.kernel.take(self.program, self.bank, self.log, *left)
            self.changes()

    def _room(self, more: int) -> None:
        if self.bank.head[1] + more > len(self.log.gauge) // 2:
            self.changes()
            self.kernel.compact(self.bank, self.log, self.spare, self.oldest)
            self.log, self.spare = self.spare, self.log
            if self.bank.head[1] > len(self.log.gauge) // 4:
                self._widen()
            self.read = int(self.bank.head[1])

    def _widen(self) -> None:
        self.log = lengthened(self.log, new_log(self.program, 2 * len(self.log.gauge)))
        self.spare = new_log(self.program, len(self.log.gauge))

    def changes(self) -> None:
        """Fold what the kernel has written into episodes."""
        for entry in range(self.read, int(self.bank.head[1])):
            member = self.columns[self.log.gauge[entry]]
            at = from_ms((int(self.log.slot[entry]) + self.base) * self.step_s * 1000)
            self.concerned[member.station] = min(at, self.concerned.get(member.station, at))
            if self.log.kind[entry]:
                member.episodes = [
                    replace(one, until=None) if one.until is not None and one.until >= at else one
                    for one in member.episodes
                    if one.first_at < at
                ]
            else:
                self._step(member, entry, at)
        self.read = int(self.bank.head[1])

    def _step(self, member: Member, entry: int, at: datetime) -> None:
        before = int(self.log.before[entry])
        old = int(self.log.mask[before]) if before >= 0 else int(self.bank.first_mask[member.column])
        new = int(self.log.mask[entry])
        for bit, (watch, level) in enumerate(self.levels):
            if new & ~old & 1 << bit:
                member.episodes.append(self._opened(member, watch, level, entry, at))
            elif old & ~new & 1 << bit:
                self._end(member, watch, level, at)

    def _end(self, member: Member, watch: Watch, level: str, at: datetime) -> None:
        for index, one in enumerate(member.episodes):
            if one.until is None and (one.hazard, one.level) == (watch.hazard.key, level):
                member.episodes[index] = replace(one, until=at)

    def _opened(self, member: Member, watch: Watch, level: str, entry: int, at: datetime) -> Episode:
        values: dict[str, Value] = {}
        for number, (of, window) in enumerate(self.windows):
            if of is watch:
                low = int(self.log.low[entry, number]) * _TENTH / 1000
                values[window.name] = Bounds(low, low if self.log.full[entry] >> number & 1 else inf)
        return Episode(
            hazard=watch.hazard.key,
            rules=watch.table.id,
            level=level,
            rank=watch.rank(level),
            word=watch.table.word(level),
            station=member.station,
            first_at=at,
            until=None,
            source=member.source or member.station,
            ground=watch.ground(level, values),
        )


Columns = tuple[NDArray[np.int64], Shorts, Bytes]
"""Slots since 1970, tenths, revisions."""


def columns_of(
    ms: NDArray[np.int64], revision: NDArray[np.int64], value: NDArray[np.float64], step_s: int
) -> tuple[Columns, NDArray[np.bool_]]:
    """Readings as a ring wants them, and which of them are so: on the grid, tenths that sixteen bits hold."""
    missing = np.isnan(value)
    scaled = np.rint(np.where(missing, 0.0, value) * 1000)
    regular = (scaled % _TENTH == 0) & (scaled >= 0) & (scaled < 32000 * _TENTH) & (ms % (step_s * 1000) == 0)
    regular &= (revision >= 0) & (revision < 128)
    tenths = np.where(regular & ~missing, scaled // _TENTH, MISSING).astype(np.int16)
    return (ms // 1000 // step_s, tenths, np.where(regular, revision, 0).astype(np.int8)), regular


def past_of(past: Block | Sequence[Reading], step_s: int, source: str) -> Columns | None:
    """A past as a ring wants it: one reading per instant, the one that stands, in order of time.

    None when one of its readings is not regular.
    """
    if isinstance(past, Block):
        ms, revision, value = past.ms, past.revision, past.value
    else:
        best: dict[datetime, Reading] = {}
        for one in past:
            if int(one.step.total_seconds()) != step_s or one.source != source:
                return None
            if one.time not in best or outranks(one, best[one.time]):
                best[one.time] = one
        standing = Heard([best[time] for time in sorted(best)])
        ms, revision, value = standing.ms, standing.revision, standing.value
    (slots, tenths, revisions), regular = columns_of(ms, revision, value, step_s)
    last = np.append(ms[1:] != ms[:-1], True)  # of one instant the highest revision comes last
    return (slots[last], tenths[last], revisions[last]) if regular.all() else None
