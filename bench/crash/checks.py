"""强杀之后的核对 — what was promised is there, what is owed was tried, nobody was sent the same thing twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.crash.drills import CrashLost
from bench.crash.live import STATIONS, Trial
from shouye.base import delivery, tasks
from shouye.base.access import WHOLE
from shouye.base.delivery import Attempt, Outcome, Receipt
from shouye.base.kernel import Database, Mode, SimClock, Tx, WallClock, facts_since, run_due
from shouye.during import call, warn
from shouye.main import CITIES, assemble
from shouye.watch import assess, observe

REDIAL = timedelta(seconds=60)
"""A ring that follows another sooner, with nothing new to say, is one too many: the ladder waits two minutes."""


def check(trial: Trial) -> None:
    database = Database(trial.url, WallClock())
    try:
        with database.read() as tx:
            lost = [*_readings(tx, trial), *_decisions(tx, trial), *_owed(tx), *_sent(tx)]
            stored = observe.history(tx, STATIONS, "rain_mm")
            found = _findings(tx)
    finally:
        database.close()
    expected = _undisturbed(stored)
    if found != expected:
        lost.append(f"判定不同：多 {sorted(found - expected)[:3]}，少 {sorted(expected - found)[:3]}")
    if lost:
        raise CrashLost(f"{trial.told()}\n" + "\n".join(lost[:20]))


def _readings(tx: Tx, trial: Trial) -> Iterator[str]:
    stored = {(one.station, one.time): one.value for one in observe.history(tx, STATIONS, "rain_mm")}
    for key, mm in trial.said.readings.items():
        if stored.get(key) != mm:
            yield f"应允过的读数不在或不同：{key} {mm}，库中 {stored.get(key)}"
    for key, found in stored.items():
        if trial.said.offered.get(key) != found:
            yield f"没有人报过的读数：{key} {found}"


def _decisions(tx: Tx, trial: Trial) -> Iterator[str]:
    issued = {notice.number for notice in warn.notices(tx, WHOLE)}
    for number in sorted(trial.said.signed - issued):
        yield f"签发过的通知不在：{number}"
    for notice, person in sorted(trial.said.answers):
        rings = delivery.attempts_of(tx, WHOLE, person, f"notice:{notice}")
        if not any(ring.channel == "manual" and ring.receipt is Receipt.CONFIRMED for ring in rings):
            yield f"登记过的应答不在：通知 {notice}，人员 {person}"
        for item in call.obligations_of(tx, WHOLE, notice, person):
            told = [ring for ring in rings if ring.channel == "manual" and ring.opened_at >= item.opened_at]
            if told and item.primary == person and item.state in call.OPEN:
                yield f"应答过的叫应还开着：{item.id}"


def _owed(tx: Tx) -> Iterator[str]:
    """Each round opened what it said, each obligation has its task and was tried, and the sums hold."""
    opened: Counter[tuple[int, int]] = Counter()
    for fact in facts_since(tx, kinds=("CallsOpened",)):
        opened[int(fact.subject.split(":")[1]), fact.body["round"]] += fact.body["obligations"]
    mine = call.obligations(tx, WHOLE)
    have = Counter((item.notice, item.round) for item in mine)
    for key in sorted(opened | have):
        if opened[key] != have[key]:
            yield f"通知 {key[0]} 第 {key[1]} 轮：宣布 {opened[key]} 件，现有 {have[key]} 件"
    for notice in warn.notices(tx, WHOLE):
        if notice.withdrawn_at is None and (notice.id, notice.round) not in have:
            yield f"通知 {notice.number} 第 {notice.round} 轮没有叫应"
    if not call.balance(tx, WHOLE).holds:
        yield f"叫应不平衡：{call.balance(tx, WHOLE)}"
    live = {task.id for task in tasks.owed(tx, WHOLE, ("call",))}
    for item in mine:
        if (item.state in call.OPEN) != (item.id in live):
            yield f"叫应 {item.id} 为 {item.state}，它的事项{'还在' if item.id in live else '已了'}"
        untried = item.primary is not None and item.first_try_at is None and item.state in call.OPEN
        if untried and tx.now - item.opened_at > timedelta(seconds=10) and not _engaged(tx, item.primary):
            yield f"叫应 {item.id} 没有呼过"


def _engaged(tx: Tx, person: int | None) -> bool:
    """On the line for another notice: that ring speaks of this one, too."""
    return person is not None and bool(delivery.busy_persons(tx, [person], "call"))


def _sent(tx: Tx) -> Iterator[str]:
    mine = call.obligations(tx, WHOLE)
    people = sorted({person for item in mine for person in (item.primary, item.deputy) if person is not None})
    news: defaultdict[int, list[Any]] = defaultdict(list)
    for item in mine:
        for person in (item.primary, item.deputy):
            if person is not None:
                news[person].append(item.opened_at)
    for person in people:
        said: dict[tuple[str, str], Attempt] = {}
        last: Attempt | None = None
        for one in delivery.attempts_of(tx, WHOLE, person):
            if one.purpose != "call":
                key = (one.group, str(one.body.get("text")))
                if key in said and said[key].outcome is not Outcome.UNKNOWN:
                    yield f"同一句话发了两次：{said[key].id}、{one.id}"
                said[key] = one
            elif one.channel == "simulated":
                if last is not None and last.outcome is not Outcome.UNKNOWN:
                    new = any(last.opened_at < at <= one.opened_at for at in news[person])
                    soon = one.opened_at - last.opened_at < REDIAL
                    if last.closed_at is None or last.closed_at > one.opened_at:
                        yield f"还在通话又呼了一次：{last.id}、{one.id}"
                    elif not new and (soon or last.receipt is Receipt.CONFIRMED):
                        yield f"没有新事又呼了一次：{last.id}（{last.receipt}）、{one.id}"
                last = one


def _findings(tx: Tx) -> set[tuple[str, ...]]:
    return {
        (one.hazard, one.level, one.station, str(one.first_at), str(one.until), str(one.retracted_at is None))
        for one in assess.findings(tx, WHOLE)
    }


def _undisturbed(stored: list[observe.Reading]) -> set[tuple[str, ...]]:
    """What a program that got the same readings at once, and was never touched, finds."""
    with TemporaryDirectory(prefix="shouye-oracle-") as name:
        newest = max(one.time for one in stored)
        clock = SimClock(newest + timedelta(minutes=1))
        database = Database(f"sqlite:///{Path(name) / 'oracle.sqlite'}", clock, durable=False)
        try:
            assemble(database, CITIES / "datong", Mode.SIMULATION, {}, "演练")
            with database.begin() as tx:
                observe.store_batch(tx, stored)
            while run_due(database):
                pass
            with database.read() as tx:
                return _findings(tx)
        finally:
            database.close()
