"""演练结果 — the record, the timeline and the lead times, read from what the product itself has stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from shouye.after.review.model import CallRow, DrillPlan, DrillResult, Laying, LeadTime, Line
from shouye.base.access import IN_PLACE, WHOLE, Scope, concerns, covers
from shouye.base.delivery import Receipt
from shouye.base.kernel import (
    RecordedFact,
    Refusal,
    Tx,
    canonical,
    facts_since,
    iso,
    put_stamp,
    rank_of,
    reached,
    read_stamp,
    word_of,
)
from shouye.base.roster import DivisionLevel, Roster
from shouye.during import call, warn
from shouye.watch import assess, observe
from shouye.watch.intake import Storm


class OtherDrill(Refusal):
    """数据目录里是另一场演练（雨情、城市、人员、种子或开始时刻不同），不能接着演。"""


DRILL = "drill"
"""The stamp that says which drill a database holds."""

SCHEMA = "shouye-drill/1"


def result(tx: Tx, storm: Storm, laying: Laying, seed: int, begins: datetime, ends: datetime) -> DrillResult:
    """Everything the drill has shown. Same seed, same result byte for byte."""
    roster = tx.of(Roster)
    findings = assess.findings(tx, WHOLE)
    notices = warn.notices(tx, WHOLE)
    facts = facts_since(tx)
    counts = Counter(fact.kind for fact in facts)
    record = {
        "schema": SCHEMA,
        "mode": "Simulation",
        "storm": storm.name,
        "title": _title(storm),
        "city": roster.city.name,
        "seed": seed,
        "begins_at": iso(begins),
        "ends_at": iso(ends),
        "transposed": laying.transposed,
        "reconstructed": bool(storm.declared and storm.declared.reconstructed),
        "notes": list(storm.notes),
        "refused_rows": [vars(row) for row in storm.refused],
        "merged_series": [list(group) for group in storm.merged],
        "mapping": [_mapped(roster, laying, item.station.id) for item in laying.stations],
        "idle_stations": [station.id for station in laying.idle],
        "findings": [_finding(roster, item) for item in findings],
        "notices": [_notice(tx, roster, item) for item in notices],
        "calls": _calls(tx, roster),
        "lead_time": [vars(item) for item in lead_times(tx, notices)],
        "facts": len(facts),
        "facts_by_kind": dict(sorted(counts.items())),
        "paced": None,
    }
    return DrillResult(
        record=record,
        lines=tuple(timeline(tx, WHOLE, facts)),
        lead=tuple(lead_times(tx, notices)),
        unreached=tuple(_unreached(tx, roster)),
        curves={
            item.station.id: tuple(
                (reading.time, reading.value)
                for reading in observe.curve(tx, WHOLE, item.station.id, storm.element, begins, ends)
            )
            for item in laying.stations
        },
    )


def fingerprint(city: Path, plan: DrillPlan) -> str:
    """演练指纹 — two drills with the same one are the same: storm, city, people, chance and beginning."""
    people = [plan.people] if plan.people else []
    files = [plan.storm, *people, *sorted(path for path in city.iterdir() if path.is_file())]
    files += sorted((city / "rules").glob("*"))
    digests = [[path.name, sha256(path.read_bytes()).hexdigest()] for path in files if path.is_file()]
    start = iso(plan.start) if plan.start else None
    terms = [plan.seed, start, plan.tail.total_seconds(), plan.simulated_deciders]
    return sha256(canonical([terms, digests]).encode()).hexdigest()


def begin_drill(tx: Tx, print_of: str) -> None:
    """开演 — from now on the database is this drill's and can be gone on with."""
    put_stamp(tx, DRILL, print_of)


def reached_by(tx: Tx, print_of: str) -> datetime | None:
    """演到何时 — of this drill; None when it had not begun."""
    held = read_stamp(tx).get(DRILL)
    if held is None:
        return None
    if held != print_of:
        raise OtherDrill
    return reached(tx)


