"""听 — look who has spoken, say who has not, and make one task of each cause."""

from __future__ import annotations

from datetime import datetime

from shouye.base.access import SYSTEM, WHOLE, Actor, Permission, Scope, concerns, require
from shouye.base.kernel import BadInput, NotFound, Tx, iso, record
from shouye.base.pulse import store
from shouye.base.pulse.facts import HeardAgain, SilenceAsked, WentSilent
from shouye.base.pulse.model import LOOK_AGAIN, Board, Line, Pulse, Voice, Voices, lines, say
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


def next_at(tx: Tx) -> datetime | None:
    """下一次该听的时刻."""
    return store.next_at(tx, tx.of(Voices).probes)


def beat(tx: Tx) -> int:
    """听一遍 — ask for the kinds that are due, raise who has been silent too long, settle who is heard again."""
    probes = tx.of(Voices).probes
    due = store.due_kinds(tx, probes)
    before = {line.key: line for line in silent(tx, WHOLE)} if due else {}
    for kind in due:
        _listen(tx, kind, {voice.name: voice for voice in probes[kind](tx)})
        store.looked(tx, kind, tx.now + LOOK_AGAIN)
    if due:
        _tell(tx, before, {line.key: line for line in silent(tx, WHOLE)})
    return len(due)


def _listen(tx: Tx, kind: str, voices: dict[str, Voice]) -> None:
    known = {one.voice.name: one for one in store.pulses(tx, kind)}
    changed = []
    for name, voice in voices.items():
        old = known.pop(name, None)
        since = old.since if old else tx.now
        due_at = voice.due_at(since)
        is_silent = due_at <= tx.now or not voice.well
        silent_at = (old.silent_at if old and old.silent_at else tx.now) if is_silent else None
        if is_silent:  # until he is heard he is looked for as often as he should speak
            due_at = tx.now + voice.interval
        new = Pulse(voice, since, due_at, silent_at)
        if new != old:
            changed.append(new)
    store.put(tx, changed)
    store.forget(tx, kind, known)


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


def owed_for(tx: Tx, scope: Scope) -> dict[str, Task]:
    """谁的事 — the task of each line, by the line's key."""
    return {str(one.detail["line"]): one for one in owed(tx, scope, (KIND,))}


def silent(tx: Tx, scope: Scope) -> list[Line]:
    """听不到的 — one line for each cause; what stands in no county concerns everybody."""
    return [line for line in lines(store.pulses(tx)) if not line.county or concerns(tx, scope, line.county)]


def voices(tx: Tx, scope: Scope, kind: str | None = None) -> list[Pulse]:
    """应有的声音 — all that should speak, with the last word from each."""
    found = store.pulses(tx, kind)
    return [one for one in found if not one.voice.county or concerns(tx, scope, one.voice.county)]


def board(tx: Tx, scope: Scope) -> Board:
    """听不到的一览 — what is silent, who should speak, and when the least attended kind was last asked for."""
    again = store.looks(tx)
    return Board(tuple(silent(tx, scope)), tuple(voices(tx, scope)), min(again) - LOOK_AGAIN if again else None)
