"""叫应的动作 — open a round, answer, take over, send somebody to the door, withdraw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from shouye.base import delivery, tasks
from shouye.base.access import SYSTEM, WHOLE, Actor, Permission, Scope, concerns, covers, require
from shouye.base.delivery import NewAttempt, Receipt
from shouye.base.kernel import AT_ONCE, NotFound, Tx, enqueue, is_night, record, word_of
from shouye.base.roster import DivisionLevel, Post, Roster
from shouye.during import warn
from shouye.during.call import store
from shouye.during.call.facts import (
    CallsHandedOver,
    CallsOpened,
    CallsWithdrawn,
)
from shouye.during.call.model import (
    OPEN,
    SETTLES_LATER,
    Balance,
    CallPolicy,
    CallState,
    FieldReport,
    NothingToTakeOver,
    NotOnThisList,
    Obligation,
    notices_of,
    notices_owed,
)

PURPOSE = "call"
"""目的 — replies to calls come back under this word."""

OPEN_JOB = "call.open"
"""作业 — a further part of a round."""


def open_round(tx: Tx, notice: warn.Notice) -> int:
    """开始一轮叫应 — one obligation per post; what an earlier round left open is withdrawn into this one.

    Whom it obliges is decided now. What is more than one part follows as jobs in the lane of the notice: its later
    changes come after them, or make them needless.
    """
    withdraw_open(tx, notice.id, ground="superseded")
    posts = tx.of(CallPolicy).posts(tx.of(Roster), notice.level, notice.county, notice.divisions)
    by_level = Counter(post.level.value for post in posts)
    record(
        tx,
        CallsOpened(
            subject=notice.group,
            round=notice.round,
            obligations=len(posts),
            by_level={level.value: by_level[level.value] for level in DivisionLevel},
        ),
    )
    open_part(tx, notice, posts[:AT_ONCE])
    for start in range(AT_ONCE, len(posts), AT_ONCE):
        rest = [post.id for post in posts[start : start + AT_ONCE]]
        payload = {"notice": notice.id, "round": notice.round, "posts": rest}
        enqueue(tx, kind=OPEN_JOB, lane=notice.group, due_at=tx.now, payload=payload)
    return len(posts)


def open_part(tx: Tx, notice: warn.Notice, posts: Sequence[Post]) -> None:
    """叫应一部分 — of thousands the first are rung while the last are still being written down."""
    roster, policy = tx.of(Roster), tx.of(CallPolicy)
    rows = []
    new = []
    for post in posts:
        due_at = tx.now + policy.within(post.level, notice.level, tx.now)
        holders = roster.holders(post.id, tx.now)
        new.append(
            tasks.NewTask(
                kind="call",
                group=notice.group,
                title=f"{notice.number} 应答：{roster.full_name(post.division)} {post.title}",
                division=post.division,
                owner=post.id,
                due_at=due_at,
                ladder="call",
            )
        )
        township = roster.township_of(post.division)
        rows.append(
            {
                "notice": notice.id,
                "round": notice.round,
                "division": post.division,
                "county": notice.county,
                "township": township.id if township else "",
                "level": post.level.value,
                "post": post.id,
                "state": CallState.WAITING.value,
                "primary": holders[0].id if holders else None,
                "deputy": holders[1].id if len(holders) > 1 else None,
                "rung": 0,
                "tries": 0,
                "opened_at": tx.now,
                "due_at": due_at,
                "last_receipt": "",
                "evidence": 0,
                "late": False,
                "escalated": False,
                "handed_to": "",
            }
        )
    for row, number in zip(rows, tasks.open_tasks(tx, new), strict=True):
        row["id"] = number
    store.insert_obligations(tx, rows)


def open_rest(tx: Tx, payload: dict[str, Any]) -> None:
    """The job's part: unless a later change of the notice has overtaken it."""
    notice, posts = warn.notice(tx, WHOLE, payload["notice"]), tx.of(Roster).posts
    if notice.round == payload["round"] and notice.withdrawn_at is None:
        open_part(tx, notice, [posts[post] for post in payload["posts"] if post in posts])


