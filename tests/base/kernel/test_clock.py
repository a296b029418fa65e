"""时钟 — an instant survives the database."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import from_ms, to_ms


@given(st.integers(min_value=-(10**12), max_value=4 * 10**12))
def test_milliseconds_come_back(value: int) -> None:
    assert to_ms(from_ms(value)) == value


def test_the_epoch_is_eight_in_the_morning_in_beijing() -> None:
    assert from_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert from_ms(0).hour == 8
