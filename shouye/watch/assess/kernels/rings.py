"""滑动时段内核 — sums over windows for many gauges: one ring of slots, running sums, levels folded in event time.

Time-major: a row holds one slot of every gauge, so that a new slot leaves the windows of all gauges in a few
straight passes. A gauge is judged only when a sum leaves the span (`down` <= sum < `up`) within which no level can
change; what is late or corrected takes its gauge back to that slot and folds it forward again. A slot is a 16-bit
number: -2 nothing came, -1 missing (缺测), else the value.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

from shouye.watch.assess.kernels import FAR, GAPS, NOTHING, Bank, Bytes, Ints, Kernel, Log, Program, Shorts

_F = TypeVar("_F", bound=Callable[..., Any])


def _cached() -> None:
    """The cache belongs to the user, not to the place where the program is installed."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".cache")
    settings = vars(numba.config)
    settings["CACHE_DIR"] = settings["CACHE_DIR"] or str(Path(home) / "shouye" / "numba")


_cached()


def _compiled(function: _F) -> _F:
    return cast(_F, numba.njit(cache=True, nogil=True)(function))


@_compiled
def _advance(p: Program, b: Bank, to: int) -> None:
    """Move the bank to a slot: what leaves a window leaves its sum; the new row is empty."""
    last = b.ring.shape[0] - 1
    gauges = b.ring.shape[1]
    for slot in range(b.head[0] + 1, to + 1):
        for w in range(len(p.length)):
            leaving = b.ring[(slot - p.lag[w] - p.length[w]) & last]
            sums = b.sums[w]
            if p.lag[w]:
                entering = b.ring[(slot - p.lag[w]) & last]
                for s in range(gauges):
                    sums[s] += max(entering[s], 0) - max(leaving[s], 0)
            elif p.length[w]:
                for s in range(gauges):
                    sums[s] -= max(leaving[s], 0)
        b.ring[slot & last] = NOTHING
        b.revision[slot & last] = 0
    b.head[0] = to


@_compiled
def _note_gap(b: Bank, s: int, slot: int) -> None:
    """An unknown slot; where there are too many, the windows that reach beyond the oldest are not full."""
    oldest = 0
    for g in range(GAPS):
        if b.gaps[g, s] < 0:
            b.gaps[g, s] = slot
            return
        if b.gaps[g, s] < b.gaps[oldest, s]:
            oldest = g
    if slot > b.gaps[oldest, s]:
        b.solid[s] = max(b.solid[s], b.gaps[oldest, s] + 1)
        b.gaps[oldest, s] = slot
    else:
        b.solid[s] = max(b.solid[s], slot + 1)


@_compiled
def _survey(p: Program, b: Bank, s: int) -> None:
    """Find the gaps of one gauge anew, from its newest slot back."""
    last = b.ring.shape[0] - 1
    found = 0
    b.gaps[:, s] = -1
    b.solid[s] = max(b.head[0] - last, 0)
    for slot in range(b.newest[s], b.head[0] - last, -1):
        if b.ring[slot & last, s] < 0:
            if found == GAPS:
                b.solid[s] = slot + 1
                return
            b.gaps[found, s] = slot
            found += 1


@_compiled
def _known(p: Program, b: Bank, s: int, at: int) -> int:
    """Which windows are wholly known at a slot, as bits; before `solid` one has to look."""
    full = 0
    for w in range(len(p.length)):
        end = at - p.lag[w]
        begin = end - p.length[w]
        whole = p.exact[w] and begin >= b.head[0] - b.ring.shape[0]
        if whole and begin + 1 >= b.solid[s]:
            for g in range(GAPS):
                if begin < b.gaps[g, s] <= end:
                    whole = False
        elif whole and end >= b.solid[s] - 1:
            whole = False
        elif whole:
            slot = end
            while whole and slot > begin:
                whole = b.ring[slot & (b.ring.shape[0] - 1), s] >= 0
                slot -= 1
        if whole:
            full |= 1 << w
    return full


@_compiled
def _levels(p: Program, sums: Ints, full: int, mask: int) -> int:
    """The levels that are open after this instant: TRUE opens, FALSE ends, UNKNOWN leaves as it was."""
    windows = len(p.length)
    high = np.empty(windows, np.int32)
    for back in range(windows):
        w = windows - 1 - back
        high[w] = sums[w] if full >> w & 1 else FAR
        if p.longer[w] >= 0:
            high[w] = min(high[w], high[p.longer[w]])
    clause = atom = 0
    for level in range(len(p.level_end)):
        is_true, is_false = False, True
        while clause < p.level_end[level]:
            all_true, one_false = True, False
            while atom < p.clause_end[clause]:
                w = p.atom_window[atom]
                all_true = all_true and sums[w] >= p.up[atom]
                one_false = one_false or high[w] < p.down[atom]
                atom += 1
            is_true = is_true or all_true
            is_false = is_false and one_false
            clause += 1
        if is_true:
            mask |= 1 << level
        elif is_false:
            mask &= ~(1 << level)
    return mask


