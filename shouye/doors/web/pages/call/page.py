"""叫应看板、一处的名单、派人敲门、导出。"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response

from shouye.base import delivery
from shouye.base.access import log_read
from shouye.base.kernel import BadInput, Mode, NotFound
from shouye.base.papers import Sheet, xlsx
from shouye.doors.web.pages.call.board import SHOW, Door, board, doors
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import Act, See, back_to, render
from shouye.during import byhand, call, warn

router = APIRouter(include_in_schema=False)

DOORS = 9
"""Places shown beside the tree; the rest is one line."""
MINUTES = 15
"""建议值 — how long a walk to a village takes if nobody says otherwise."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/calls")
def calls(
    visit: See, notice: int | None = None, show: Annotated[str, Query()] = "open", unfold: str = ""
) -> Response:
    """叫应看板; `unfold` names the township whose villages are wanted, or all of them."""
    if show not in SHOW:
        raise BadInput("筛选条件")
    with visit.look() as sight:
        tabs = [(one, sight.balance(one.id)) for one in reversed(sight.in_force)]
        chosen = _chosen(sight, notice)
        values: dict[str, Any] = {"tabs": tabs, "notice": chosen, "board": None}
        if chosen is not None:
            items = present_round(sight, chosen)
            visits = byhand.visits(sight.tx, sight.scope, chosen.id)
            values["board"] = board(items, visits, sight.roster, chosen.county, show)
            values["total"] = call.balance(sight.tx, sight.scope, chosen.id)
        return render(
            visit,
            sight,
            "call/calls.html",
            here="/calls",
            live="#tabs,#sum,#tree,#doors,#filters",
            show=show,
            unfold=unfold,
            filters=SHOW,
            doors_shown=DOORS,
            receipts=_receipts(),
            **values,
        )


@router.get("/calls/{notice}/export.xlsx")
def export(visit: See, notice: int) -> Response:
    """叫应名单 — every obligation of the round, for paper and for the next office."""
    with visit.look() as sight:
        chosen = _mine(sight, notice)
        receipts = _receipts()
        rows = [
            (
                sight.roster.full_name(one.division),
                sight.roster.posts[one.post].title,
                _holder(sight, one),
                call.STATE_WORDS[one.state],
                one.evidence.word,
                one.tries,
                one.last_try_at,
                receipts.get(one.last_receipt, ""),
                one.due_at,
                one.answered_at,
                sight.who(one.handed_to) if one.handed_to else "",
            )
            for one in present_round(sight, chosen)
        ]
    heads = (
        "单位",
        "岗位",
        "责任人",
        "状态",
        "证据",
        "已呼次数",
        "最后呼叫",
        "最后结果",
        "应答时限",
        "应答时间",
        "接手人",
    )
    sheet = Sheet(f"{chosen.number} 叫应名单", heads, rows)
    banner = "" if visit.city.mode is Mode.ACTUAL else visit.city.mode.word
    name = f"attachment; filename={chosen.number}.xlsx"
    return Response(xlsx([sheet], banner), media_type=XLSX, headers={"Content-Disposition": name})


@router.post("/calls/{notice}/paper")
def paper(visit: Act, notice: int, show: Annotated[str, Form()] = "open") -> Response:
    """叫应名单（纸） — with numbers, for the hour when no machine works; who prints it is written down."""
    if show not in SHOW:
        raise BadInput("筛选条件")
    with visit.act() as sight:
        chosen = _mine(sight, notice)
        items = [one for one in present_round(sight, chosen) if SHOW[show][1](one)]
        people = {number for one in items for number in (one.primary, one.deputy) if number is not None}
        for person in sorted(people):
            log_read(sight.tx, visit.actor, "paper", f"person:{person}")
        by_unit: dict[str, list[call.Obligation]] = {}
        for one in items:
            by_unit.setdefault(one.township or one.division, []).append(one)
        return render(
            visit,
            sight,
            "call/paper.html",
            notice=chosen,
            units=by_unit,
            shown=SHOW[show][0],
            script=call.script(sight.tx, chosen),
            states=call.STATE_WORDS,
            numbers={person: sight.roster.contact(person) or "没有号码" for person in people},
        )


