"""听 — look who has spoken, say who has not, and make one task of each cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from shouye.base.access import SYSTEM, Actor, Permission, Scope, concerns, require
from shouye.base.kernel import BadInput, NotFound, Tx, facts_since, iso, record
from shouye.base.pulse import store
from shouye.base.pulse.facts import ClockChecked, ClockStepped, HeardAgain, SilenceAsked, WentSilent
from shouye.base.pulse.model import (
    LOOK_AGAIN,
    Board,
    Heard,
    Line,
    Pulse,
    Voice,
    Voices,
    counted,
    lines,
    say,
    say_step,
)
from shouye.base.tasks import (
    UPKEEP,
    NewTask,
    Task,
    Upkeep,
    acknowledge,
    cancel,
    complete,
    in_group,
    open_tasks,
    owed,
    retitle,
    task,
)

GROUP = "pulse"
KIND = "silence"
CLOCK = "clock"
"""校时 — the kind of the task that is owed when the machine's clock was set."""


def next_at(tx: Tx) -> datetime | None:
    """下一次该听的时刻."""
    return store.next_at(tx, tx.of(Voices).probes)


def listen(tx: Tx) -> Heard:
    """听一遍 — ask for the kinds that are due: who has been silent too long, who is heard anew; writes nothing."""
    probes = tx.of(Voices).probes
    due = store.due_kinds(tx, probes)
    if not due:
        return Heard()
    known: dict[str, dict[str, Pulse]] = {}
    for one in store.pulses(tx):
        known.setdefault(one.voice.kind, {})[one.voice.name] = one
    before = _lines(known)
    changed: list[Pulse] = []
    gone: dict[str, list[str]] = {}
    for kind in due:
        old = known.get(kind, {})
        known[kind] = {voice.name: _pulse(tx, voice, old.get(voice.name)) for voice in probes[kind](tx)}
        changed += [one for name, one in known[kind].items() if one != old.get(name)]
        gone[kind] = sorted(old.keys() - known[kind].keys())
    after = _lines(known)
    return Heard(tuple(due), tuple(changed), gone, tuple(before), tuple(after))


def _lines(known: Mapping[str, Mapping[str, Pulse]]) -> list[Line]:
    every = [one for some in known.values() for one in some.values()]
    return lines((one for one in every if one.silent_at is not None), counted(every))


def _pulse(tx: Tx, voice: Voice, old: Pulse | None) -> Pulse:
    since = old.since if old else tx.now
    due_at = voice.due_at(since)
    if due_at > tx.now and voice.well:
        return Pulse(voice, since, due_at, None)
    silent_at = old.silent_at if old and old.silent_at else tx.now
    # Until he is heard he is looked for as often as he should speak.
    return Pulse(voice, since, tx.now + voice.interval, silent_at)


def beat(tx: Tx, heard: Heard) -> int:
    """记下所听 — keep who has spoken, raise who is silent, settle who is heard again."""
    store.put(tx, heard.changed)
    for kind in heard.kinds:
        store.forget(tx, kind, heard.gone[kind])
        store.looked(tx, kind, tx.now + LOOK_AGAIN)
    if heard.kinds:
        _tell(tx, {line.key: line for line in heard.before}, {line.key: line for line in heard.after})
    return len(heard.kinds)


def _tell(tx: Tx, before: dict[str, Line], after: dict[str, Line]) -> None:
    """One fact and one task for each line that begins; a line that ends takes its task along."""
    upkeep = tx.installed.get(Upkeep)
    open_now = {one.detail["line"]: one for one in in_group(tx, GROUP, KIND) if one.closed_at is None}
    for key in before.keys() - after.keys():
        line = before[key]
        record(tx, HeardAgain(subject=f"pulse:{line.kind}", voice=line.kind, feed=line.feed, county=line.county))
    for key in open_now.keys() - after.keys():
        settle = complete if not _still(after, before.get(key)) else cancel
        settle(tx, SYSTEM, [open_now[key].id])
    new = []
    for key, line in sorted(after.items()):
        old = before.get(key)
        if old is None or len(old.members) < len(line.members):
            record(
                tx,
                WentSilent(
                    subject=f"pulse:{line.kind}",
                    voice=line.kind,
                    feed=line.feed,
                    county=line.county,
                    silent=len(line.members),
                    members=line.of,
                ),
            )
        if key in open_now and open_now[key].title != say(line):
            retitle(tx, open_now[key].id, say(line), {**open_now[key].detail, "line": key})
        elif key not in open_now and isinstance(upkeep, Upkeep):
            new.append(
                NewTask(
                    kind=KIND,
                    group=GROUP,
                    title=say(line),
                    division=line.county or upkeep.division,
                    owner=upkeep.owner,
                    due_at=tx.now + upkeep.within,
                    ladder=UPKEEP,
                    detail={"line": key},
                )
            )
    if new:
        open_tasks(tx, new)