@_compiled
def _guard(p: Program, b: Bank, s: int) -> None:
    """Set the span of every sum within which no level of this gauge can change.

    A closed level stays closed while one atom of each of its clauses stays untrue; an open one stays open while
    all atoms of one of its clauses stay unrefuted.
    """
    b.up[:, s] = FAR
    b.down[:, s] = -1
    clause = atom = 0
    for level in range(len(p.level_end)):
        is_open = b.mask[s] >> level & 1
        kept = False
        while clause < p.level_end[level]:
            first = atom
            witness = -1
            unrefuted = True
            while atom < p.clause_end[clause]:
                w = p.atom_window[atom]
                if b.sums[w, s] < p.up[atom]:
                    witness = atom
                unrefuted = unrefuted and b.sums[w, s] >= p.down[atom]
                atom += 1
            if not is_open and witness >= 0:
                w = p.atom_window[witness]
                b.up[w, s] = min(b.up[w, s], p.up[witness])
            elif not is_open:
                b.up[0, s] = -1
            if is_open and unrefuted and not kept:
                kept = True
                for a in range(first, atom):
                    w = p.atom_window[a]
                    b.down[w, s] = max(b.down[w, s], p.down[a])
            clause += 1
        if is_open and not kept:
            b.down[0, s] = FAR


@_compiled
def _step(p: Program, b: Bank, out: Log, s: int, slot: int, mask: int, sums: Ints, full: int) -> None:
    n = b.head[1]
    out.gauge[n], out.slot[n], out.mask[n], out.kind[n] = s, slot, mask, 0
    out.before[n], out.full[n] = b.chain[s], full
    for w in range(len(sums)):
        out.low[n, w] = sums[w]
    b.chain[s] = n
    b.head[1] = n + 1


@_compiled
def _judge(p: Program, b: Bank, out: Log, s: int) -> None:
    """Judge one gauge at the bank's newest slot."""
    sums = np.empty(len(p.length), np.int32)
    for w in range(len(sums)):
        sums[w] = b.sums[w, s]
    full = _known(p, b, s, b.head[0])
    mask = _levels(p, sums, full, b.mask[s])
    if mask != b.mask[s]:
        _step(p, b, out, s, b.head[0], mask, sums, full)
        b.mask[s] = mask
    _guard(p, b, s)


@_compiled
def _refold(p: Program, b: Bank, out: Log, s: int, since: int) -> None:
    """Forget this gauge's steps from a slot on and fold it forward from there to its newest instant."""
    last = b.ring.shape[0] - 1
    sums = np.empty(len(p.length), np.int32)
    for w in range(len(sums)):
        total = b.sums[w, s]
        for slot in range(b.head[0], since, -1):
            end = slot - p.lag[w]
            total += max(b.ring[(end - p.length[w]) & last, s], 0) - max(b.ring[end & last, s], 0)
        sums[w] = total if p.length[w] else 0
    step = b.chain[s]
    while step >= 0 and out.slot[step] >= since:
        step = out.before[step]
    if step != b.chain[s]:
        n = b.head[1]
        out.gauge[n], out.slot[n], out.kind[n] = s, since, 1
        b.head[1] = n + 1
    b.chain[s] = step
    mask = out.mask[step] if step >= 0 else b.first_mask[s]
    for slot in range(since, b.newest[s] + 1):
        if slot > since:
            for w in range(len(sums)):
                end = slot - p.lag[w]
                if p.length[w]:
                    sums[w] += max(b.ring[end & last, s], 0) - max(b.ring[(end - p.length[w]) & last, s], 0)
        if b.ring[slot & last, s] != NOTHING:
            full = _known(p, b, s, slot)
            now = _levels(p, sums, full, mask)
            if now != mask:
                _step(p, b, out, s, slot, now, sums, full)
                mask = now
    b.mask[s] = mask
    _guard(p, b, s)


@_compiled
def _matters(p: Program, b: Bank, out: Log, s: int, since: int) -> bool:
    """Could a reading of this slot change a level between it and now? Only a calm gauge can be passed over.

    Nothing is open now and nothing has been since then; and every sum since then is at most what a window that
    reaches back as far from now holds.
    """
    if b.mask[s] or (b.chain[s] >= 0 and out.slot[b.chain[s]] >= since):
        return True
    windows = len(p.length)
    back = b.head[0] - since
    for w in range(windows):
        if b.sums[w, s] >= b.up[w, s]:
            return True
        if back == 0 or b.up[w, s] == FAR:
            continue
        most = FAR
        for other in range(windows):
            reaches = p.lag[other] + p.length[other] >= p.lag[w] + p.length[w] + back
            if reaches and p.lag[other] <= p.lag[w]:
                most = min(most, b.sums[other, s])
        if most >= b.up[w, s]:
            return True
    return False


