"""普通 Python 环 — the same semantics without compiling: what a careful programmer would write by hand.

One object per station: a ring of minutes, running sums and counts, steps in event time; a late or corrected
minute takes the steps back to itself and folds forward. It is the peer of the kernel, its check, and the state of
the flow.
"""

from __future__ import annotations

from bench.workload import THRESHOLDS_MM, WINDOWS_MIN

_SLOTS = 2048
_LAST = _SLOTS - 1
_NOTHING = -2
_LEVELS = [
    [(4 * w + k, amount * 10, amount * 8) for k, amount in enumerate(amounts)]
    for w, amounts in enumerate(THRESHOLDS_MM)
]


class PlainRing:
    __slots__ = ("known", "mask", "newest", "revisions", "ring", "steps", "sums")

    def __init__(self) -> None:
        self.ring = [_NOTHING] * _SLOTS
        self.revisions: dict[int, int] = {}
        self.sums = [0] * len(WINDOWS_MIN)
        self.known = [0] * len(WINDOWS_MIN)
        self.newest = -1
        self.mask = 0
        self.steps: list[tuple[int, int]] = []

    def take(self, minute: int, value: int, revision: int) -> None:
        ring = self.ring
        if minute > self.newest:
            self._move(minute)
            ring[minute & _LAST] = value
            if revision:
                self.revisions[minute] = revision
            for w in range(len(self.sums)):
                self.sums[w] += value
                self.known[w] += 1
            mask = self._levels(self.mask, self.sums, self.known)
            if mask != self.mask:
                self.mask = mask
                self.steps.append((minute, mask))
            return
        old = ring[minute & _LAST]
        before = self.revisions.get(minute, 0)
        if old != _NOTHING and (revision < before or (revision == before and value <= old)):
            return
        ring[minute & _LAST] = value
        if revision:
            self.revisions[minute] = revision
        for w, length in enumerate(WINDOWS_MIN):
            if minute > self.newest - length:
                self.sums[w] += value - max(old, 0)
                self.known[w] += old == _NOTHING
        self._refold(minute)

    def _move(self, minute: int) -> None:
        """Let what is older than the windows of this minute leave them."""
        ring, newest = self.ring, self.newest
        if newest < 0:
            self.newest = minute
            return
        for slot in range(newest + 1, minute + 1):
            for w, length in enumerate(WINDOWS_MIN):
                leaving = ring[(slot - length) & _LAST]
                if leaving != _NOTHING:
                    self.sums[w] -= leaving
                    self.known[w] -= 1
            ring[slot & _LAST] = _NOTHING
            if self.revisions:
                self.revisions.pop(slot - _SLOTS, None)
        self.newest = minute

    @staticmethod
    def _levels(mask: int, sums: list[int], known: list[int]) -> int:
        for w, length in enumerate(WINDOWS_MIN):
            total = sums[w]
            if not mask and total < _LEVELS[w][0][1]:
                continue
            for bit, up, down in _LEVELS[w]:
                if total >= up:
                    mask |= 1 << bit
                elif total < down and known[w] == length:
                    mask &= ~(1 << bit)
        return mask

    def _refold(self, since: int) -> None:
        ring = self.ring
        steps = self.steps
        while steps and steps[-1][0] >= since:
            steps.pop()
        mask = steps[-1][1] if steps else 0
        sums, known = [], []
        for w, length in enumerate(WINDOWS_MIN):
            total, count = self.sums[w], self.known[w]
            for slot in range(self.newest, since, -1):
                value, entering = ring[slot & _LAST], ring[(slot - length) & _LAST]
                if value != _NOTHING:
                    total, count = total - value, count - 1
                if entering != _NOTHING:
                    total, count = total + entering, count + 1
            sums.append(total)
            known.append(count)
        for slot in range(since, self.newest + 1):
            value = ring[slot & _LAST]
            if slot > since:
                for w, length in enumerate(WINDOWS_MIN):
                    leaving = ring[(slot - length) & _LAST]
                    if value != _NOTHING:
                        sums[w] += value
                        known[w] += 1
                    if leaving != _NOTHING:
                        sums[w] -= leaving
                        known[w] -= 1
            if value != _NOTHING:
                after = self._levels(mask, sums, known)
                if after != mask:
                    mask = after
                    steps.append((slot, mask))
        self.mask = mask
