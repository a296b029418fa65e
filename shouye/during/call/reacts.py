"""通知、阶梯、回音之后 — what calling does about the rooms to its left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from shouye.base import delivery, tasks
from shouye.base.access import CALLED, WHOLE
from shouye.base.delivery import FOLLOW_UPS, Attempt, NewAttempt, Receipt, Reply, Switchboard
from shouye.base.kernel import Tx, handles, on, record, word_of
from shouye.base.privacy import keeps
from shouye.base.roster import DivisionLevel, Roster
from shouye.during import warn
from shouye.during.call import service, store
from shouye.during.call.facts import CallsAnswered, CallsLate, CallsUnreached, FieldReported
from shouye.during.call.model import OPEN, CallPolicy, CallState, Evidence, Obligation, notices_of


@on(warn.NoticeIssued)
def wake(fact: warn.NoticeIssued, tx: Tx) -> None:
    """签发即叫应。"""
    _open(tx, fact)


@on(warn.NoticeRaised)
def wake_again(fact: warn.NoticeRaised, tx: Tx) -> None:
    """升级即再叫应 — an answer to 橙 is not an answer to 红."""
    _open(tx, fact)


def _open(tx: Tx, fact: warn.NoticeIssued) -> None:
    notice = warn.notice(tx, WHOLE, int(fact.subject.split(":")[1]))
    if notice.round != fact.round or notice.withdrawn_at is not None:
        return  # a later change has overtaken this one
    if store.round_begun(tx, notice.id, fact.round):
        return
    service.open_round(tx, notice)
    service.ask_for_returns(tx, notice)


@on(warn.NoticeLowered)
def tell_lowered(fact: warn.NoticeLowered, tx: Tx) -> None:
    """降级 — those reached are told; who would not be woken at the lower level is rung no more."""
    number = int(fact.subject.split(":")[1])
    _tell(tx, fact.subject, f"{fact.number} 已降为{word_of(fact.level)}", service.reached_persons(tx, number))
    notice = warn.notice(tx, WHOLE, number)
    posts = tx.of(CallPolicy).posts(tx.of(Roster), fact.level, notice.county, notice.divisions)
    still_called = {post.id for post in posts}
    freed = [item for item in store.of_notice(tx, number, OPEN) if item.post not in still_called]
    service.withdraw_some(tx, number, freed, ground="lowered")


@on(warn.NoticeWithdrawn)
def end_calls(fact: warn.NoticeWithdrawn, tx: Tx) -> None:
    """撤回 — open calls end; exactly those reached are told, once."""
    number = int(fact.subject.split(":")[1])
    _tell(tx, fact.subject, _lifted(tx, warn.notice(tx, WHOLE, number)), service.reached_persons(tx, number))
    service.withdraw_open(tx, number, ground=fact.ground)


def _lifted(tx: Tx, notice: warn.Notice) -> str:
    return f"{notice.number} 已撤回：{warn.revisions(tx, WHOLE, notice.id)[-1].reason}"


def _tell(tx: Tx, group: str, text: str, persons: Iterable[int]) -> None:
    _tell_each(tx, [(person, group, text) for person in persons])


def _tell_each(tx: Tx, words: Iterable[tuple[int, str, str]]) -> None:
    """(person, group, text): said by itself where a channel does so."""
    channel, banner = _automatic(tx), tx.of(delivery.Banner).text
    if channel:
        messages = [
            NewAttempt(channel, person, "tell", group, {"text": f"【{banner}】{text}。", "message": True})
            for person, group, text in words
        ]
        delivery.open_attempts(tx, messages)


def climb(tx: Tx, act: str, due: Sequence[tasks.Task]) -> None:
    """阶梯到时 — the ladder of the task says what is next; this room only carries it out."""
    mine = store.by_ids(tx, [task.id for task in due], OPEN)
    if act in ("primary", "deputy"):
        waiting = [item for item in mine if item.state is not CallState.UNREACHED]
        channel = _automatic(tx)
        if channel:
            service.dial(tx, waiting, 0 if act == "primary" else 1, channel)
        elif act == "deputy":
            store.turn_to_deputy(tx, [item.id for item in waiting])
    elif act == tasks.OVERDUE:
        _tell_superiors(tx, mine)
    elif act == "exhausted":
        _give_up(tx, mine)


def _automatic(tx: Tx) -> str:
    """The channel that rings by itself in this mode; none means the manual list carries the calls."""
    board = tx.of(Switchboard)
    return next((key for key in board.senders if board.channels[key].automatic), "")


def _tell_superiors(tx: Tx, late: Sequence[Obligation]) -> None:
    """报上级 — each post above gets one message per notice; the list behind it grows."""
    roster, policy = tx.of(Roster), tx.of(CallPolicy)
    lists: dict[tuple[int, str], list[int]] = {}
    for item in late:
        superior = roster.posts[item.post].superior
        if superior is not None:
            lists.setdefault((item.notice, superior), []).append(item.id)
    store.mark_late(tx, [item.id for item in late], [number for ids in lists.values() for number in ids])
    told = store.escalations(tx, {notice for notice, _ in lists})
    known = {task.id: task for task in tasks.by_ids(tx, [told[key] for key in lists if key in told])}
    growing = {key: known[told[key]] for key in lists if key in told and known[told[key]].closed_at is None}
    named = _joined(lists, growing)
    titles = _door_titles(tx, named)
    details = {key: {"notice": key[0], "obligations": ids} for key, ids in named.items()}
    tasks.retitle_all(tx, [(task.id, titles[key], details[key]) for key, task in growing.items()])
    fresh = [key for key in lists if key not in growing]  # a finished list does not grow: a new one is owed
    opened = tasks.open_tasks(
        tx,
        [
            tasks.NewTask(
                kind="door",
                group=f"notice:{notice}",
                title=titles[notice, superior],
                division=roster.posts[superior].division,
                owner=superior,
                due_at=tx.now + policy.deadline["door"],
                ladder="door",
                detail=details[notice, superior],
            )
            for notice, superior in fresh
        ],
    )
    store.put_escalations(tx, dict(zip(fresh, opened, strict=True)))
    words = [
        (holder.id, f"notice:{notice}", f"{titles[notice, superior]}，名单随时增补")
        for notice, superior in fresh
        for holder in roster.holders(superior, tx.now)[:1]
    ]
    _tell_each(tx, words)
    for notice in sorted({item.notice for item in late}):
        record(
            tx,
            CallsLate(
                subject=f"notice:{notice}",
                obligations=[item.id for item in late if item.notice == notice],
                superiors=sorted(superior for number, superior in lists if number == notice),
            ),
        )


def _joined(
    lists: Mapping[tuple[int, str], Sequence[int]], known: Mapping[tuple[int, str], tasks.Task]
) -> dict[tuple[int, str], Sequence[int]]:
    """Each list with what its task names already."""
    return {
        key: sorted({*known[key].detail["obligations"], *ids}) if key in known else ids
        for key, ids in lists.items()
    }


def _door_titles(tx: Tx, lists: Mapping[tuple[int, str], Sequence[int]]) -> dict[tuple[int, str], str]:
    roster = tx.of(Roster)
    division = {item.id: item.division for item in store.by_ids(tx, set(chain.from_iterable(lists.values())))}
    titles = {}
    for key, ids in lists.items():
        places = list(dict.fromkeys(division[number] for number in sorted(ids)))
        names = "、".join(roster.division(place).short for place in places[:3])
        more = f"等 {len(places)} 处" if len(places) > 3 else ""
        titles[key] = f"派人叫醒 {len(ids)} 件：{names}{more}"
    return titles


def _give_up(tx: Tx, unreached: Sequence[Obligation]) -> None:
    """叫不到 — nobody above is left: per township a named list that a person must take over."""
    roster, policy = tx.of(Roster), tx.of(CallPolicy)
    store.mark_unreached(tx, [item.id for item in unreached])
    lists: dict[tuple[int, str], list[int]] = {}
    for item in unreached:
        lists.setdefault((item.notice, item.township or item.division), []).append(item.id)
    places: dict[int, set[str]] = {}
    for notice, place in lists:
        places.setdefault(notice, set()).add(place)
    known = {
        (notice, task.division): task
        for notice, where in places.items()
        for task in reversed(tasks.owed_tasks_at(tx, f"notice:{notice}", "takeover", where))
    }
    named = _joined(lists, known)
    titles = _takeover_titles(tx, named)
    details = {key: {"notice": key[0], "obligations": ids} for key, ids in named.items()}
    tasks.retitle_all(tx, [(known[key].id, titles[key], details[key]) for key in lists if key in known])
    new = []
    for notice, place in lists:
        if (notice, place) not in known:
            county = roster.county_of(place)
            owner = f"{county.id}/county_duty" if county and county.id != place else f"{roster.city.id}/city_duty"
            new.append(
                tasks.NewTask(
                    kind="takeover",
                    group=f"notice:{notice}",
                    title=titles[notice, place],
                    division=place,
                    owner=owner,
                    due_at=tx.now + policy.deadline["takeover"],
                    ladder="takeover",
                    detail=details[notice, place],
                )
            )
    tasks.open_tasks(tx, new)
    for notice in sorted(places):
        ids = [item.id for item in unreached if item.notice == notice]
        record(tx, CallsUnreached(subject=f"notice:{notice}", obligations=ids))


def _takeover_titles(tx: Tx, lists: Mapping[tuple[int, str], Sequence[int]]) -> dict[tuple[int, str], str]:
    roster = tx.of(Roster)
    items = {item.id: item for item in store.by_ids(tx, set(chain.from_iterable(lists.values())))}
    titles = {}
    for (notice, place), ids in lists.items():
        villages = {items[number].division for number in ids if items[number].level is DivisionLevel.VILLAGE}
        where = f"，{len(villages)} 个村" if villages else ""
        titles[notice, place] = f"接手 {len(ids)} 件叫不到的叫应：{roster.full_name(place)}{where}"
    return titles


def hear(tx: Tx, replies: Sequence[tuple[Attempt, Reply]]) -> None:
    """回音 — one answer of a person settles all that he owes, in every notice he was called for."""
    by_person: dict[int, list[Obligation]] = {}
    for item in store.of_persons(tx, [attempt.person for attempt, _ in replies]):
        for person in (item.primary, item.deputy if item.rung else None):
            if person is not None:
                by_person.setdefault(person, []).append(item)
    answered: list[tuple[int, int, Evidence, str]] = []
    noted: list[tuple[int, str, CallState, Evidence]] = []
    cannot: list[Obligation] = []
    again: list[Obligation] = []
    told: list[tuple[Attempt, Reply]] = []
    for attempt, reply in replies:
        mine = by_person.get(attempt.person, [])
        before = [item for item in mine if item.opened_at <= attempt.opened_at]
        if reply.receipt in FOLLOW_UPS:
            told.append((attempt, reply))
        elif reply.receipt is Receipt.CONFIRMED:
            evidence = Evidence.VERIFIED if attempt.channel == "visit" else Evidence.CONFIRMED
            answered += [(item.id, attempt.person, evidence, reply.receipt.value) for item in before]
        else:
            heard = reply.receipt is Receipt.HEARD
            for item in before:
                if item.state in OPEN:
                    state = CallState.HEARD if heard and item.state is CallState.WAITING else item.state
                    evidence = max(item.evidence, Evidence.HEARD) if heard else item.evidence
                    noted.append((item.id, reply.receipt.value, state, evidence))
            if reply.receipt is Receipt.DECLINED:
                cannot += [item for item in before if item.state in OPEN and not item.rung]
        if reply.receipt not in FOLLOW_UPS:
            again += [item for item in mine if item.opened_at > attempt.opened_at and item.state in OPEN]
    _settle(tx, answered)
    store.note_receipts(tx, noted)
    _field_reports(tx, told)
    if cannot:
        tasks.skip_to(tx, tasks.by_ids(tx, {item.id for item in cannot}), "deputy")
    channel = _automatic(tx)
    for rung in (0, 1) if channel else ():
        service.dial(tx, [item for item in again if item.rung == rung], rung, channel)
    _tell_too_late(tx, replies)


def _tell_too_late(tx: Tx, replies: Sequence[tuple[Attempt, Reply]]) -> None:
    """迟到的回音 — who was on the line when a notice was withdrawn must not go out for it: he is told, too."""
    about: dict[int, set[int]] = {}
    for attempt, reply in replies:
        if reply.receipt in (Receipt.CONFIRMED, Receipt.HEARD, Receipt.DECLINED):
            for number in notices_of(attempt):
                about.setdefault(number, set()).add(attempt.person)
    for number, persons in sorted(about.items()):
        notice = warn.notice(tx, WHOLE, number)
        if notice.withdrawn_at is not None:
            told = delivery.spoken_to(tx, persons, "tell", notice.group, notice.withdrawn_at)
            _tell(tx, notice.group, _lifted(tx, notice), sorted(persons - told))


def _settle(tx: Tx, answered: Sequence[tuple[int, int, Evidence, str]]) -> None:
    if not answered:
        return
    store.settle(tx, answered)
    numbers = sorted({row[0] for row in answered})
    tasks.complete(tx, CALLED, numbers)
    settled = store.by_ids(tx, numbers)
    for notice in sorted({item.notice for item in settled}):
        ids = [item.id for item in settled if item.notice == notice]
        record(tx, CallsAnswered(subject=f"notice:{notice}", obligations=ids))
    service.close_finished_lists(tx, CALLED, settled)


def _field_reports(tx: Tx, told: Sequence[tuple[Attempt, Reply]]) -> None:
    """到岗、转移人数、需支援 — kept by village; the owed return is done when people moved is known."""
    by_group: dict[str, list[tuple[Attempt, Reply]]] = {}
    for attempt, reply in told:
        by_group.setdefault(attempt.group, []).append((attempt, reply))
    for group, pairs in by_group.items():
        notice = int(group.split(":")[1])
        mine: dict[int, Obligation] = {}
        for item in store.of_people_in(tx, [attempt.person for attempt, _ in pairs], notice):
            for person in (item.primary, item.deputy):
                if person is not None:
                    mine[person] = item
        known = [(mine[attempt.person], attempt, reply) for attempt, reply in pairs if attempt.person in mine]
        store.insert_reports(
            tx,
            [
                {
                    "notice": notice,
                    "division": item.division,
                    "post": item.post,
                    "person": attempt.person,
                    "kind": reply.receipt.value,
                    "value": reply.value,
                }
                for item, attempt, reply in known
            ],
        )
        there = (Receipt.ON_POST, Receipt.MOVED)
        arrived = {attempt.person for _, attempt, reply in known if reply.receipt in there}
        store.raise_evidence(tx, notice, sorted(arrived), Evidence.ON_POST)
        if any(reply.receipt in _WISHES for _, _, reply in known):
            _ask_support(tx, group, known)
        moved = {item.division for item, _, reply in known if reply.receipt is Receipt.MOVED}
        if moved:
            tasks.complete(tx, CALLED, tasks.owed_at(tx, group, "return", moved))
        if known:
            reports = [[item.division, reply.receipt.value, reply.value] for item, _, reply in known]
            record(tx, FieldReported(subject=group, reports=reports))


_WISHES = {Receipt.NEED_HELP: "要人、要车", Receipt.STAND_IN: "不能到岗，派副手"}


def _ask_support(tx: Tx, group: str, told: Sequence[tuple[Obligation, Attempt, Reply]]) -> None:
    """支援 — help wanted, or awake and unable to come: the post above owes an answer, once for each place."""
    roster, policy = tx.of(Roster), tx.of(CallPolicy)
    asked = {
        (task.division, task.detail["kind"]): task.id
        for task in tasks.in_group(tx, group, "support")
        if task.closed_at is None
    }
    for item, _, reply in told:
        if reply.receipt not in _WISHES:
            continue
        key = (item.division, reply.receipt.value)
        if key in asked:
            continue
        place = roster.full_name(item.division)
        post = roster.posts[item.post]
        wish = ("" if reply.receipt is Receipt.NEED_HELP else post.title) + _WISHES[reply.receipt]
        new = tasks.NewTask(
            kind="support",
            group=group,
            title=f"支援{place}：{wish}",
            division=item.division,
            owner=post.superior or item.post,
            due_at=tx.now + policy.deadline["support"],
            ladder="support",
            detail={"kind": reply.receipt.value, "notice": item.notice},
        )
        (asked[key],) = tasks.open_tasks(tx, [new])


def install(ladders: tasks.Ladders, board: Switchboard) -> None:
    """Say to tasks and delivery that this room takes the steps and the replies of calls."""
    ladders.handle("call", climb)
    board.handle(service.PURPOSE, hear)


handles(service.OPEN_JOB, service.open_rest)
keeps("field_reports", "现场回报的本人", store.part_reports)