@_compiled
def take(p: Program, b: Bank, out: Log, gauge: Ints, slot: Ints, value: Shorts, revision: Bytes) -> int:
    """收数 — take these readings in order; returns how many fitted before the log was full.

    The caller keeps slots within the ring.
    """
    last = b.ring.shape[0] - 1
    windows = len(p.length)
    lagging = False
    for w in range(windows):
        lagging = lagging or p.lag[w] > 0
    room = len(out.gauge) - last - 3
    for i in range(len(gauge)):
        if b.head[1] >= room:
            return i
        s, t, v, r = gauge[i], slot[i], value[i], revision[i]
        if t > b.head[0]:
            _advance(p, b, t)
        row = t & last
        old = b.ring[row, s]
        if old != NOTHING and (r < b.revision[row, s] or (r == b.revision[row, s] and v <= old)):
            continue
        b.ring[row, s] = v
        if r:
            b.revision[row, s] = r
        if t > b.newest[s]:
            if b.newest[s] < 0:
                b.solid[s] = t
            else:
                for gap in range(max(b.newest[s] + 1, t - last), t):
                    _note_gap(b, s, gap)
            b.newest[s] = t
            if v < 0:
                _note_gap(b, s, t)
        elif old < 0 <= v:
            listed = False
            for g in range(GAPS):
                if b.gaps[g, s] == t:
                    b.gaps[g, s] = -1
                    listed = True
            if not listed and t == b.solid[s] - 1:
                _survey(p, b, s)
        elif v < 0 <= old:
            _note_gap(b, s, t)
        grown = max(v, 0) - max(old, 0)
        if t == b.head[0] and old == NOTHING:
            if grown or lagging or b.mask[s]:
                moved = False
                for w in range(windows):
                    if p.lag[w] == 0 and p.length[w]:
                        b.sums[w, s] += grown
                    moved = moved or b.sums[w, s] >= b.up[w, s] or b.sums[w, s] < b.down[w, s]
                if moved:
                    _judge(p, b, out, s)
            continue
        for w in range(windows):
            end = b.head[0] - p.lag[w]
            if end - p.length[w] < t <= end:
                b.sums[w, s] += grown
        if _matters(p, b, out, s, t):
            _refold(p, b, out, s, t)
    return len(gauge)


@_compiled
def begin(
    p: Program,
    b: Bank,
    out: Log,
    s: int,
    since: int,
    mask: int,
    slot: Ints,
    value: Shorts,
    revision: Bytes,
) -> None:
    """起算 — a gauge begins with standing readings, in order of time; it is folded from the slot after `since`."""
    last = b.ring.shape[0] - 1
    if len(slot) and slot[-1] > b.head[0]:
        _advance(p, b, slot[-1])
    if b.newest[s] >= 0:  # the column was used before
        b.ring[:, s] = NOTHING
        b.revision[:, s] = 0
    b.sums[:, s] = 0
    b.newest[s] = -1
    b.chain[s] = -1
    b.first_mask[s] = b.mask[s] = mask
    for i in range(len(slot)):
        if slot[i] > b.head[0] - last:
            b.ring[slot[i] & last, s] = value[i]
            b.revision[slot[i] & last, s] = revision[i]
            b.newest[s] = slot[i]
            for w in range(len(p.length)):
                end = b.head[0] - p.lag[w]
                if end - p.length[w] < slot[i] <= end:
                    b.sums[w, s] += max(value[i], 0)
    _survey(p, b, s)
    _guard(p, b, s)
    if b.newest[s] > since:
        _refold(p, b, out, s, since + 1)


@_compiled
def compact(b: Bank, out: Log, spare: Log, floor: int) -> None:
    """Copy the steps that a late reading may still undo (from `floor` on) to the spare log."""
    n = 0
    for s in range(len(b.chain)):
        depth = 0
        step = b.chain[s]
        while step >= 0 and out.slot[step] >= floor:
            depth += 1
            step = out.before[step]
        if step >= 0:
            b.first_mask[s] = out.mask[step]
        step, place, b.chain[s] = b.chain[s], n + depth - 1, n + depth - 1 if depth else -1
        for back in range(depth):
            spare.gauge[place], spare.slot[place], spare.mask[place] = s, out.slot[step], out.mask[step]
            spare.kind[place], spare.full[place] = 0, out.full[step]
            spare.low[place] = out.low[step]
            spare.before[place] = place - 1 if back < depth - 1 else -1
            step, place = out.before[step], place - 1
        n += depth
    b.head[1] = n


KERNEL = Kernel(begin, take, compact)