def _still(after: dict[str, Line], gone: Line | None) -> bool:
    """Is what the line spoke of silent still, under another line?"""
    silent_now = {(line.kind, name) for line in after.values() for name in line.members}
    return gone is not None and any((gone.kind, name) in silent_now for name in gone.members)


def asked(tx: Tx, by: Actor, number: int, note: str) -> None:
    """已联系 — somebody has asked who is not heard: what he was told stands beside the line; it stays owed."""
    require(by, Permission.ACT)
    if not note.strip():
        raise BadInput("请写明联系了谁、怎么说")
    found = task(tx, by.scope, number)
    if found.kind != KIND or found.closed_at is not None:
        raise NotFound(f"事项 {number}")
    told = {"at": iso(tx.now), "by": by.tag, "note": note.strip()[:400]}
    acknowledge(tx, number)
    retitle(tx, number, found.title, {**found.detail, "asked": told})
    record(tx, SilenceAsked(subject=f"task:{number}", actor=by.tag, line=str(found.detail["line"])))


def clock_stepped(tx: Tx, step: timedelta, behind: timedelta) -> None:
    """机器时钟被拨 — a fact, and a task of the duty office until somebody has looked at the clock."""
    whole = round(step.total_seconds())
    record(tx, ClockStepped(subject=CLOCK, stepped_s=whole, behind_s=round(behind.total_seconds())))
    upkeep = tx.installed.get(Upkeep)
    if not isinstance(upkeep, Upkeep):
        return
    title = say_step(step, behind)
    found = [one for one in in_group(tx, CLOCK, CLOCK) if one.closed_at is None]
    if found:
        retitle(tx, found[0].id, title, found[0].detail)
        return
    due_at = tx.now + upkeep.within
    open_tasks(tx, [NewTask(CLOCK, CLOCK, title, upkeep.division, upkeep.owner, due_at, UPKEEP)])


def clock_checked(tx: Tx, by: Actor, number: int) -> None:
    """已核对 — somebody has looked at the machine's clock, and has put it right if it was wrong."""
    require(by, Permission.ACT)
    if task(tx, by.scope, number).kind != CLOCK or not complete(tx, by, [number]):
        raise NotFound(f"事项 {number}")
    record(tx, ClockChecked(subject=f"task:{number}", actor=by.tag, task=number))


def owed_for(tx: Tx, scope: Scope) -> dict[str, Task]:
    """谁的事 — the task of each line, by the line's key."""
    return {str(one.detail["line"]): one for one in owed(tx, scope, (KIND,))}


def silent(tx: Tx, scope: Scope) -> list[Line]:
    """听不到的 — one line for each cause; what stands in no county concerns everybody."""
    found = tx.once("silent", lambda: lines(store.silent(tx), store.groups(tx)))
    return [line for line in found if not line.county or concerns(tx, scope, line.county)]


def voices(tx: Tx, scope: Scope, kind: str | None = None) -> list[Pulse]:
    """应有的声音 — all that should speak, with the last word from each."""
    found = store.pulses(tx, kind)
    return [one for one in found if not one.voice.county or concerns(tx, scope, one.voice.county)]


def board(tx: Tx, scope: Scope) -> Board:
    """听不到的一览 — what is silent, how many should speak, when the least attended kind was last asked."""
    again = store.looks(tx)
    steps = facts_since(tx, kinds=(ClockStepped.kind(),))
    return Board(
        tuple(silent(tx, scope)),
        sum(
            many for (_, _, county), many in store.groups(tx).items() if not county or concerns(tx, scope, county)
        ),
        min(again) - LOOK_AGAIN if again else None,
        steps[-1].at if steps else None,
        steps[-1].body["stepped_s"] if steps else 0,
    )