def _title(storm: Storm) -> str:
    return storm.declared.title if storm.declared and storm.declared.title else storm.name


def _mapped(roster: Roster, laying: Laying, station: str) -> dict[str, Any]:
    item = next(item for item in laying.stations if item.station.id == station)
    return {
        "gauge": item.gauge,
        "merged": list(item.merged),
        "station": item.station.id,
        "station_name": item.station.name,
        "division": item.station.county,
        "division_name": roster.division(item.station.county).name,
        "virtual": item.virtual,
    }


def call_rows(tx: Tx) -> list[CallRow]:
    """叫应明细 — every obligation with its post, its person and its end."""
    roster = tx.of(Roster)
    notices = {notice.id: notice for notice in warn.notices(tx, WHOLE)}
    rows = []
    for item in call.obligations(tx, WHOLE):
        person = item.answered_by or (item.deputy if item.rung and item.deputy else item.primary)
        county, township = roster.county_of(item.division), roster.township_of(item.division)
        rows.append(
            CallRow(
                notice=notices[item.notice].number,
                level=notices[item.notice].level,
                county=county.name if county else roster.city.name,
                township=township.name if township else "",
                place=roster.division(item.division).short,
                tier=item.level.word,
                post=roster.posts[item.post].title,
                person=roster.persons[person].name if person is not None else "无人",
                number=(roster.contact(person) or "") if person is not None else "",
                state=call.STATE_WORDS[item.state.value],
                evidence=item.evidence.word,
                opened_at=item.opened_at,
                due_at=item.due_at,
                first_try_at=item.first_try_at,
                answered_at=item.answered_at,
                tries=item.tries,
                late=item.late,
                last=Receipt(item.last_receipt).word if item.last_receipt else "",
            )
        )
    return rows


def _finding(roster: Roster, item: assess.Finding) -> dict[str, Any]:
    return {
        "id": item.id,
        "hazard": item.hazard,
        "level": item.level,
        "division": item.division,
        "division_name": roster.division(item.division).name,
        "station": item.station,
        "gauge": item.source,
        "first_at": iso(item.first_at),
        "found_at": iso(item.found_at),
        "until": iso(item.until) if item.until else None,
        "rule": item.rules,
        "mark": item.mark,
        "values": item.values,
        "missing": list(item.missing),
        "reason": item.text,
        "already_over": item.already_over,
        "retracted": item.retracted_at is not None,
    }


def _notice(tx: Tx, roster: Roster, item: warn.Notice) -> dict[str, Any]:
    steps = warn.revisions(tx, WHOLE, item.id)
    return {
        "number": item.number,
        "hazard": item.hazard,
        "term": item.term,
        "level": max((step.level for step in steps), key=rank_of),
        "level_at_end": item.level,
        "county": item.county,
        "county_name": roster.division(item.county).name,
        "divisions": list(item.divisions),
        "reason": item.reason,
        "findings": list(item.findings),
        "first_at": iso(item.first_at),
        "found_at": iso(item.found_at),
        "proposed_at": iso(item.proposed_at),
        "issued_at": iso(item.issued_at),
        "issued_by": item.issued_by,
        "updated_at": iso(item.updated_at) if item.updated_at else None,
        "withdrawn_at": iso(item.withdrawn_at) if item.withdrawn_at else None,
        "rounds": item.round,
        "revisions": [
            {"at": iso(step.at), "act": step.act.value, "level": step.level, "by": step.by, "reason": step.reason}
            for step in steps
        ],
    }


def _figures(balance: call.Balance) -> dict[str, int]:
    return {
        "opened": balance.opened,
        "answered": balance.answered,
        "handed_over": balance.handed_over,
        "withdrawn": balance.withdrawn,
        "open": balance.open,
        "late": balance.late,
        "escalated": balance.escalated,
    }


