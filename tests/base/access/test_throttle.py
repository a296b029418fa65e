"""限速 — whatever the order of tries, no window holds more than its limit."""

from hypothesis import given
from hypothesis import strategies as st

from shouye.base.access import SignInGate, Throttle

pauses = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(pauses=pauses, limit=st.integers(1, 5), window_s=st.integers(1, 60))
def test_no_window_holds_more_than_the_limit(pauses: list[int], limit: int, window_s: int) -> None:
    throttle, now_s, let_through = Throttle(limit, window_s), 0, []
    for pause in pauses:
        now_s += pause
        if throttle.take("one", now_s) == 0:
            let_through.append(now_s)
    for start in let_through:
        assert sum(start <= at < start + window_s for at in let_through) <= limit


@given(pauses=pauses)
def test_waiting_as_told_is_enough(pauses: list[int]) -> None:
    throttle, now_s = Throttle(3, 30), 1000.0
    for pause in pauses:
        now_s += pause
        wait_s = throttle.take("one", now_s)
        if wait_s:
            assert 0 < wait_s <= 30
            now_s += wait_s
            assert throttle.take("one", now_s) == 0


def test_keys_do_not_disturb_each_other() -> None:
    throttle = Throttle(1, 60.0)
    assert throttle.take("one", 0.0) == 0
    assert throttle.take("two", 0.0) == 0
    assert throttle.take("one", 1.0) == 59.0


def test_the_right_password_clears_the_account_but_not_the_address() -> None:
    gate = SignInGate(per_user=2, per_address=3, window_s=60.0)
    assert gate.take("duty", "10.0.0.1", 0.0) == 0
    assert gate.take("duty", "10.0.0.1", 0.0) == 0
    gate.clear("duty")
    assert gate.take("duty", "10.0.0.1", 0.0) == 0
    assert gate.take("duty", "10.0.0.1", 0.0) == 60.0
    assert gate.take("duty", "10.0.0.2", 0.0) == 0


def test_invented_names_do_not_fill_the_memory() -> None:
    throttle = Throttle(1, 1e9)
    for number in range(Throttle.MAX_KEYS + 50):
        throttle.take(f"name-{number}", 0.0)
    assert throttle.take("name-0", 1.0) == 0  # the oldest was let go
    assert throttle.take(f"name-{Throttle.MAX_KEYS + 49}", 1.0) > 0
