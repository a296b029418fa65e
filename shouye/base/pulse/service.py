"""听 — look who has spoken, say who has not, and make one task of each cause."""

from __future__ import annotations

from datetime import datetime

from shouye.base.access import SYSTEM, WHOLE, Scope, concerns
from shouye.base.kernel import Tx, record
from shouye.base.pulse import store
from shouye.base.pulse.facts import HeardAgain, WentSilent
from shouye.base.pulse.model import LOOK_AGAIN, Board, Line, Pulse, Voice, Voices, lines, say
from shouye.base.tasks import UPKEEP, NewTask, Upkeep, cancel, complete, in_group, open_tasks, retitle

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
    owed = {one.detail["line"]: one for one in in_group(tx, GROUP, KIND) if one.closed_at is None}
    for key in before.keys() - after.keys():
        line = before[key]
        record(tx, HeardAgain(subject=f"pulse:{line.kind}", voice=line.kind, feed=line.feed, county=line.county))
    for key in owed.keys() - after.keys():
        settle = complete if not _still(after, before.get(key)) else cancel
        settle(tx, SYSTEM, [owed[key].id])
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
        if key in owed and owed[key].title != say(line):
            retitle(tx, owed[key].id, say(line), {"line": key})
        elif key not in owed and isinstance(upkeep, Upkeep):
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
