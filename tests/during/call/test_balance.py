"""平衡 — whatever people and officers do in whatever order, the sum holds and nothing owed is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shouye.base.access import SYSTEM, WHOLE
from shouye.base.delivery import Receipt
from shouye.base.kernel import Refusal, rank_of
from shouye.during import byhand, call, warn
from shouye.during.call import OPEN, CallState
from tests.during.town import DIRECTOR, NOON, Town

PLACES = (
    "xs/city_duty",
    "xs-c1/county_duty",
    "xs-t1/township_duty",
    "xs-t1/township_militia_head",
    "xs-t2/township_duty",
    "xs-v1",
    "xs-v2/village_flood_head",
    "xs-v2/village_warner",
    "xs-v3",
    "xs-v4",
)
ANSWERS = (Receipt.CONFIRMED, Receipt.HEARD, Receipt.NO_ANSWER, Receipt.OFF, Receipt.BUSY, Receipt.DECLINED)
BY_HAND = (*ANSWERS, Receipt.ON_POST)
LEVELS = st.sampled_from(["YELLOW", "ORANGE", "RED"])
ROW = st.integers(min_value=0, max_value=40)


class Calls(RuleBasedStateMachine):
    """Two notices of two counties, people of changing mind, officers at the dial list, time in odd steps."""

    town: Town

    @initialize(start=st.sampled_from([NOON, NOON.replace(hour=21, minute=50)]), telephone=st.booleans())
    def begin(self, start: datetime, telephone: bool) -> None:
        self.folder = Path(mkdtemp(prefix="shouye-calls-"))
        self.town = Town(self.folder, start, telephone=telephone)
        self.town.notice("ORANGE")

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.database.close()
            rmtree(self.folder)

    def in_force(self) -> list[warn.Notice]:
        with self.town.look() as tx:
            return warn.notices(tx, WHOLE, only_in_force=True)

    @rule(county=st.sampled_from(["xs-c1", "xs-c2"]), level=LEVELS)
    def sign(self, county: str, level: str) -> None:
        known = [notice for notice in self.in_force() if notice.county == county]
        if not known or rank_of(known[0].level) < rank_of(level):
            self.town.notice(level, county)

    @rule(row=ROW)
    def withdraw(self, row: int) -> None:
        if current := self.in_force():
            with self.town.act() as tx:
                warn.withdraw(tx, DIRECTOR, current[row % len(current)].id, "险情解除")

    @rule(row=ROW)
    def lower(self, row: int) -> None:
        high = [notice for notice in self.in_force() if notice.level != "BLUE"]
        if high:
            with self.town.act() as tx:
                warn.lower(tx, DIRECTOR, high[row % len(high)].id, "BLUE", "雨势减弱")

    @rule(place=st.sampled_from(PLACES), answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4))
    def people_change(self, place: str, answers: list[Receipt]) -> None:
        self.town.let(place, *answers)

    @rule(seconds=st.sampled_from([1, 7, 30, 45, 60, 119, 121, 300, 301]))
    def time_passes(self, seconds: int) -> None:
        self.town.run(timedelta(seconds=seconds))

    @rule()
    def ladders_are_climbed_to_the_end(self) -> None:
        self.town.run(timedelta(minutes=20))

    @rule(row=ROW, receipt=st.sampled_from(BY_HAND), channel=st.sampled_from(["manual", "phone_page"]))
    def officer_dials(self, row: int, receipt: Receipt, channel: str) -> None:
        if calls := self.town.calls():
            unit = calls[row % len(calls)]
            person = unit.deputy if row % 3 == 0 and unit.deputy else unit.primary
            if person is not None:
                with self.town.act() as tx:
                    call.answer_by_hand(tx, SYSTEM, unit.notice, person, channel, receipt)
                if receipt is Receipt.CONFIRMED:
                    assert self.town_unit(unit.id).state not in OPEN or person != unit.primary

    def town_unit(self, number: int) -> call.Obligation:
        with self.town.look() as tx:
            (found,) = call.obligations_by_id(tx, WHOLE, [number])
            return found

    @rule(row=ROW, width=st.integers(min_value=1, max_value=4))
    def officer_takes_over(self, row: int, width: int) -> None:
        calls = self.town.calls()[row : row + width]
        try:
            with self.town.act() as tx:
                call.take_over(tx, DIRECTOR, [unit.id for unit in calls])
        except Refusal:
            assert all(unit.state not in OPEN for unit in calls)

    @rule(row=ROW, found=st.booleans())
    def somebody_knocks(self, row: int, found: bool) -> None:
        if calls := self.town.calls():
            unit = calls[row % len(calls)]
            with self.town.act() as tx:
                visit = byhand.send_visitor(tx, DIRECTOR, unit.notice, unit.division, minutes=5)
                byhand.end_visit(tx, SYSTEM, visit, found=found)

    @rule()
    def the_process_starts_again(self) -> None:
        self.town.start_program()

    @invariant()
    def the_sum_holds(self) -> None:
        if not hasattr(self, "town"):
            return
        units = self.town.calls()
        with self.town.look() as tx:
            whole = call.balance(tx, WHOLE)
            for keys in (("notice",), ("county",), ("level",), ("notice", "round"), ("township", "division")):
                parts = call.balances(tx, WHOLE, *keys)
                assert all(part.holds for part in parts.values()), keys
                assert sum(parts.values(), call.Balance()) == whole, keys
        ends = (CallState.ANSWERED, CallState.HANDED_OVER, CallState.WITHDRAWN)
        assert whole.opened == len(units)
        assert whole.open == sum(unit.state in OPEN for unit in units)
        assert whole.opened - whole.open == sum(unit.state in ends for unit in units)

    @invariant()
    def nothing_owed_is_forgotten(self) -> None:
        """Each open obligation has a next step or stands on a list that somebody owes; each closed one is over."""
        if not hasattr(self, "town"):
            return
        units = self.town.calls()
        live = {notice.id for notice in self.in_force()}
        owed = {task.id: task for task in self.town.owed()}
        listed = {
            number for task in owed.values() if task.kind == "takeover" for number in task.detail["obligations"]
        }
        for unit in units:
            if unit.state not in OPEN:
                assert unit.id not in owed, unit
                assert unit.closed_at is not None
                assert unit.state is not CallState.HANDED_OVER or unit.handed_to
                assert unit.state is not CallState.ANSWERED or unit.answered_by
                continue
            assert unit.notice in live, unit
            assert unit.id in owed, unit
            assert unit.id in listed if unit.state is CallState.UNREACHED else owed[unit.id].next_at, unit
        for task in owed.values():
            if task.kind in ("door", "takeover", "return"):
                assert int(task.group.split(":")[1]) in live, task


TestCalls = Calls.TestCase
TestCalls.settings = settings(
    max_examples=15, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]
)