@router.get("/calls/{notice}/{division}")
def unit(visit: See, notice: int, division: str) -> Response:
    """一处的叫应 — its posts, every try, and who could walk there."""
    with visit.look() as sight:
        chosen = _mine(sight, notice)
        if not sight.inside(division):
            raise NotFound(division)
        here = [one for one in present_round(sight, chosen) if one.division == division]
        rows = [(one, _holder(sight, one), _tries(sight, chosen, one)) for one in here]
        visits = [one for one in byhand.visits(sight.tx, sight.scope, chosen.id) if one.division == division]
        reports = [one for one in call.reports(sight.tx, sight.scope, chosen.id) if one.division == division]
        return render(
            visit,
            sight,
            "call/unit.html",
            here="/calls",
            notice=chosen,
            division=sight.roster.division(division),
            rows=rows,
            visits=visits,
            reports=reports,
            walkers=_walkers(sight, chosen, division),
            minutes=MINUTES,
            states=call.STATE_WORDS,
            receipts=_receipts(),
        )


@router.post("/calls/{notice}/{division}/visit")
def send(
    visit: Act,
    notice: int,
    division: str,
    walker: Annotated[str, Form()],
    minutes: Annotated[int, Form(ge=1, le=600)],
) -> Response:
    """派人敲门."""
    with visit.act() as sight:
        chosen = _mine(sight, notice)
        offered = {f"{person}:{post}": (person, post) for person, post, _ in _walkers(sight, chosen, division)}
        if walker not in offered:
            raise BadInput("请选择派去的人")
        person, post = offered[walker]
        byhand.send_visitor(sight.tx, visit.actor, notice, division, minutes=minutes, visitor=person, post=post)
    return back_to(f"/calls?notice={notice}")


@router.post("/visits/{number}/end")
def end(visit: Act, number: int, found: Annotated[bool, Form()]) -> Response:
    """敲门结果."""
    with visit.act() as sight:
        known = next((one for one in byhand.visits(sight.tx, sight.scope) if one.id == number), None)
        if known is None:
            raise NotFound(f"上门 {number}")
        byhand.end_visit(sight.tx, visit.actor, number, found=found)
    return back_to(f"/calls?notice={known.notice}")


def _chosen(sight: Sight, number: int | None) -> warn.Notice | None:
    """The one asked for, else the one with the most open calls."""
    if number is not None:
        return _mine(sight, number)
    return max(sight.in_force, key=lambda one: (sight.balance(one.id).open, one.id), default=None)


def _mine(sight: Sight, number: int) -> warn.Notice:
    found = next((one for one in sight.notices if one.id == number), None)
    if found is None:
        raise NotFound(f"通知 {number}")
    return found


def worst(sight: Sight) -> list[tuple[warn.Notice, Door]]:
    """谁没醒 over all notices in force, worst first."""
    found = []
    for notice in sight.in_force:
        items = present_round(sight, notice)
        visits = byhand.visits(sight.tx, sight.scope, notice.id)
        found += [(notice, door) for door in doors(items, visits, sight.roster, waiting=True)]
    return sorted(found, key=lambda row: (row[1].urgency, row[0].id))


def present_round(sight: Sight, notice: warn.Notice) -> list[call.Obligation]:
    every = call.obligations(sight.tx, sight.scope, notice.id)
    return [one for one in every if one.round == notice.round]


def _holder(sight: Sight, one: call.Obligation) -> str:
    number = one.deputy if one.rung and one.deputy is not None else one.primary
    person = sight.roster.persons.get(number) if number is not None else None
    return "空岗" if person is None else f"{person.name}（虚构）" if person.fictional else person.name


def _tries(sight: Sight, notice: warn.Notice, one: call.Obligation) -> list[delivery.Attempt]:
    people = {number for number in (one.primary, one.deputy) if number is not None}
    found = [
        item for number in people for item in delivery.attempts_of(sight.tx, sight.scope, number, notice.group)
    ]
    return sorted(found, key=lambda item: (item.opened_at, item.id))


def _walkers(sight: Sight, notice: warn.Notice, division: str) -> list[tuple[int, str, str]]:
    """谁能去 — who is awake in the place itself, then the posts of the township: (person, post, words)."""
    township = sight.roster.township_of(division)
    near = {division, township.id if township else division}
    found: dict[int, tuple[int, str, str]] = {}
    for one in sorted(present_round(sight, notice), key=lambda one: (one.division != division, one.id)):
        if one.state is call.CallState.ANSWERED and one.answered_by is not None and one.division in near:
            words = f"{sight.roster.persons[one.answered_by].name}，{sight.who(one.post)}，已应答"
            found.setdefault(one.answered_by, (one.answered_by, one.post, words))
    for post in sight.roster.posts_of(township.id) if township else ():
        for person in sight.roster.holders(post.id, sight.tx.now)[:1]:
            words = f"{person.name}，{sight.who(post.id)}，尚未应答"
            found.setdefault(person.id, (person.id, post.id, words))
    return list(found.values())


def _receipts() -> dict[str, str]:
    return {receipt.value: receipt.word for receipt in delivery.Receipt}
