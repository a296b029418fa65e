"""正在发生 — one row per situation in force, the unknown ones as loud as the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shouye.base.kernel import AlertLevel, TransferStage
from shouye.base.rules import RuleTable
from shouye.doors.web.context import CityContext
from shouye.doors.web.curve import Curve, curve
from shouye.doors.web.readings import Gauged, gauged, leading, running, table_of
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.unheard import Unheard
from shouye.doors.web.words import when
from shouye.during import call, warn
from shouye.watch import assess, observe

SPAN = timedelta(hours=6)


@dataclass(frozen=True)
class Reading:
    """最新读数 — the running sum in the rule's window at the leading station; None when it is unknown."""

    value: float | None
    unit: str
    station: str
    at: datetime
    doubtful: bool = False
    """读数可疑 — it is judged, but a check warns of a part of it."""


@dataclass(frozen=True)
class Answered:
    """通知与叫应 — what has been done about it."""

    notice: warn.Notice | None
    balance: call.Balance
    draft: warn.Proposal | None


@dataclass(frozen=True)
class Happening:
    """一条险情。"""

    level: AlertLevel | TransferStage | None
    term: str
    place: str
    href: str
    since: datetime | None
    reading: Reading | None
    rule: str
    source: str
    proposed: bool
    curve: Curve | None
    answered: Answered


def happenings(city: CityContext, sight: Sight) -> list[Happening]:
    """In force first, by level and instant; then what cannot be judged, one row a cause."""
    findings = assess.findings(sight.tx, sight.scope)
    found = [_in_force(city, sight, one, findings) for one in sight.situations if one.level is not None]
    return found + [_unknown(sight, one) for one in sight.unheard if one.terms]


def answered(sight: Sight, hazard: str, county: str) -> Answered:
    """The notice in force for it and how far its calls have come, or what waits for a signature."""
    notice = next((one for one in sight.in_force if (one.hazard, one.county) == (hazard, county)), None)
    draft = next((one for one in sight.proposals if (one.hazard, one.county) == (hazard, county)), None)
    return Answered(notice, sight.balance(notice.id) if notice else call.Balance(), draft)


def _in_force(city: CityContext, sight: Sight, one: assess.Situation, findings: list[assess.Finding]) -> Happening:
    finding = leading(findings, one.findings)
    table = table_of(city.folder, one.hazard, one.rules)
    rule = gauged(table, finding.level, finding.values)
    reading, drawn = _reading(city, sight, finding, rule) if rule else (None, None)
    doubt = " · 读数可疑" if reading and reading.doubtful else ""
    deaf = f" · {len(one.unheard)} 站听不到，不解除" if one.unknown else ""
    return Happening(
        level=grade(one.level),
        term=one.term,
        place=sight.roster.division(one.division).short,
        href=f"/situation/{one.hazard}/{one.division}",
        since=one.since,
        reading=reading,
        rule=rule.row.text if rule else one.best,
        source=f"{cited(table)} · {len(one.stations)} 站达到，{one.sources} 个独立来源{doubt}{deaf}",
        proposed=finding.mark == "X",
        curve=drawn,
        answered=answered(sight, one.hazard, one.division),
    )


def _reading(
    city: CityContext, sight: Sight, finding: assess.Finding, rule: Gauged
) -> tuple[Reading | None, Curve | None]:
    now = sight.tx.now
    raw = observe.curve(
        sight.tx, sight.scope, finding.station, "rain_mm", now - SPAN - timedelta(hours=rule.hours), now
    )
    if not raw:
        return None, None
    sums = running(raw, rule.hours)
    at, value = sums[-1]
    name = sight.roster.stations[finding.station].name
    drawn = curve(
        sums,
        start=now - SPAN,
        end=now,
        step=raw[-1].step,
        threshold=rule.threshold,
        label=f"{name}站近 6 小时的{rule.window.term}，虚线为 {rule.threshold:g} {rule.window.unit}",
    )
    part = (one for one in raw if one.time > at - timedelta(hours=rule.hours))
    doubtful = any(one.quality is observe.Quality.SUSPECT for one in part)
    return Reading(value, rule.unit, name, at, doubtful), drawn


def _unknown(sight: Sight, one: Unheard) -> Happening:
    since = f"，{when(one.since, sight.tx.now)} 起" if one.since else ""
    gauges = f"{len(one.stations)} 站" if one.stations else ""
    return Happening(
        level=None,
        term="、".join(one.terms),
        place="、".join(sight.roster.division(place).short for place in one.places),
        href="/silence",
        since=None,
        reading=None,
        rule=f"{gauges}{one.cause}{since}，不能判定",
        source="不升级，也不解除",
        proposed=False,
        curve=None,
        answered=Answered(None, call.Balance(), None),
    )


def cited(table: RuleTable) -> str:
    """How the screen names a table: its document, or that nobody has published one."""
    return "未见公布的标准" if table.id == "proposed" else f"{table.id} {table.term}"


def by_division(situations: list[assess.Situation]) -> Mapping[str, list[assess.Situation]]:
    """For the map: what each division holds, highest first."""
    found: dict[str, list[assess.Situation]] = {}
    for one in situations:
        found.setdefault(one.division, []).append(one)
    return found
