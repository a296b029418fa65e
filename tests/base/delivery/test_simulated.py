"""模拟电话 — people who answer as stated: deterministic by seed, whatever the order of the calls."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.delivery import Attempt, People, Receipt, Reply, SimulatedTelephone, read_people
from shouye.base.delivery.channels.simulated import Behaviour
from shouye.base.delivery.model import AttemptState
from shouye.base.kernel import BEIJING, BadInput

NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)
DATONG = Path(__file__).parents[3] / "cities" / "datong"
CALLS = (Receipt.CONFIRMED, Receipt.HEARD, Receipt.NO_ANSWER, Receipt.OFF, Receipt.BUSY, Receipt.DECLINED)


def ring(person: int, number: int = 1, group: str = "notice:1", **body: object) -> Attempt:
    said = {"level": "village", "division": f"v{person}", "post": f"v{person}/head", "night": False, **body}
    return Attempt(number, "simulated", person, "call", group, said, NOON, AttemptState.ACTING, None, None, None)


def people(behaviour: Behaviour, **exact: Behaviour) -> People:
    return People(behaviour, {}, {}, exact)


def outcomes(phone: SimulatedTelephone, persons: range, tries: int = 1) -> list[list[Reply]]:
    return [
        [reply for number in range(tries) for reply in phone.send([ring(person, number)], NOON)]
        for person in persons
    ]


@st.composite
def behaviours(draw: st.DrawFn) -> Behaviour:
    parts = draw(st.lists(st.integers(min_value=0, max_value=100), min_size=5, max_size=5).filter(any))
    confirmed, heard, no_answer, busy, declined = (part / sum(parts) for part in parts)
    low = draw(st.floats(min_value=0, max_value=60))
    return Behaviour(
        confirmed=confirmed,
        heard=heard,
        no_answer=no_answer,
        busy=busy,
        declined=declined,
        off=draw(st.floats(min_value=0, max_value=1)),
        ring_s=(low, low + draw(st.floats(min_value=0, max_value=60))),
        moved_people=(0, draw(st.integers(min_value=0, max_value=500))),
    )


@given(behaviours(), st.integers(min_value=0, max_value=2**31), st.integers(min_value=1, max_value=10**6))
def test_any_behaviour_gives_one_end_on_the_grid_and_reports_only_after_an_answer(
    behaviour: Behaviour, seed: int, person: int
) -> None:
    replies = SimulatedTelephone(people(behaviour), seed).send([ring(person, asks=["on_post", "moved"])], NOON)
    first, *reports = replies
    assert first.receipt in CALLS
    assert first.at > NOON
    assert first.at.timestamp() % 5 == 0
    assert [report.receipt for report in reports] == (
        [Receipt.ON_POST, Receipt.MOVED] if first.receipt is Receipt.CONFIRMED else []
    )
    for report in reports:
        assert report.at > first.at
        assert report.at.timestamp() % 60 == 0
    if reports:
        assert 0 <= (reports[1].value or 0) <= behaviour.moved_people[1]
    again = SimulatedTelephone(people(behaviour), seed).send([ring(person, asks=["on_post", "moved"])], NOON)
    assert again == replies


def test_the_order_of_the_calls_does_not_matter() -> None:
    forward = outcomes(SimulatedTelephone(people(Behaviour()), 3), range(200))
    backward = outcomes(SimulatedTelephone(people(Behaviour()), 3), range(199, -1, -1))
    assert forward == backward[::-1]
    assert forward != outcomes(SimulatedTelephone(people(Behaviour()), 4), range(200))


def test_the_shares_come_out() -> None:
    behaviour = Behaviour(confirmed=0.5, heard=0.2, no_answer=0.2, busy=0.05, declined=0.05, off=0.1)
    seen = Counter(
        replies[0].receipt for replies in outcomes(SimulatedTelephone(people(behaviour), 1), range(4000))
    )
    for receipt, share in ((Receipt.OFF, 0.1), (Receipt.CONFIRMED, 0.45), (Receipt.HEARD, 0.18)):
        assert abs(seen[receipt] / 4000 - share) < 0.03, receipt
    assert set(seen) == set(CALLS)


def test_a_telephone_that_is_off_is_off_all_night() -> None:
    behaviour = Behaviour(off=0.3)
    tried = outcomes(SimulatedTelephone(people(behaviour), 5), range(300), tries=5)
    off = [Receipt.OFF in {reply.receipt for reply in replies} for replies in tried]
    assert all(
        {reply.receipt for reply in replies} == {Receipt.OFF}
        for replies, is_off in zip(tried, off, strict=True)
        if is_off
    )
    assert 60 < sum(off) < 120


def test_a_script_goes_try_by_try_and_stays_at_its_end() -> None:
    script = (Receipt.NO_ANSWER, Receipt.BUSY, Receipt.CONFIRMED)
    phone = SimulatedTelephone(people(Behaviour(off=1.0, script=script)), 1)
    assert [phone.send([ring(7)], NOON)[0].receipt for _ in range(4)] == [*script, Receipt.CONFIRMED]
    assert phone.send([ring(7, group="notice:2")], NOON)[0].receipt is Receipt.NO_ANSWER, "each notice anew"


def test_how_long_it_takes_depends_on_what_happens() -> None:
    slow = Behaviour(ring_s=(10, 10), listen_s=(20, 20))
    took = {}
    for receipt in CALLS:
        one = Behaviour(**{**vars(slow), "script": (receipt,)})
        (reply,) = SimulatedTelephone(people(one), 1).send([ring(7)], NOON)
        took[receipt] = (reply.at - NOON).total_seconds()
    assert took == {
        Receipt.CONFIRMED: 30,
        Receipt.HEARD: 30,
        Receipt.DECLINED: 30,
        Receipt.NO_ANSWER: 45,
        Receipt.OFF: 5,
        Receipt.BUSY: 5,
    }


def test_a_message_is_shown_and_asks_nothing() -> None:
    attempt = ring(7, message=True)
    assert SimulatedTelephone(people(Behaviour()), 1).send([attempt], NOON) == [
        Reply(attempt.id, NOON + timedelta(seconds=5), Receipt.SHOWN)
    ]


def test_a_named_post_goes_before_its_place_and_both_before_the_level(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    path.write_text(
        """
