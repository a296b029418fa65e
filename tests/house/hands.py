"""Law 16 (design.md 3): every verb of a person takes an Actor, every read for a person a Scope.

Looked at from the door, where persons come in: what a page or a route calls of a room must be able to ask who it
is for. The machine's own work (reactions, jobs, transports) stays free of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.house.reading import ORDER, Source

_KNOWN_BY = {"Actor", "Scope", "Session", "AnswerGrant"}
_NOBODYS = {
    "channel_health": "counts of attempts per channel, nobody's and no place's",
    "counts": "how many messages of each feed, nobody's and no place's",
    "counts_by_day": "the same by day",
    "minutes": "the same minute by minute",
    "newest_batch": "a number that rises when something was stored",
    "quality_in_force": "the table of elements and what their values can be",
    "script": "spoken words of a notice that was read under a scope",
}
"""Verbs that doors may call without an Actor or a Scope, and why; access itself finds out who is there."""


def hands_are_actors(source: Source) -> Iterator[str]:
    """Whose hand it was is an Actor, never a string: only an Actor can be asked what he may do and where."""
    if source.inside != ("service",):
        return
    for node in source.tree.body:
        for given in _parameters(node):
            kind = given.annotation and ast.unparse(given.annotation)
            if given.arg in ("by", "actor", "officer", "scope") and kind in ("str", "int", "str | None"):
                yield source.at(node, f"{given.arg}: {kind} names a hand or a place that nobody checks")


def doors_act_as_somebody(sources: Iterable[Source]) -> Iterator[str]:
    """What a door calls of a room takes an Actor or a Scope; what takes neither is the machine's own."""
    everything = list(sources)
    guarded = {
        f"shouye.{source.room}.{node.name}": any(_speaks_for(given) for given in _parameters(node))
        for source in everything
        if source.inside == ("service",) and source.room in ORDER[ORDER.index("base.access") + 1 :]
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and [given.arg for given in _parameters(node)][:1] == ["tx"]
    }
    for source in everything:
        if source.room not in ("doors.web", "doors.share"):
            continue  # who types a command on the machine holds the database itself
        for node, name in source.uses():
            if guarded.get(name, True) or name.rpartition(".")[2] in _NOBODYS:
                continue
            yield source.at(node, f"{name} takes neither an Actor nor a Scope: a door may not call it")


def _parameters(node: ast.stmt) -> list[ast.arg]:
    if not isinstance(node, ast.FunctionDef):
        return []
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _speaks_for(given: ast.arg) -> bool:
    return bool(_KNOWN_BY & set(re.findall(r"\w+", ast.unparse(given.annotation)))) if given.annotation else False
