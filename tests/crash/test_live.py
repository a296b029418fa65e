"""强杀值守 — the live program keeps what it promised over every death of its own and of its database's server."""

from __future__ import annotations

from pathlib import Path

from bench.crash.live import SERVING_CPU_S, Trial, watch_and_kill
from bench.crash.servers import server


def holds(trial: Trial) -> None:
    """Everything was checked in it; here, that it was a trial at all, and how soon it served."""
    assert len(trial.said.readings) == len(trial.said.offered) > 500
    assert trial.said.signed
    assert trial.said.answers
    assert max(trial.serving_cpu_s) < SERVING_CPU_S, trial.serving_s


def test_killed_and_started_again_on_sqlite(tmp_path: Path) -> None:
    holds(watch_and_kill(tmp_path, f"sqlite:///{tmp_path / 'shouye.sqlite'}", 2021, 6))


def test_killed_together_with_its_server_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    assert postgres_url, "collected only where there is a PostgreSQL; the trial kills a server of its own"
    with server() as own:
        trial = watch_and_kill(tmp_path, own.make(), 2024, 5, own)
    holds(trial)
    assert {"server"} < {kill.at for kill in trial.kills}