def _calls(tx: Tx, roster: Roster) -> dict[str, Any]:
    by_county = call.balances(tx, WHOLE, "county")
    by_level = call.balances(tx, WHOLE, "level")
    return {
        **_figures(call.balance(tx, WHOLE)),
        "by_county": [
            {"division": key[0], "name": roster.division(key[0]).name, **_figures(by_county[key])}
            for key in sorted(by_county)
        ],
        "by_level": {
            level.value: _figures(by_level.get((level.value,), call.Balance())) for level in DivisionLevel
        },
    }


def _unreached(tx: Tx, roster: Roster) -> Iterable[dict[str, Any]]:
    """从未叫到的 — posts that nobody has answered for, and those another took over without an answer."""
    numbers = {notice.id: notice.number for notice in warn.notices(tx, WHOLE)}
    for item in call.obligations(tx, WHOLE):
        if item.state in (*call.OPEN, call.CallState.HANDED_OVER):
            yield {
                "notice": numbers[item.notice],
                "division": item.division,
                "place": roster.full_name(item.division),
                "post": roster.posts[item.post].title,
                "state": item.state.value,
                "tries": item.tries,
                "last": item.last_receipt,
            }


def lead_times(tx: Tx, notices: Sequence[warn.Notice]) -> list[LeadTime]:
    """提前量分解 — crossing to finding, to signature, to answers, to people on their posts."""
    found = []
    for notice in notices:
        answered = [item for item in call.obligations(tx, WHOLE, notice.id) if item.answered_at is not None]
        waits = sorted(_seconds(item.opened_at, item.answered_at) for item in answered)
        acts = []
        for report in call.reports(tx, WHOLE, notice.id):
            awake = [
                item.answered_at
                for item in answered
                if item.answered_by == report.person
                and item.answered_at is not None
                and item.answered_at <= report.at
            ]
            if report.kind == "on_post" and awake:
                acts.append(_seconds(max(awake), report.at))
        found.append(
            LeadTime(
                notice=notice.number,
                sensing_s=_seconds(notice.first_at, notice.found_at),
                deciding_s=_seconds(notice.found_at, notice.issued_at),
                waking_median_s=int(median(waits)) if waits else None,
                waking_last_s=waits[-1] if waits else None,
                acting_median_s=int(median(acts)) if acts else None,
            )
        )
    return found


def _seconds(begin: datetime, end: datetime | None) -> int:
    return int(((end or begin) - begin).total_seconds())


_OF_ACCOUNTS = ("user", "key")


def facts_of(tx: Tx, scope: Scope, after: int = 0) -> list[RecordedFact]:
    """可见的事实 — by the place a fact names, else by the notice it is about; the rest is the whole city's.

    A village hears of its county's danger and notice; how the calls went, place by place, is the county's to read,
    and an account is seen by those in whose division it is.
    """
    found = facts_since(tx, after)
    if scope == WHOLE:
        return found
    counties = {notice.group: notice.county for notice in warn.notices(tx, scope)}
    city = covers(tx, scope, tx.of(Roster).city.id)

    def visible(fact: RecordedFact) -> bool:
        about, _, _ = fact.subject.partition(":")
        place = fact.body.get("county") or fact.body.get("division") or counties.get(fact.subject)
        if not isinstance(place, str):
            return city
        told = about not in _OF_ACCOUNTS and (about != "notice" or fact.kind.startswith("Notice"))
        return concerns(tx, scope, place) if told else covers(tx, scope, place)

    return [fact for fact in found if visible(fact)]


