"""`python -m bench.crash [--kills N] [--seed N] [--city NAME]` — kill the program; say what became of it.

Of the kills nine in ten hit drills, which are compared byte for byte; the others the live program over HTTP, half
of these on PostgreSQL, whose server is killed, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.crash.drills import CrashLost, Tally, killed, undisturbed, words, write_storm
from bench.crash.live import SERVING_S, Trial, watch_and_kill
from bench.crash.servers import server
from bench.crash.victim import POINTS
from tests.servers import postgres_is_here

IN_A_TRIAL = 8
"""Kills of the live program in one trial."""

TERMS = {point.name: point.term for point in POINTS} | {"time": "随机时刻", "server": "库服务器"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=12, help="kills in one drill at most")
    parser.add_argument("--city", default="datong", help="the city of the drills")
    given = parser.parse_args()
    if Path(given.city).is_dir():
        given.city = str(Path(given.city).resolve())
    try:
        with tempfile.TemporaryDirectory(prefix="shouye-crash-") as name:
            _drills(Path(name), given.kills * 9 // 10, given.seed, given.each, given.city)
            _live(Path(name), given.kills - given.kills * 9 // 10, given.seed)
    except CrashLost as lost:
        print(lost, file=sys.stderr)
        return 1
    return 0


def _drills(folder: Path, kills: int, seed: int, each: int, city: str) -> None:
    tally, began = Tally(), time.monotonic()
    night = undisturbed(folder, words(write_storm(folder), city, seed))
    facts, calls = (len(night.rows[name]) for name in ("fact", "attempt"))
    print(f"未受打扰的一场：{night.took_s:.1f} 秒，事实 {facts} 条，呼叫 {calls} 次", flush=True)
    number = seed * 1_000_000
    while tally.kills < kills:
        told = killed(night, number, each, tally)
        print(f"种子 {number}：{' '.join(map(str, told))} —— 相同", flush=True)
        number += 1
    took = f"{tally.rounds} 场，{time.monotonic() - began:.0f} 秒"
    print(f"演练：强杀 {tally.kills} 次，{took}，全部与未受打扰的一场逐字节相同")
    print(f"  其中 {tally.missed} 次在时限内没有遇到所选的落点，随即强杀")
    _points(tally.at)


def _live(folder: Path, kills: int, seed: int) -> None:
    trials: list[Trial] = []
    on_postgresql = postgres_is_here()
    for number, first in enumerate(range(0, kills, IN_A_TRIAL)):
        data = folder / f"live-{number}"
        data.mkdir()
        some = min(IN_A_TRIAL, kills - first)
        if on_postgresql and number % 2:
            with server() as own:
                trial = watch_and_kill(data, own.make(), seed + number, some, own)
        else:
            trial = watch_and_kill(data, f"sqlite:///{data / 'shouye.sqlite'}", seed + number, some)
        print(f"值守 种子 {seed + number}：{trial.told()} —— 一件不少、一件不重", flush=True)
        trials.append(trial)
    if trials:
        readings = sum(len(trial.said.readings) for trial in trials)
        answers = sum(len(trial.said.answers) for trial in trials)
        times = sorted(second for trial in trials for second in trial.serving_s)
        cpu = max(second for trial in trials for second in trial.serving_cpu_s)
        print(f"值守：强杀 {kills} 次；应允的读数 {readings}、应答 {answers} 全在")
        print(
            f"  重新服务：中位 {times[len(times) // 2]:.1f} 秒，最长 {times[-1]:.1f} 秒；处理器至多 {cpu:.1f} 秒"
        )
        slow = sum(second > SERVING_S for second in times)
        print(f"  超过 {SERVING_S:.0f} 秒的 {slow} 次，机器负载 {os.getloadavg()[0]:.1f}，核数 {os.cpu_count()}")
        _points(Counter(kill.at for trial in trials for kill in trial.kills))


def _points(at: Counter[str]) -> None:
    for name, count in at.most_common():
        print(f"  {TERMS[name]} {count}")


sys.exit(main())
