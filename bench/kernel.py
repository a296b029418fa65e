"""我们的内核 — the compiled ring over the workload, one core, input already in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from bench.workload import THRESHOLDS_MM, WINDOWS_MIN, Arrivals
from shouye.watch.assess.kernels import Ints, Log, Program, new_bank, new_log
from shouye.watch.assess.kernels.rings import KERNEL

SLOTS = 2048
Steps = dict[int, list[tuple[int, int]]]
"""Per station the (minute, open levels) that stand in the end."""


def program() -> Program:
    """Six windows, four levels each; a seventh window looks over all of them for late readings."""
    atoms = [(w, mm) for w, amounts in enumerate(THRESHOLDS_MM) for mm in amounts]
    windows = len(WINDOWS_MIN)

    def ints(values: Iterable[int]) -> Ints:
        return np.array(list(values), np.int32)

    return Program(
        length=ints([*WINDOWS_MIN, WINDOWS_MIN[-1] + 120]),
        lag=ints([0] * (windows + 1)),
        exact=np.array([True] * windows + [False]),
        longer=ints([*range(1, windows), -1, -1]),
        atom_window=ints(w for w, _ in atoms),
        up=ints(mm * 10 for _, mm in atoms),
        down=ints(mm * 8 for _, mm in atoms),
        clause_end=ints(range(1, len(atoms) + 1)),
        level_end=ints(range(1, len(atoms) + 1)),
    )


class Run:
    """A bank fed batch by batch, and the time its core spent."""

    def __init__(self, stations: int, first: int) -> None:
        self.program = program()
        self.bank = new_bank(self.program, SLOTS, stations)
        self.bank.head[0] = first - 1
        self.log, self.spare = (new_log(self.program, 1 << 20) for _ in range(2))
        self.seconds = self.core_seconds = 0.0
        self.readings = 0
        self.steps: Steps = {}
        self._read = 0
        nothing = np.zeros(0, np.int32), np.zeros(0, np.int16), np.zeros(0, np.int8)
        for station in range(stations):
            KERNEL.begin(self.program, self.bank, self.log, station, first - 1, 0, *nothing)
        KERNEL.take(self.program, self.bank, self.log, nothing[0], *nothing)  # so that no timing compiles

    def feed(self, batches: list[Arrivals]) -> None:
        """Time these batches alone; making room in the log is part of the work."""
        core, wall = time.thread_time(), time.perf_counter()
        for batch in batches:
            done = KERNEL.take(
                self.program, self.bank, self.log, batch.station, batch.minute, batch.value, batch.revision
            )
            if done < len(batch):
                raise RuntimeError("the log is full")
        self.core_seconds += time.thread_time() - core
        self.seconds += time.perf_counter() - wall
        self.readings += sum(len(batch) for batch in batches)
        if self.bank.head[1] > len(self.log.gauge) // 2:
            self.collect()
            core = time.thread_time()
            KERNEL.compact(self.bank, self.log, self.spare, int(self.bank.head[0]) - 400)
            self.core_seconds += time.thread_time() - core
            self.log, self.spare = self.spare, self.log
            self._read = int(self.bank.head[1])

    def collect(self) -> Steps:
        """What stands, from the log: a rewind takes back the steps from its slot on."""
        log: Log = self.log
        for entry in range(self._read, int(self.bank.head[1])):
            steps = self.steps.setdefault(int(log.gauge[entry]), [])
            if log.kind[entry]:
                while steps and steps[-1][0] >= log.slot[entry]:
                    steps.pop()
            else:
                steps.append((int(log.slot[entry]), int(log.mask[entry])))
        self._read = int(self.bank.head[1])
        return {station: steps for station, steps in sorted(self.steps.items()) if steps}


def cut(batches: list[Arrivals], parts: int) -> list[Arrivals]:
    """The same arrivals in smaller batches."""
    found = []
    for batch in batches:
        edges = np.linspace(0, len(batch), parts + 1).astype(int)
        for low, high in pairwise(edges):
            found.append(
                Arrivals(
                    batch.station[low:high],
                    batch.minute[low:high],
                    batch.value[low:high],
                    batch.revision[low:high],
                )
            )
    return found
