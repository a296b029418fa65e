"""两种数据库 — the same night on both: a drill ends in the same record, byte for byte."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import shouye.main
from shouye.after.review import DrillPlan, all_reports
from shouye.base.kernel import Clock, Database, facts_since
from shouye.main import CITIES, play_drill, prepare_drill

STORM = """time,station,rain_1h_mm
2021-07-20T15:00:00+08:00,灵丘,4
2021-07-20T16:00:00+08:00,灵丘,48
2021-07-20T17:00:00+08:00,灵丘,70
2021-07-20T18:00:00+08:00,灵丘,
"""


def test_a_drill_is_the_same_on_both(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "storm.csv").write_text(STORM, encoding="utf-8")
    told: dict[str, tuple[bytes, list[Any]]] = {}

    def played(backend: str) -> None:
        drill = prepare_drill(
            DrillPlan(tmp_path / "storm.csv", CITIES / "datong", seed=7, tail=timedelta(minutes=30)),
            tmp_path / backend,
        )
        database = drill.program.database
        assert database.engine.dialect.name == backend
        result = play_drill(drill)
        assert result.record["calls"], "somebody was called, else this proves nothing"
        with database.read() as tx:
            told[backend] = (all_reports()["record"].render(drill.papers(result)), facts_since(tx))

    def on_postgresql(_url: str, clock: Clock, *, durable: bool = True) -> Database:
        return Database(postgres_url, clock, durable=durable)

    played("sqlite")
    monkeypatch.setattr(shouye.main, "Database", on_postgresql)
    played("postgresql")
    assert told["sqlite"][0] == told["postgresql"][0]
    assert told["sqlite"][1] == told["postgresql"][1]