def preview(tx: Tx, scope: Scope, level: str, county: str, divisions: Collection[str]) -> dict[DivisionLevel, int]:
    """签发后叫醒谁 — how many obligations such a notice would open, by level: told before it is signed."""
    if not concerns(tx, scope, county):
        raise NotFound(f"区划 {county}")
    found = Counter(post.level for post in tx.of(CallPolicy).posts(tx.of(Roster), level, county, divisions))
    return {one: found[one] for one in DivisionLevel}


def ask_for_returns(tx: Tx, notice: warn.Notice) -> None:
    """要求回报 — after 立即转移 every affected village owes its figures by a time."""
    policy, roster = tx.of(CallPolicy), tx.of(Roster)
    if "moved" not in policy.asks.get(notice.level, ()):
        return
    already = {task.division for task in tasks.in_group(tx, notice.group, "return")}
    villages = {
        post.division: post.id
        for post in policy.posts(roster, notice.level, notice.county, notice.divisions)
        if post.level is DivisionLevel.VILLAGE
    }
    tasks.open_tasks(
        tx,
        [
            tasks.NewTask(
                kind="return",
                group=notice.group,
                title=f"{notice.number} 回报到岗和转移人数：{roster.full_name(village)}",
                division=village,
                owner=post,
                due_at=tx.now + policy.deadline["return"],
                ladder="return",
            )
            for village, post in villages.items()
            if village not in already
        ],
    )


def dial(tx: Tx, obligations: Sequence[Obligation], rung: int, channel: str) -> int:
    """呼叫 — one ring per person, however many obligations he has; nobody is rung while he is on the line."""
    if not obligations:
        return 0
    policy = tx.of(CallPolicy)
    wanted: dict[int, list[Obligation]] = {}
    for item in obligations:
        person = item.deputy if rung and item.deputy is not None else item.primary
        if person is not None:
            wanted.setdefault(person, []).append(item)
    busy = delivery.busy_persons(tx, wanted, PURPOSE)
    owing = notices_owed(store.owing(tx, wanted), wanted)  # his answer settles all he owes: he must hear of all
    about = {item.notice for item in obligations} | {number for mine in owing.values() for number in mine}
    notices = {number: warn.notice(tx, WHOLE, number) for number in sorted(about)}
    scripts = {number: script(tx, notice) for number, notice in notices.items()}
    attempts: list[NewAttempt] = []
    tried: list[tuple[int, int]] = []
    turned: list[int] = []
    for person, items in wanted.items():
        if person in busy:
            turned += [item.id for item in items if rung and not item.rung]
            continue
        tried += [(item.id, rung) for item in items]
        first = items[0]
        mine = list(dict.fromkeys([*(item.notice for item in items), *owing.get(person, ())]))
        asks = {number: policy.asks.get(notices[number].level, ()) for number in mine}
        most = max(mine, key=lambda number: len(asks[number]))  # what he reports later belongs to who asked for it
        attempts.append(
            NewAttempt(
                channel=channel,
                person=person,
                purpose=PURPOSE,
                group=notices[most].group,
                body={
                    "notices": mine,
                    "text": "".join(scripts[number] for number in mine),
                    "level": first.level.value,
                    "division": first.division,
                    "post": first.post,
                    "night": is_night(tx.now),
                    "asks": sorted({ask for some in asks.values() for ask in some}),
                },
            )
        )
    store.note_tries(tx, tried)
    store.turn_to_deputy(tx, turned)
    delivery.open_attempts(tx, attempts)
    return len(attempts)


def script(tx: Tx, notice: warn.Notice) -> str:
    """话术 — what is said, in spoken words; a drill says first that it is one."""
    place = tx.of(Roster).full_name(notice.county)
    level = word_of(notice.level)
    said = level if notice.level in ("PREPARE", "IMMEDIATE") else f"{level}色"
    return (
        f"【{tx.of(delivery.Banner).text}】{place}{notice.term}{said}叫应通知 {notice.number}。"
        f"{notice.reason}。请立即起床到岗，听完请按 1 确认。"
    )