def timeline(tx: Tx, scope: Scope, facts: Sequence[RecordedFact]) -> list[Line]:
    """时间线 — the night as a person reads it; what one minute repeats is one line."""
    roster = tx.of(Roster)
    numbers = {f"notice:{notice.id}": notice for notice in warn.notices(tx, scope)}
    lines: list[Line] = []
    answered: dict[str, int] = {}
    told: dict[tuple[str, datetime], int] = {}
    for fact in facts:
        body = fact.body
        notice = numbers.get(fact.subject)
        number = notice.number if notice else ""
        if fact.kind == "FindingRaised":
            item = assess.finding(tx, WHOLE, int(fact.subject.split(":")[1]))
            station = roster.stations[item.station].name
            over = "（得知时已过）" if item.already_over else ""
            place = roster.division(item.division).short
            lines.append(Line(item.first_at, "finding", item.level, f"{place} {station}站：{item.text}{over}"))
        elif fact.kind == "NoticeProposed":
            act = warn.Act(body["act"]).word
            place = roster.division(body["county"]).short
            lines.append(Line(fact.at, "proposed", body["level"], f"拟稿：{act} {place}"))
        elif fact.kind == "ProposalEnded":
            end = "未予签发" if body["end"] == "refused" else "作罢"
            place = roster.division(body["county"]).short
            lines.append(Line(fact.at, "proposed", body["level"], f"拟稿{end}：{place}"))
        elif fact.kind in ("NoticeIssued", "NoticeRaised") and notice:
            act = "签发" if fact.kind == "NoticeIssued" else "升级"
            place, term = roster.division(notice.county).short, notice.term
            held, in_place, _ = fact.actor.partition(IN_PLACE)
            who = roster.posts[held].title + ("（代）" if in_place else "")
            lines.append(Line(fact.at, "notice", body["level"], f"{who}{act} {number}：{place} {term}"))
        elif fact.kind == "NoticeLowered":
            lines.append(Line(fact.at, "notice", body["level"], f"{number} 降为{word_of(body['level'])}"))
        elif fact.kind == "NoticeWithdrawn":
            why = {"ended": "险情已过", "retracted": "依据已更正"}.get(body["ground"], "值班决定")
            lines.append(Line(fact.at, "notice", None, f"{number} 撤回（{why}）"))
        elif fact.kind == "NoticeExtended":
            lines.append(Line(fact.at, "notice", notice.level if notice else None, f"{number} 复核，延长"))
        elif fact.kind == "CallsOpened":
            levels = "、".join(
                f"{DivisionLevel(key).word} {count}" for key, count in body["by_level"].items() if count
            )
            again = f"（第 {body['round']} 轮）" if body["round"] > 1 else ""
            lines.append(
                Line(
                    fact.at,
                    "calls",
                    None,
                    f"{number} 开始叫应{again}：应叫应 {body['obligations']} 件（{levels}）",
                )
            )
        elif fact.kind == "CallsAnswered":
            answered[fact.subject] = answered.get(fact.subject, 0) + len(body["obligations"])
            minute = fact.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
            text = f"{number} 累计应答 {answered[fact.subject]} 件"
            line = Line(minute, "answered", None, text)
            at = told.get((fact.subject, minute))
            if at is None:
                told[(fact.subject, minute)] = len(lines)
                lines.append(line)
            else:
                lines[at] = line
        elif fact.kind == "CallsLate":
            text = f"{number} {len(body['obligations'])} 件逾期未应，报上级 {len(body['superiors'])} 个岗位"
            lines.append(Line(fact.at, "late", None, text))
        elif fact.kind == "CallsUnreached":
            lines.append(Line(fact.at, "late", None, f"{number} {len(body['obligations'])} 件叫不到，待人接手"))
        elif fact.kind == "CallsHandedOver":
            lines.append(Line(fact.at, "calls", None, f"{number} {len(body['obligations'])} 件已有人接手"))
        elif fact.kind == "VisitEnded":
            found = "叫醒，本人确认" if body["result"] == "found" else "没有找到人"
            lines.append(
                Line(fact.at, "visit", None, f"{number} {roster.full_name(body['division'])} 敲门：{found}")
            )
    return sorted(lines, key=lambda line: line.at)
