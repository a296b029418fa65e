"""`python -m bench.crash [--kills N] [--seed N] [--city NAME]` — kill the program; say what became of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.crash.drills import CrashLost, Tally, killed, undisturbed, words, write_storm
from bench.crash.victim import POINTS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=12, help="kills in one drill at most")
    parser.add_argument("--city", default="datong")
    given = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shouye-crash-") as name:
        folder = Path(name)
        night = undisturbed(folder, words(write_storm(folder), given.city, given.seed))
        facts, calls = (len(night.rows[name]) for name in ("fact", "attempt"))
        print(f"未受打扰的一场：{night.took_s:.1f} 秒，事实 {facts} 条，呼叫 {calls} 次")
        seed = given.seed * 1_000_000
        try:
            while tally.kills < given.kills:
                kills = killed(night, seed, given.each, tally)
                print(f"种子 {seed}：{' '.join(map(str, kills))} —— 相同")
                seed += 1
        except CrashLost as lost:
            print(lost, file=sys.stderr)
            return 1
    terms = {point.name: point.term for point in POINTS} | {"time": "随机时刻"}
    took = f"{tally.rounds} 场，{time.monotonic() - began:.0f} 秒"
    print(f"强杀 {tally.kills} 次，{took}，全部与未受打扰的一场逐字节相同")
    for at, count in tally.at.most_common():
        print(f"  {terms[at]} {count}")
    print(f"  其中 {tally.missed} 次在时限内没有遇到所选的落点，随即强杀")
    return 0


sys.exit(main())
