"""告警和态势的表和查询 — findings by content key, the situation in force, and its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    or_,
    select,
    update,
)

from shouye.base.kernel import Document, Instant, NotFound, RowId, Tx, metadata
from shouye.watch.assess.model import Episode, Finding, Reset, SituationStep, Watch
from shouye.watch.stations import Gauge

finding_table = Table(
    "finding",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hazard", String(40), nullable=False),
    Column("rules", String(60), nullable=False),
    Column("level", String(20), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("word", String(20), nullable=False),
    Column("station", String(60), nullable=False),
    Column("division", String(40), nullable=False),
    Column("areas", Document, nullable=False),
    Column("basis", String(40), nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("until", Instant),
    Column("facts", Document, nullable=False),
    Column("missing", Document, nullable=False),
    Column("source", String(60), nullable=False),
    Column("text", Text, nullable=False),
    Column("mark", String(1), nullable=False),
    Column("already_over", Boolean, nullable=False),
    Column("retracted_at", Instant),
    UniqueConstraint("hazard", "rules", "level", "station", "first_at"),
    Index("finding_station", "station"),
    Index("finding_open", "until", "retracted_at"),
)

situation_table = Table(
    "situation",
    metadata,
    Column("hazard", String(40), primary_key=True),
    Column("division", String(40), primary_key=True),
    Column("level", String(20)),
    Column("rank", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

step_table = Table(
    "situation_history",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("hazard", String(40), nullable=False),
    Column("division", String(40), nullable=False),
    Column("level", String(20)),
    Column("previous", String(20)),
    Column("ground", String(20), nullable=False),
    Column("findings", Document, nullable=False),
    Index("situation_history_of", "hazard", "division"),
)

active_table = Table(
    "active_rules",
    metadata,
    Column("hazard", String(40), primary_key=True),
    Column("term", String(20), nullable=False),
    Column("rules", String(60), nullable=False),
    Column("element", String(40), nullable=False),
    Column("words", Document, nullable=False),
    Column("review_after_s", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    comment="which rule table is in force for which hazard in this database",
)

turn_table = Table(
    "engine_turn",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("recovering", Integer, nullable=False),
    comment="how often an engine has judged: one that remembers another number was rolled back or overtaken",
)

reset_table = Table(
    "latch_reset",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hazard", String(40), nullable=False),
    Column("station", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(60), nullable=False),
    Index("latch_reset_station", "station", "at"),
)

EpisodeKey = tuple[str, str, str, str, Any]


def activate(tx: Tx, watches: Iterable[Watch]) -> None:
    known = {row.hazard: row for row in tx.run(select(active_table))}
    for watch in watches:
        row = {
            "term": watch.hazard.term,
            "rules": watch.table.id,
            "element": watch.hazard.element,
            "words": {level: watch.table.word(level) for level in watch.table.levels},
            "review_after_s": int(watch.hazard.review_after.total_seconds()),
        }
        old = known.pop(watch.hazard.key, None)
        if old is None:
            tx.run(insert(active_table).values(hazard=watch.hazard.key, since=tx.now, **row))
        else:
            since = old.since if old.rules == watch.table.id else tx.now
            where = active_table.c.hazard == watch.hazard.key
            tx.run(update(active_table).where(where).values(since=since, **row))
    for hazard in known:
        tx.run(active_table.delete().where(active_table.c.hazard == hazard))


def active(tx: Tx) -> list[Any]:
    return list(tx.run(select(active_table).order_by(active_table.c.hazard)))


def episode_key(episode: Episode | Finding) -> EpisodeKey:
    return episode.hazard, episode.rules, episode.level, episode.station, episode.first_at


def turn(tx: Tx) -> tuple[int, int]:
    """How often was judged, and how many gauges were still being loaded then."""
    row = tx.run(select(turn_table)).first()
    return (row.turn, row.recovering) if row is not None else (0, 0)


def put_turn(tx: Tx, turn: int, recovering: int) -> None:
    if tx.run(update(turn_table).values(turn=turn, recovering=recovering)).rowcount == 0:
        tx.run(insert(turn_table).values(id=1, turn=turn, recovering=recovering))


def add_reset(tx: Tx, hazard: str, station: str, actor: str) -> int:
    row = insert(reset_table).values(hazard=hazard, station=station, at=tx.now, actor=actor)
    return int(tx.run(row).inserted_primary_key[0])


def resets_since(tx: Tx, station: str, since: datetime) -> list[Reset]:
    where = (reset_table.c.station == station, reset_table.c.at > since)
    rows = tx.run(select(reset_table).where(*where).order_by(reset_table.c.at, reset_table.c.id))
    return [Reset(row.hazard, row.station, row.at) for row in rows]


def reset_by_id(tx: Tx, number: int) -> Reset:
    row = tx.run(select(reset_table).where(reset_table.c.id == number)).one()
    return Reset(row.hazard, row.station, row.at)


def findings_reaching(tx: Tx, since: Mapping[str, datetime]) -> list[Finding]:
    """Per gauge the findings, withdrawn ones too, that begin, end or are open at `since` or later."""
    if not since:
        return []
    columns, first = finding_table.c, min(since.values())
    query = select(finding_table).where(
        columns.station.in_(sorted(since)),
        or_(columns.first_at >= first, columns.until.is_(None), columns.until >= first),
    )
    return [
        one
        for one in _findings(tx, query)
        if one.until is None or one.until >= since[one.station] or one.first_at >= since[one.station]
    ]


def add_finding(tx: Tx, episode: Episode, gauge: Gauge | None) -> int:
    row = {
        **_told(episode),
        "hazard": episode.hazard,
        "rules": episode.rules,
        "level": episode.level,
        "rank": episode.rank,
        "word": episode.word,
        "station": episode.station,
        "division": gauge.county if gauge else "",
        "areas": list(gauge.coverage.divisions) if gauge else [],
        "basis": gauge.coverage.basis if gauge else "测站未登记",
        "first_at": episode.first_at,
        "found_at": tx.now,
        "already_over": episode.until is not None,
    }
    return int(tx.run(insert(finding_table).values(**row)).inserted_primary_key[0])


def change_finding(tx: Tx, finding: int, episode: Episode) -> None:
    """The episode stands, told anew: an end, a reopening, a corrected value."""
    tx.run(update(finding_table).where(finding_table.c.id == finding).values(**_told(episode)))


def retract_finding(tx: Tx, finding: int) -> None:
    tx.run(update(finding_table).where(finding_table.c.id == finding).values(retracted_at=tx.now))


def _told(episode: Episode) -> dict[str, Any]:
    ground = episode.ground
    return {
        "until": episode.until,
        "facts": ground.values,
        "missing": list(ground.missing),
        "source": episode.source,
        "text": ground.text,
        "mark": ground.mark,
        "retracted_at": None,
    }


def all_findings(tx: Tx, *, open_only: bool = False, hazard: str | None = None) -> list[Finding]:
    query = select(finding_table)
    if open_only:
        query = query.where(finding_table.c.until.is_(None), finding_table.c.retracted_at.is_(None))
    if hazard is not None:
        query = query.where(finding_table.c.hazard == hazard)
    return _findings(tx, query)


def finding_by_id(tx: Tx, finding: int) -> Finding:
    found = _findings(tx, select(finding_table).where(finding_table.c.id == finding))
    if not found:
        raise NotFound(f"监测告警 {finding}")
    return found[0]


def _findings(tx: Tx, query: Select[Any]) -> list[Finding]:
    columns = finding_table.c
    ordered = query.order_by(columns.first_at, columns.hazard, columns.rank, columns.station)
    return [
        Finding(
            id=row.id,
            hazard=row.hazard,
            rules=row.rules,
            level=row.level,
            rank=row.rank,
            word=row.word,
            station=row.station,
            division=row.division,
            areas=tuple(row.areas),
            basis=row.basis,
            first_at=row.first_at,
            found_at=row.found_at,
            until=row.until,
            values=row.facts,
            missing=tuple(row.missing),
            source=row.source,
            text=row.text,
            mark=row.mark,
            already_over=row.already_over,
            retracted_at=row.retracted_at,
        )
        for row in tx.run(ordered)
    ]


def situation_rows(tx: Tx) -> dict[tuple[str, str], Any]:
    return {(row.hazard, row.division): row for row in tx.run(select(situation_table))}


def put_situation(tx: Tx, hazard: str, division: str, known: bool, **row: Any) -> None:
    if known:
        where = (situation_table.c.hazard == hazard, situation_table.c.division == division)
        tx.run(update(situation_table).where(*where).values(**row))
    else:
        tx.run(insert(situation_table).values(hazard=hazard, division=division, **row))


def add_step(tx: Tx, step: SituationStep) -> None:
    tx.run(
        insert(step_table).values(
            at=step.at,
            hazard=step.hazard,
            division=step.division,
            level=step.level,
            previous=step.previous,
            ground=step.ground,
            findings=list(step.findings),
        )
    )


def steps(tx: Tx, hazard: str | None, division: str | None) -> Sequence[SituationStep]:
    query = select(step_table).order_by(step_table.c.id)
    if hazard is not None:
        query = query.where(step_table.c.hazard == hazard)
    if division is not None:
        query = query.where(step_table.c.division == division)
    return [
        SituationStep(row.at, row.hazard, row.division, row.level, row.previous, row.ground, tuple(row.findings))
        for row in tx.run(query)
    ]