def answer_by_hand(
    tx: Tx, by: Actor, notice: int, person: int, channel: str, receipt: Receipt, value: int | None = None
) -> None:
    """登记应答 — pressed on a page, dialled by an officer or met at the door: same ledger, same rules."""
    require(by, Permission.ACT)
    mine = store.of_people_in(tx, [person], notice)
    if not any(covers(tx, by.scope, item.division) for item in mine):
        raise NotOnThisList
    unsettled = [item for item in mine if item.state in SETTLES_LATER]
    if not any(item.primary == person or item.rung for item in unsettled):
        store.turn_to_deputy(tx, [item.id for item in unsettled])  # he can only have spoken as deputy
        mine = store.of_people_in(tx, [person], notice)
    first = mine[-1]
    body = {"level": first.level.value, "division": first.division, "post": first.post, "night": is_night(tx.now)}
    new = NewAttempt(channel, person, PURPOSE, f"notice:{notice}", body)
    if channel == "manual":
        waiting = [item for item in mine if item.state in OPEN]
        store.note_tries(tx, [(item.id, item.rung) for item in waiting])
    delivery.by_hand(tx, new, receipt, value)


def met_at_door(tx: Tx, by: Actor, notice: int, division: str) -> None:
    """当面叫醒 — who still owed an answer here has given it to somebody who stood before him."""
    here = [item for item in store.of_notice(tx, notice, SETTLES_LATER) if item.division == division]
    for person in sorted({item.primary for item in here if item.primary is not None}):
        answer_by_hand(tx, by, notice, person, "visit", Receipt.CONFIRMED)


def take_over(tx: Tx, by: Actor, ids: Collection[int]) -> int:
    """接手 — a named person answers for these from now on; their ladders stop."""
    require(by, Permission.ACT)
    mine = [item for item in store.by_ids(tx, ids, OPEN) if covers(tx, by.scope, item.division)]
    if not mine:
        raise NothingToTakeOver
    numbers = [item.id for item in mine]
    store.close(tx, numbers, CallState.HANDED_OVER, by.signs_as)
    tasks.hand_over(tx, by, numbers)
    for notice in sorted({item.notice for item in mine}):
        given = [item.id for item in mine if item.notice == notice]
        record(tx, CallsHandedOver(subject=f"notice:{notice}", actor=by.signs_as, obligations=given))
    close_finished_lists(tx, by, mine)
    return len(numbers)


def close_finished_lists(tx: Tx, by: Actor, changed: Sequence[Obligation]) -> None:
    """A list is done when nobody on it is unreached any more; only those that may name these are looked at."""
    posts = tx.of(Roster).posts
    places: dict[tuple[int, str], set[str]] = {}
    for item in changed:
        places.setdefault((item.notice, "takeover"), set()).add(item.township or item.division)
        above = posts[item.post].superior
        if above is not None:
            places.setdefault((item.notice, "door"), set()).add(posts[above].division)
    lists = [
        one
        for (notice, kind), where in sorted(places.items())
        for one in tasks.owed_tasks_at(tx, f"notice:{notice}", kind, where)
    ]
    if not lists:
        return
    states = store.states_of(tx, {number for one in lists for number in one.detail["obligations"]})
    wanting = {"takeover": (CallState.UNREACHED,), "door": SETTLES_LATER}
    done = [
        one.id
        for one in lists
        if not any(states[number] in wanting[one.kind] for number in one.detail["obligations"])
    ]
    tasks.complete(tx, by, done)


def withdraw_open(tx: Tx, notice: int, ground: str) -> int:
    """撤回未结的叫应 — their ladders end with them."""
    owed = {
        task.id
        for kind in ("takeover", "door", "return", "support")
        for task in tasks.in_group(tx, f"notice:{notice}", kind)
        if ground != "superseded" or kind not in ("return", "support")
    }
    tasks.cancel(tx, SYSTEM, owed)
    return withdraw_some(tx, notice, store.of_notice(tx, notice, OPEN), ground)


