"""编译内核货架 — the hot loops, compiled by numba over columns of whole numbers: one loop, one file, `KERNEL`.

Here are the columns that a loop works on, and what it offers. The loops are imported only when an engine needs
one: a command that judges nothing does not pay for it, and what numba compiles is kept in a cache of the user, so
that a start waits for it once.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shouye.base.rules import Compare

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
