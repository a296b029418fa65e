"""时钟 — an instant survives the database; whoever sets the machine's clock, our time goes on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import BEIJING, Database, Fact, Mode, WallClock, from_ms, record, to_ms
from shouye.base.kernel.clock import SLEW, STEP
from shouye.base.kernel.facts import carry_on


@given(st.integers(min_value=-(10**12), max_value=4 * 10**12))
def test_milliseconds_come_back(value: int) -> None:
    assert to_ms(from_ms(value)) == value


def test_the_epoch_is_eight_in_the_morning_in_beijing() -> None:
    assert from_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert from_ms(0).hour == 8


HOUR = timedelta(hours=1)
NOON = datetime(2026, 7, 20, 12, tzinfo=BEIJING)


class Machine:
    """A machine whose clock anybody may set, and whose seconds go by all the same."""

    def __init__(self) -> None:
        self.shown, self.seconds = NOON, 0.0
        self.clock = WallClock(lambda: self.shown, lambda: self.seconds)

    def passes(self, span: timedelta) -> datetime:
        self.shown += span
        self.seconds += span.total_seconds()
        return self.clock.now()


def test_set_back_our_time_goes_on_and_is_caught_up_with() -> None:
    machine = Machine()
    machine.shown -= HOUR
    assert machine.clock.now() == NOON
    ten = timedelta(minutes=10)
    assert machine.passes(ten) == NOON + ten * (1 - SLEW)
    assert machine.clock.stepped == -HOUR
    assert machine.clock.behind == HOUR - ten * SLEW
    machine.clock.told(-HOUR)
    for _ in range(130):
        machine.passes(ten)
    assert (machine.clock.now(), machine.clock.stepped) == (machine.shown, timedelta(0))


def test_set_forward_it_is_followed_at_once() -> None:
    machine = Machine()
    machine.shown += HOUR
    assert machine.clock.now() == NOON + HOUR
    assert (machine.clock.stepped, machine.clock.behind) == (HOUR, timedelta(0))


def test_a_small_correction_is_not_spoken_of() -> None:
    machine = Machine()
    machine.shown -= STEP / 2
    assert machine.passes(timedelta(minutes=1)) >= NOON + timedelta(seconds=57)
    assert machine.clock.stepped == timedelta(0)


@given(st.lists(st.tuples(st.integers(-7200, 7200), st.integers(0, 600))))
def test_our_time_never_goes_back_nor_stands_still(steps: list[tuple[int, int]]) -> None:
    machine = Machine()
    before = machine.clock.now()
    for step_s, passes_s in steps:
        machine.shown += timedelta(seconds=step_s)
        now = machine.passes(timedelta(seconds=passes_s))
        assert now - before >= timedelta(seconds=passes_s) * (1 - SLEW)
        assert now >= machine.shown
        before = now


def test_a_machine_whose_battery_is_dead_goes_on_from_the_newest_fact(tmp_path: Path) -> None:
    """Switched on again it shows an earlier year; when it is set right, it is followed."""
    machine = Machine()
    database = Database(f"sqlite:///{tmp_path / 'night'}", machine.clock)
    database.create(Mode.SIMULATION, "test")
    with database.begin() as tx:
        record(tx, Fact(subject="last"))
    again = Machine()
    again.shown = datetime(2000, 1, 1, tzinfo=BEIJING)
    again.clock = WallClock(lambda: again.shown, lambda: again.seconds)
    database.clock = again.clock
    carry_on(database)
    assert (again.clock.now(), again.clock.stepped) == (NOON, datetime(2000, 1, 1, tzinfo=BEIJING) - NOON)
    again.shown = NOON + HOUR
    assert again.clock.now() == NOON + HOUR
    carry_on(database)
    assert again.clock.now() == NOON + HOUR
    database.close()