def withdraw_some(tx: Tx, notice: int, items: Sequence[Obligation], ground: str) -> int:
    """撤回其中几件 — these are no longer wanted; the rest goes on."""
    ids = [item.id for item in items]
    store.close(tx, ids, CallState.WITHDRAWN)
    tasks.cancel(tx, SYSTEM, ids)
    if ids:
        record(tx, CallsWithdrawn(subject=f"notice:{notice}", obligations=len(ids), ground=ground))
        close_finished_lists(tx, SYSTEM, items)
    return len(ids)


def reached_persons(tx: Tx, notice: int) -> list[int]:
    """Exactly those whom this notice's calls reached: they, and nobody else, hear that it is lifted."""
    mine, group = store.people_of_notice(tx, notice), f"notice:{notice}"
    since = min((item.opened_at for item in mine), default=tx.now)
    people = {person for item in mine for person in (item.primary, item.deputy) if person is not None}
    called = delivery.reached(tx, PURPOSE, group, since) & people
    others = delivery.delivered(tx, people - called, PURPOSE, since, but=group)
    called |= {ring.person for ring in others if notice in notices_of(ring)}
    return sorted(called | _superiors_told(tx, group, mine, since))


def _superiors_told(tx: Tx, group: str, mine: Sequence[Any], since: datetime) -> set[int]:
    """Who was told, as the post above, that others do not answer: he sends people, so he must hear the end too.

    Also when it is not known yet whether the word reached him: nobody tells him later.
    """
    roster = tx.of(Roster)
    above = {roster.posts[item.post].superior for item in mine if item.escalated}
    people = {person.id for post in above if post is not None for person in roster.holders(post, tx.now)}
    return delivery.spoken_to(tx, people, "tell", group, since)


def balance(tx: Tx, scope: Scope, notice: int | None = None) -> Balance:
    """应叫应 = 已应答 + 已接手 + 撤回 + 未结。"""
    return balances(tx, scope, notice=notice).get((), Balance())


def balances(tx: Tx, scope: Scope, *keys: str, notice: int | None = None) -> dict[tuple[str, ...], Balance]:
    """The balance by columns: notice, round, county, township, division, level."""
    if scope == WHOLE:
        return store.balances(tx, *keys, notice=notice)
    found: dict[tuple[str, ...], Balance] = {}
    for (division, *key), one in store.balances(tx, "division", *keys, notice=notice).items():
        if covers(tx, scope, division):
            found[tuple(key)] = found.get(tuple(key), Balance()) + one
    return found


def obligations(tx: Tx, scope: Scope, notice: int | None = None) -> list[Obligation]:
    """叫应 — of one notice or of all, every round."""
    return _inside(tx, scope, store.all_obligations(tx) if notice is None else store.of_notice(tx, notice))


def open_obligations(tx: Tx, scope: Scope) -> list[Obligation]:
    """未结 — everything nobody answers for yet, over all notices."""
    return _inside(tx, scope, store.open_obligations(tx))


def obligations_of(tx: Tx, scope: Scope, notice: int, person: int) -> list[Obligation]:
    """此人的叫应 — what one person owes and owed in one notice."""
    return _inside(tx, scope, store.of_people_in(tx, [person], notice))


def obligations_by_id(
    tx: Tx, scope: Scope, ids: Collection[int], states: Collection[CallState] = ()
) -> list[Obligation]:
    return _inside(tx, scope, store.by_ids(tx, ids, states))


def _inside(tx: Tx, scope: Scope, items: list[Obligation]) -> list[Obligation]:
    return items if scope == WHOLE else [item for item in items if covers(tx, scope, item.division)]


def awake_at(tx: Tx, notice: int, divisions: Collection[str]) -> dict[str, int]:
    """谁已醒 — per division the first person who has answered this notice: he can go and knock."""
    return store.answered_at_places(tx, notice, divisions)


def reports(tx: Tx, scope: Scope, notice: int | None = None) -> list[FieldReport]:
    return [one for one in store.reports(tx, notice) if covers(tx, scope, one.division)]
