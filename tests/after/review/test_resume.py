"""接着演 — a drill whose process ended anywhere, any number of times, is the same drill to the last byte."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner

from shouye.after.review import DrillPlan
from shouye.base.kernel import Tx, canonical, metadata
from shouye.base.kernel.db import Bell
from shouye.main import Drill, cli, prepare_drill
from tests.after.review.test_drill import write_drill

MACHINERY = {"job", "reply", "engine_turn", "lease", "seal", "seal_head", "stamp", "contact"}
"""What says how the work was done and by which process, or lies under a key of each folder's own; everything else
says what happened."""


class Ends(Bell):
    """The process ends just after the commit of this number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def ring(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise SystemExit


def end_at_commit(drill: Drill, number: int, *, after: bool) -> Drill:
    database = drill.program.database
    if after:
        database.bell = Ends(number)
        return drill
    left = number

    def check(_: Tx) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise SystemExit

    return replace(drill, program=replace(drill.program, database=database.fenced(check)))


def happened(drill: Drill) -> dict[str, list[Any]]:
    """Every row of every table in which something is told."""
    with drill.program.database.read() as tx:
        return {
            table.name: sorted(map(tuple, tx.run(table.select())), key=repr)
            for table in metadata.sorted_tables
            if table.name not in MACHINERY
        }


@pytest.fixture(scope="module")
def plan() -> Iterator[DrillPlan]:
    with TemporaryDirectory(prefix="shouye-resume-") as name:
        yield write_drill(Path(name))


@pytest.fixture(scope="module")
def whole(plan: DrillPlan) -> tuple[str, dict[str, list[Any]]]:
    drill = prepare_drill(plan, plan.storm.parent / "whole")
    drill.play()
    found = canonical(drill.result().record), happened(drill)
    drill.program.database.close()
    return found


@pytest.mark.parametrize(("seed", "reach"), [(1, 120), (2, 50), (3, 20)])
def test_killed_at_any_commits_it_ends_the_same(
    plan: DrillPlan, whole: tuple[str, dict[str, list[Any]]], seed: int, reach: int
) -> None:
    dice = random.Random(seed)
    folder = plan.storm.parent / f"killed-{seed}"
    kills: list[tuple[int, bool]] = []
    while True:
        kills.append((dice.randint(1, reach), dice.random() < 0.5))
        number, after = kills[-1]
        drill = end_at_commit(prepare_drill(plan, folder, resume=True), number, after=after)
        try:
            drill.play()
            break
        except SystemExit:
            drill.program.database.close()
    assert len(kills) > 2
    record, rows = canonical(drill.result().record), happened(drill)
    drill.program.database.close()
    assert record == whole[0], kills
    assert [name for name in rows if rows[name] != whole[1][name]] == [], kills


def test_the_end_can_be_asked_for_again(plan: DrillPlan, whole: tuple[str, dict[str, list[Any]]]) -> None:
    folder = plan.storm.parent / "ended"
    for _ in range(2):
        drill = prepare_drill(plan, folder, resume=True)
        drill.play()
        assert canonical(drill.result().record) == whole[0]
        drill.program.database.close()


def test_without_resume_it_begins_anew(plan: DrillPlan) -> None:
    folder = plan.storm.parent / "anew"
    for _ in range(2):
        drill = prepare_drill(plan, folder)
        assert drill.now == drill.begins
        drill.play(until=drill.begins + (drill.ends - drill.begins) / 2)
        assert drill.now > drill.begins
        drill.program.database.close()
    drill = prepare_drill(plan, folder, resume=True)
    assert drill.begins < drill.now < drill.ends
    drill.program.database.close()


@pytest.mark.parametrize("change", ["seed", "storm", "people"])
def test_another_drill_is_not_gone_on_with(plan: DrillPlan, tmp_path: Path, change: str) -> None:
    prepare_drill(plan, tmp_path).program.database.close()
    people = tmp_path / "people.toml"
    people.write_bytes((plan.city / "people.toml").read_bytes() + b"\n# changed\n")
    storm = tmp_path / "downpour.csv"
    storm.write_text(plan.storm.read_text("utf-8").replace(",66", ",65"), "utf-8")
    others = {
        "seed": replace(plan, seed=8),
        "storm": replace(plan, storm=storm),
        "people": replace(plan, people=people),
    }
    with pytest.raises(Exception, match="另一场演练"):
        prepare_drill(others[change], tmp_path, resume=True)


def test_the_command_says_where_to_go_on_from(plan: DrillPlan, tmp_path: Path) -> None:
    words = ["drill", str(plan.storm), "--city", str(plan.city), "--quiet", "--resume"]
    told = CliRunner().invoke(cli, words)
    assert (told.exit_code, "--data" in told.stderr) == (2, True)
    drill = prepare_drill(replace(plan, seed=1), tmp_path)
    drill.play(until=drill.begins + (drill.ends - drill.begins) / 2)
    drill.program.database.close()
    told = CliRunner().invoke(cli, [*words, "--data", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert told.exit_code == 0, told.output
    assert "接着演" in told.output