[level.village]
confirmed = 0.7
no_answer = 0.18
[[person]]
division = "v1"
script = ["off"]
[[person]]
post = "v1/head"
script = ["confirmed"]
""",
        encoding="utf-8",
    )
    known = read_people(path)
    assert known.of("village", "v1", "v1/head", night=False).script == (Receipt.CONFIRMED,)
    assert known.of("village", "v1", "v1/warner", night=True).script == (Receipt.OFF,)
    assert known.of("village", "v2", "v2/head", night=False).confirmed == 0.7
    assert known.of("county", "c1", "c1/duty", night=False).confirmed == Behaviour().confirmed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[default]\nconfirmed = 0.5\n", "各结果之和为 0.76，应为 1"),
        ("[level.village]\nheard = 0.5\n", r"\[village\] 各结果之和为 1.44"),
        ("[night]\nconfirmed = 0.1\n", r"\[night\] 各结果之和为"),
        ("[default]\nanswers = 1\n", "有不认识的项 answers"),
        ("[default]\nheard = -0.2\nno_answer = 0.4\n", r"\[default\] heard 应在 0 与 1 之间"),
        ("[default]\nconfirmed = 'all'\n", r"\[default\] confirmed 应在 0 与 1 之间"),
        ("[default]\noff = 3\n", r"\[default\] off 应在 0 与 1 之间"),
        ('[[person]]\npost = "v1/head"\nscript = ["sleeps"]\n', "不认识的应答 sleeps"),
        ("[default]\nring_s = [40, 5]\n", r"\[default\] ring_s 应为由小到大的两个数"),
        ("[[person]]\nscript = ['off']\n", "没有写明 post 或 division"),
    ],
)
def test_a_file_that_cannot_be_true_is_refused_in_chinese(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "people.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        read_people(path)


def test_the_citys_people_can_be_read() -> None:
    known = read_people(DATONG / "people.toml")
    assert set(known.levels) == {"city", "county", "township", "village"}
