"""强杀演练 — a drill killed and gone on with any number of times must be the drill that nobody disturbed."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shouye.main
from bench.crash.victim import POINTS, Kill, Probe, Victim, strike
from shouye.base.kernel import Database, WallClock, metadata, trusted_keys, verify

assert shouye.main, "every room has declared its tables"

MACHINERY = {"job", "reply", "engine_turn", "lease", "seal", "seal_head", "stamp", "contact"}
"""How the work was done, and what lies under a key of each folder's own; all other tables say what happened."""

RAIN_MM = (0, 2, 4, 30, 38, 16, 6, 0, 0)
START_S = 0.3
"""Before this nothing is there that could be hurt."""


class CrashLost(AssertionError):
    """强杀之后与未受打扰的一场不同。"""


@dataclass
class Tally:
    """一轮的账。"""

    kills: int = 0
    rounds: int = 0
    at: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    resumed_s: list[float] = field(default_factory=list)

    def note(self, kill: Kill) -> None:
        self.kills += 1
        self.at[kill.at] += 1
        self.missed += not kill.struck


@dataclass(frozen=True)
class Night:
    """一场演练 — its command and what it came to when nobody disturbed it."""

    words: tuple[str, ...]
    folder: Path
    record: bytes
    rows: dict[str, list[Any]]
    totals: dict[str, int]
    took_s: float


def write_storm(folder: Path) -> Path:
    """64 mm and more in three hours at two gauges: 橙 and 红, and the villages are woken."""
    rows = ["time,station,rain_1h_mm"]
    for hour, mm in enumerate(RAIN_MM, start=16):
        day, at = divmod(hour, 24)
        stamp = f"2013-07-{15 + day:02d}T{at:02d}:00:00+08:00"
        rows += [f"{stamp},B1,{mm}", f"{stamp},B2,{max(0, mm - 2)}"]
    path = folder / "downpour.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def words(storm: Path, city: str, seed: int) -> tuple[str, ...]:
    return ("drill", str(storm), "--city", city, "--seed", str(seed), "--quiet")


def undisturbed(folder: Path, command: tuple[str, ...]) -> Night:
    """The same command, left alone."""
    data = folder / "whole"
    data.mkdir()
    with Victim([*command, "--data", str(data), "--json", str(data / "out.json")], data / "said") as victim:
        if victim.process.wait() != 0:
            raise CrashLost(victim.last_words())
        took = victim.age_s()
    probe = Probe(f"sqlite:///{data / 'drill.sqlite'}")
    totals = {point.name: probe.value(point.query) or 0 for point in POINTS}
    probe.close()
    return Night(command, folder, (data / "out.json").read_bytes(), happened(data), totals, took)


def happened(data: Path) -> dict[str, list[Any]]:
    """Every row of every table in which something is told, as its table orders them."""
    database = Database(f"sqlite:///{data / 'drill.sqlite'}", WallClock())
    try:
        with database.read() as tx:
            return {
                table.name: [tuple(row) for row in tx.run(table.select().order_by(*table.primary_key))]
                for table in metadata.sorted_tables
                if table.name not in MACHINERY
            }
    finally:
        database.close()


def sealed(data: Path) -> tuple[int, int]:
    """The chain as the audit sees it: how many facts it proves, how many there are. Raises when it is broken."""
    path = data / "drill.sqlite"
    if not path.exists():
        return 0, 0
    database = Database(f"sqlite:///{path}", WallClock())
    try:
        if database.version() is None:
            return 0, 0
        with database.read() as tx:
            verdict = verify(tx, trusted_keys(data / "keys"))
        if verdict.flaws:
            raise CrashLost(f"封存链不成立：{verdict.flaws[:3]}")
        return verdict.sealed, verdict.sealed + verdict.unsealed
    finally:
        database.close()


def killed(
    night: Night, seed: int, most: int, tally: Tally, say: Callable[[str], None] = lambda _: None
) -> list[Kill]:
    """One drill, killed up to `most` times and then left alone; compares it with the undisturbed one."""
    dice = random.Random(seed)
    data = night.folder / f"killed-{seed}"
    data.mkdir()
    out = data / "out.json"
    kills: list[Kill] = []
    command = [*night.words, "--data", str(data), "--resume", "--json", str(out)]
    while True:
        with Victim(command, data / "said") as victim:
            if len(kills) < most and (kill := _once(victim, data, dice, night)) is not None:
                kills.append(kill)
                tally.note(kill)
                say(str(kill))
                sealed(data)
                continue
            if victim.process.wait() != 0:
                raise CrashLost(f"种子 {seed}，{_told(kills)}：\n{victim.last_words()}")
            break
    _compare(night, data, f"种子 {seed}，{_told(kills)}")
    tally.rounds += 1
    shutil.rmtree(data)
    return kills


def _once(victim: Victim, data: Path, dice: random.Random, night: Night) -> Kill | None:
    """Draw a point or a moment; None when the drill came to its end first."""
    if dice.random() < 0.4:
        wait = dice.uniform(START_S, night.took_s * 0.7)
        while victim.alive and victim.age_s() < wait:
            time.sleep(0.002)
        if not victim.alive:
            return None
        victim.kill()
        return Kill("time", round(wait, 3), True)
    point = dice.choice(POINTS)
    rise = point.draw(dice, night.totals[point.name])
    limit_s = night.took_s
    if strike(victim, Probe(f"sqlite:///{data / 'drill.sqlite'}"), point, rise, limit_s):
        return Kill(point.name, rise, True)
    if not victim.alive:
        return None
    victim.kill()
    return Kill(point.name, rise, False)


def _compare(night: Night, data: Path, what: str) -> None:
    rows = happened(data)
    differ = [name for name in night.rows if rows[name] != night.rows[name]]
    if differ or (data / "out.json").read_bytes() != night.record:
        lines = [f"{what}：与未受打扰的一场不同：{'、'.join(differ) or '只有记录'}"]
        for name in differ[:3]:
            one = next(
                (pair for pair in zip(night.rows[name], rows[name], strict=False) if pair[0] != pair[1]), None
            )
            lines.append(f"{name}: {len(night.rows[name])} / {len(rows[name])} 行；{one}")
        raise CrashLost("\n".join(lines))
    proved, facts = sealed(data)
    if proved != facts:
        raise CrashLost(f"{what}：封存 {proved} 条，事实 {facts} 条")


def _told(kills: list[Kill]) -> str:
    return f"强杀 {len(kills)} 次：{' '.join(map(str, kills))}"
