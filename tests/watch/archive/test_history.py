"""历史 — years in pages, thinned without losing an extreme, closed months read together with the live table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.base.access import OPERATOR, WHOLE
from shouye.base.kernel import BEIJING, BadInput, Database, Mode, NotFound, SimClock, facts_since, from_ms
from shouye.watch import archive, observe, stations
from shouye.watch.archive.model import History, csv_row, thin
from shouye.watch.observe import Quality, Reading

SPRING = datetime(2026, 3, 30, tzinfo=BEIJING)
HOUR = timedelta(hours=1)
END = SPRING + timedelta(days=95)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, SimClock(END), durable=False)
    found.create(Mode.SIMULATION, "test")
    with found.begin() as tx:
        stations.watch(tx, {"a": "east", "b": "east"}, ["east"])
    yield found
    found.close()


def stage(hour: int) -> float:
    return round(10 + (hour * 7919 % 101) / 100, 2)


def fill(database: Database, hours: int = 95 * 24) -> list[Reading]:
    sent = [
        Reading(name, "stage_m", SPRING + (hour + 1) * HOUR, stage(hour), HOUR, source=name)
        for hour in range(hours)
        for name in "ab"
    ]
    with database.begin() as tx:
        observe.store_batch(tx, sent)
        observe.store_batch(tx, [Reading("a", "stage_m", SPRING + 5 * HOUR, 99999.0, HOUR, 1)])
    return sent


def everything(database: Database, folder: Path, limit: int) -> list[tuple[datetime, float | None, int]]:
    found, after = [], None
    with database.read() as tx:
        while True:
            page = archive.page(tx, WHOLE, folder, "a", "stage_m", SPRING, END, after, limit)
            found += [(one.time, one.value, one.revision) for one in page.readings]
            after = page.after
            if after is None:
                return found


def test_pages_buckets_and_closed_months_say_the_same(database: Database, tmp_path: Path) -> None:
    sent = [one for one in fill(database) if one.station == "a"]
    before = everything(database, tmp_path, 500)
    assert len(before) == len(sent) + 1
    assert before == sorted(before, key=lambda one: (one[0], one[2]))
    assert everything(database, tmp_path, 7_000) == before

    def buckets() -> list[archive.Bucket]:
        with database.read() as tx:
            return archive.thinned(tx, WHOLE, tmp_path, "a", "stage_m", SPRING, END, 95)

    thinned = buckets()
    assert [one.count for one in thinned] == [23] + [24] * 94, "what cannot be does not count"
    assert thinned[0].missing == 1

    done = archive.tidy(database, tmp_path, archive.Keeping(close_after_days=0, live_days=0, raw_days=400))
    assert done.closed == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert done.moved == done.closed
    with database.read() as tx:
        months = archive.months(tx)
        assert [month.live for month in months] == [False] * 4
        assert observe.curve(tx, WHOLE, "a", "stage_m", SPRING, SPRING + 20 * HOUR) == []
        kinds = [fact.kind for fact in facts_since(tx) if fact.kind.startswith("Month")]
        assert kinds == ["MonthArchived"] * 4 + ["MonthMovedOut"] * 4
    assert everything(database, tmp_path, 500) == before, "a page spans both"
    assert buckets() == thinned, "and so does a bucket"
    assert archive.tidy(database, tmp_path, archive.Keeping(0, 0, 400)) == archive.Tidied()

    with database.begin() as tx:
        late = Reading("a", "stage_m", SPRING + 6 * HOUR, 10.55, HOUR, 3, "a")
        observe.store_batch(tx, [late])
        since = SPRING + 30 * HOUR
        observe.mark_readings(tx, OPERATOR, "a", "stage_m", since, since + HOUR, Quality.GOOD, "水尺核对", 12.0)
        doubted = SPRING + 50 * HOUR
        observe.mark_readings(tx, OPERATOR, "a", "stage_m", doubted, doubted + HOUR, Quality.SUSPECT, "在疏浚")
        whole = archive.whole(tx, WHOLE, tmp_path, "a", "stage_m", SPRING, END)
    assert len(whole.value) == 95 * 24
    assert whole.value[5] == 10.55, "what comes after the month was closed stands"
    assert isnan(whole.value[4])
    assert (whole.sent[30], whole.value[30]) == (stage(30), 12.0)
    assert whole.value[50] == whole.sent[50], "what is doubted counts"
    told = [each for one in buckets() for each in one.flagged]
    assert [(each.time, each.quality, each.why) for each in told if each.quality is Quality.SUSPECT] == [
        (doubted + HOUR, Quality.SUSPECT, "在疏浚")
    ], "a flagged instant survives down-sampling and the move to a file"


def test_of_many_flagged_readings_the_ends_and_extremes_stay() -> None:
    values = np.array([5.0 + (one == 40) - (one == 60) for one in range(100)])
    at = np.arange(1, 101, dtype=np.int64) * 60_000
    doubts = dict.fromkeys(range(100), (Quality.SUSPECT, "可疑"))
    history = History(at, np.full(100, 60), values, values, doubts)
    (bucket,) = thin(history, from_ms(0), from_ms(6_000_000), 1)
    assert [(one.time, one.value) for one in bucket.flagged] == [
        (from_ms(60_000), 5.0),
        (from_ms(41 * 60_000), 6.0),
        (from_ms(61 * 60_000), 4.0),
        (from_ms(6_000_000), 5.0),
    ]


def test_the_same_rain_sent_by_the_hour_and_by_five_minutes_is_summed_once() -> None:
    minute = 60_000
    parts = [(at * 5 * minute, 300, 1.0) for at in range(1, 13)]  # a whole hour of five minutes
    half = [(60 * minute + at * 5 * minute, 300, 1.0) for at in range(1, 7)]  # the next hour has half of its own
    rows = sorted(
        [*parts, *half, (60 * minute, 3600, 12.0), (120 * minute, 3600, 20.0), (180 * minute, 3600, 4.0)]
    )
    time_ms, step_s = (np.array([row[place] for row in rows], dtype=np.int64) for place in (0, 1))
    value = np.array([row[2] for row in rows])
    (bucket,) = thin(History(time_ms, step_s, value, value), from_ms(0), from_ms(180 * minute), 1)
    assert bucket.total == 12 + 20 + 4


def test_a_file_that_was_touched_is_not_believed(database: Database, tmp_path: Path) -> None:
    fill(database, 60)
    keeping = archive.Keeping(close_after_days=0, live_days=1000, raw_days=2000)
    assert archive.tidy(database, tmp_path, keeping).closed == ["2026-03", "2026-04"]
    (month, *_) = sorted(tmp_path.glob("*.parquet"))
    month.write_bytes(month.read_bytes() + b"x")
    with pytest.raises(archive.FileDiffers):
        archive.tidy(database, tmp_path, archive.Keeping(0, 0, 2000))
    assert len(everything(database, tmp_path, 500)) == 61, "nothing was removed"


def test_what_is_too_old_is_destroyed_with_a_fact(database: Database, tmp_path: Path) -> None:
    fill(database, 60)
    done = archive.tidy(database, tmp_path, archive.Keeping(0, 0, 0))
    assert done.forgotten == ["2026-03", "2026-04"]
    assert list(tmp_path.glob("*.parquet")) == []
    assert everything(database, tmp_path, 500) == []
    with database.read() as tx:
        assert [fact.kind for fact in facts_since(tx) if fact.kind == "MonthForgotten"] == ["MonthForgotten"] * 2


def test_periods_of_a_city(tmp_path: Path) -> None:
    path = tmp_path / "retention.toml"
    assert archive.read_keeping(path) == archive.Keeping(10, 730, 1826)
    path.write_text("[history]\nraw_days = 3652\n", encoding="utf-8")
    assert archive.read_keeping(path).raw_days == 3652
    path.write_text("[history]\nraw_days = 30\n", encoding="utf-8")
    with pytest.raises(BadInput, match="依次不减"):
        archive.read_keeping(path)


def test_pages_refuse_what_they_cannot_read(database: Database, tmp_path: Path) -> None:
    with database.read() as tx:
        for after, limit in (("x", 10), ("1.2", 10), (None, 0)):
            with pytest.raises(BadInput):
                archive.page(tx, WHOLE, tmp_path, "a", "stage_m", SPRING, END, after, limit)
        with pytest.raises(NotFound):
            archive.page(tx, WHOLE, tmp_path, "nobody", "stage_m", SPRING, END)


values = st.lists(st.one_of(st.none(), st.floats(-50, 50)), min_size=1, max_size=200)


@settings(max_examples=60)
@given(values, st.integers(1, 40))
def test_no_extreme_is_lost_and_sums_agree(some: list[float | None], buckets: int) -> None:

    start = 1_784_000_000_000
    time_ms = np.array([start + 300_000 * (index + 1) for index in range(len(some))])
    value = np.array([np.nan if one is None else one for one in some])
    since = SPRING.fromtimestamp(start / 1000, BEIJING)
    until = since + timedelta(minutes=5 * len(some))
    found = thin(History(time_ms, np.full(len(some), 300), value, value), since, until, buckets)
    known = [one for one in some if one is not None]
    assert len(found) <= buckets
    assert sum(one.count for one in found) == len(known)
    assert sum(one.missing for one in found) == len(some) - len(known)
    assert sum(one.total for one in found) == pytest.approx(sum(known), abs=1e-3)
    if known:
        assert max(one.high[1] for one in found if one.high) == max(known)
        assert min(one.low[1] for one in found if one.low) == min(known)
        assert next(one.first for one in found if one.first)[1] == known[0]
        assert next(one.last for one in reversed(found) if one.last)[1] == known[-1]


def test_repeated_sources_are_found_and_kept(database: Database) -> None:
    rain = [0.0, 0.2, 1.4, 3.0] * 10
    with database.begin() as tx:
        for name, series in (("a", rain), ("b", rain), ("c", [*rain[:-1], 9.9]), ("d", [0.0] * 40)):
            observe.store_batch(
                tx,
                [
                    Reading(name, "rain_mm", SPRING + hour * HOUR, value, HOUR, source=name)
                    for hour, value in enumerate(series)
                ],
            )
        found = archive.find_same(tx, "rain_mm", SPRING - HOUR, END)
        assert [(one.station, one.same_as, one.readings) for one in found] == [("b", "a", 30)]
        assert stations.same_sources(tx, WHOLE, "rain_mm") == found
        assert archive.find_same(tx, "rain_mm", SPRING - HOUR, SPRING + 20 * HOUR) == [], "too little to say"
        assert stations.same_sources(tx, WHOLE) == []


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    assert csv_row(["=1+1", "+86", "-x", "@a", -1.5, "平城"]) == ["'=1+1", "'+86", "'-x", "'@a", -1.5, "平城"]
