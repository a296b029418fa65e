"""每日首部 — one head a day lies beside the database, printable and as an anchor; a missed day is made up for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shouye.base.kernel import DailyHead, Sealer, SimClock, open_key, read_anchor
from shouye.base.kernel.heads import AGAIN
from tests.base.kernel.sealing import NOON, judged, new, tell

DAY = timedelta(days=1)


def test_every_day_has_its_head(tmp_path: Path) -> None:
    clock = SimClock(NOON)
    database = new(f"sqlite:///{tmp_path / 'town.sqlite'}", clock)
    sealer, heads = Sealer(open_key(tmp_path / "keys"), "a"), DailyHead(tmp_path / "heads")
    with database.read() as tx:
        assert heads.next_at(tx) is None, "nothing was sealed: there is no head"
    for day in range(2):
        tell(database, range(3))
        sealer.seal_all(database)
        with database.read() as tx:
            due = heads.next_at(tx)
        assert due is not None
        assert due <= clock.now()
        assert heads.run_due(database) == 1
        assert heads.run_due(database) == 0
        with database.read() as tx:
            assert heads.next_at(tx) == (NOON + (day + 1) * DAY).replace(hour=0)
        clock.move_to(clock.now() + DAY)
    written = sorted(file.name for file in (tmp_path / "heads").iterdir())
    assert written == [f"2026-07-{day}.{form}" for day in (20, 21) for form in ("json", "txt")]
    for file in sorted((tmp_path / "heads").glob("*.json")):
        head = read_anchor(file.read_text())
        assert head.is_genuine()
        assert not judged(database, anchor=head).flaws
        assert head.printed() == file.with_suffix(".txt").read_text()
    database.close()


def test_a_sheet_that_cannot_be_written_ends_no_watch(tmp_path: Path) -> None:
    """Its disk is full: it is tried again, and the loop goes on."""
    clock = SimClock(NOON)
    database = new(f"sqlite:///{tmp_path / 'town.sqlite'}", clock)
    tell(database, range(3))
    Sealer(open_key(tmp_path / "keys"), "a").seal_all(database)
    (tmp_path / "heads").write_text("in the way")
    heads = DailyHead(tmp_path / "heads")
    assert heads.run_due(database) == 0
    with database.read() as tx:
        assert heads.next_at(tx) == NOON + AGAIN
    (tmp_path / "heads").unlink()
    clock.move_to(NOON + AGAIN)
    assert heads.run_due(database) == 1
    database.close()
