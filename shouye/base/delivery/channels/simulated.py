"""模拟电话 — people with stated answer behaviour; deterministic by seed, constructed only in a drill.

The behaviour is data (people.toml): what share confirms, only hears, does not pick up, is engaged, has the
telephone off, cannot come; how long it takes; what a person reports afterwards. All shares are proposed values.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shouye.base.delivery.model import Attempt, Channel, Receipt, Reply, Tried
from shouye.base.kernel import BadInput, Mode, draw, draw_between

CHANNEL = Channel(key="simulated", term="模拟电话", modes=frozenset({Mode.SIMULATION}), automatic=True)

_GRID_S = 5
"""Replies fall on a 5-second grid, reports on full minutes, so that a night of 10,000 calls has few instants."""

_SHARES = ("confirmed", "heard", "no_answer", "busy", "declined")

_CHANCES = (*_SHARES, "off")


@dataclass(frozen=True)
class Behaviour:
    """应答行为 — shares of 1 by outcome, times in seconds; `script` fixes the outcomes attempt by attempt."""

    confirmed: float = 0.74
    heard: float = 0.06
    no_answer: float = 0.14
    busy: float = 0.05
    declined: float = 0.01
    off: float = 0.03
    ring_s: tuple[float, float] = (5, 40)
    listen_s: tuple[float, float] = (20, 45)
    on_post_min: tuple[float, float] = (4, 20)
    moved_min: tuple[float, float] = (15, 45)
    moved_people: tuple[float, float] = (0, 60)
    script: tuple[Receipt, ...] = ()


@dataclass(frozen=True)
class People:
    """模拟人群 — the default behaviour, by level, at night, and for single posts or divisions."""

    default: Behaviour
    levels: Mapping[str, Behaviour]
    night: Mapping[str, Any]
    exact: Mapping[str, Behaviour]

    def of(self, level: str, division: str, post: str, *, night: bool) -> Behaviour:
        chosen = self.exact.get(post) or self.exact.get(division)
        if chosen is not None:
            return chosen
        behaviour = self.levels.get(level, self.default)
        asleep = night and level == "village"  # desks are staffed at night, villagers sleep
        return _changed(behaviour, self.night, "night") if asleep and self.night else behaviour


def read_people(path: Path) -> People:
    """Read people.toml; shares that do not add up to 1 are refused."""
    content = tomllib.loads(path.read_text("utf-8"))
    default = _changed(Behaviour(), content.get("default", {}), "default")
    levels = {key: _changed(default, table, key) for key, table in content.get("level", {}).items()}
    night = content.get("night", {})
    for behaviour in (default, *levels.values()):
        _changed(behaviour, night, "night")  # refused now, not at the first call after ten in the evening
    exact: dict[str, Behaviour] = {}
    for entry in content.get("person", ()):
        where = entry.get("post") or entry.get("division")
        if not where:
            raise BadInput("people 文件 [person] 没有写明 post 或 division")
        exact[str(where)] = _changed(default, entry, str(where))
    return People(default, levels, night, exact)


def _changed(base: Behaviour, table: Mapping[str, Any], where: str) -> Behaviour:
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("post", "division", "note", "mark"):
            continue
        if key == "script":
            values[key] = tuple(_receipt(item, where) for item in value)
        elif key in _CHANCES:
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                raise BadInput(f"people 文件 [{where}] {key} 应在 0 与 1 之间")
            values[key] = float(value)
        elif key in Behaviour.__dataclass_fields__:
            if not isinstance(value, list) or len(value) != 2 or not 0 <= value[0] <= value[1]:
                raise BadInput(f"people 文件 [{where}] {key} 应为由小到大的两个数")
            values[key] = (float(value[0]), float(value[1]))
        else:
            raise BadInput(f"people 文件 [{where}] 有不认识的项 {key}")
    behaviour = replace(base, **values)
    total = sum(getattr(behaviour, share) for share in _SHARES)
    if abs(total - 1.0) > 1e-9:
        raise BadInput(f"people 文件 [{where}] 各结果之和为 {total:g}，应为 1")
    return behaviour


def _receipt(word: str, where: str) -> Receipt:
    if word not in (*_SHARES, Receipt.OFF):
        raise BadInput(f"people 文件 [{where}] 有不认识的应答 {word}")
    return Receipt(word)


class SimulatedTelephone:
    """A sender whose people answer as stated; asking twice gives the same answer."""

    def __init__(self, people: People, seed: int) -> None:
        self._people = people
        self._seed = seed
        self._tries: Counter[tuple[int, str, str]] = Counter()

    def send(self, attempts: Sequence[Attempt], now: datetime) -> list[Reply]:
        return [reply for attempt in attempts for reply in self._replies(attempt, now)]

    def recall(self, tried: Tried, lost: Sequence[Attempt]) -> list[Reply]:
        """In a drill an attempt goes out at the instant at which it was intended."""
        self._tries = Counter(tried)
        return [reply for attempt in lost for reply in self._replies(attempt, attempt.opened_at)]

    def _replies(self, attempt: Attempt, now: datetime) -> list[Reply]:
        body = attempt.body
        line = (attempt.person, attempt.purpose, attempt.group)
        number = self._tries[line]
        self._tries[line] += 1
        if body.get("message"):
            return [Reply(attempt.id, _on_grid(now + timedelta(seconds=5)), Receipt.SHOWN)]
        behaviour = self._people.of(body["level"], body["division"], body["post"], night=bool(body["night"]))
        question = (attempt.person, attempt.group, number)
        receipt = self._receipt(behaviour, attempt.person, number, question)
        ring = draw_between(*behaviour.ring_s, self._seed, "ring", *question)
        listen = draw_between(*behaviour.listen_s, self._seed, "listen", *question)
        picked_up = receipt in (Receipt.CONFIRMED, Receipt.HEARD, Receipt.DECLINED)
        took = {Receipt.OFF: 3.0, Receipt.BUSY: 4.0, Receipt.NO_ANSWER: 45.0}.get(receipt, ring)
        at = _on_grid(now + timedelta(seconds=took + (listen if picked_up else 0.0)))
        replies = [Reply(attempt.id, at, receipt)]
        if receipt is Receipt.CONFIRMED:
            replies += self._reports(attempt, behaviour, at, question)
        return replies

    def _receipt(self, behaviour: Behaviour, person: int, number: int, question: tuple[object, ...]) -> Receipt:
        if behaviour.script:
            return behaviour.script[min(number, len(behaviour.script) - 1)]
        if draw(self._seed, "off", person) < behaviour.off:  # a telephone that is off stays off all night
            return Receipt.OFF
        chance = draw(self._seed, "receipt", *question)
        for share in _SHARES:
            chance -= getattr(behaviour, share)
            if chance < 0:
                return Receipt(share)
        return Receipt.NO_ANSWER

    def _reports(
        self, attempt: Attempt, behaviour: Behaviour, at: datetime, question: tuple[object, ...]
    ) -> list[Reply]:
        reports: list[Reply] = []
        asks = attempt.body.get("asks", ())
        if "on_post" in asks:
            minutes = draw_between(*behaviour.on_post_min, self._seed, "on_post", *question)
            reports.append(Reply(attempt.id, _on_grid(at + timedelta(minutes=minutes), 60), Receipt.ON_POST))
        if "moved" in asks:
            minutes = draw_between(*behaviour.moved_min, self._seed, "moved", *question)
            people = int(draw_between(*behaviour.moved_people, self._seed, "people", *question))
            reports.append(Reply(attempt.id, _on_grid(at + timedelta(minutes=minutes), 60), Receipt.MOVED, people))
        return reports


def _on_grid(instant: datetime, grid_s: int = _GRID_S) -> datetime:
    seconds = instant.timestamp()
    return instant + timedelta(seconds=-(-seconds // grid_s) * grid_s - seconds)
