"""Every rule table against its truth table: tests/tables/<kind>.csv, or <kind>@<id>.csv for a set not the default.

A cell left empty is an input not given, "?" one explicitly unknown; `missing` lists inputs; `duty:` columns say
yes, no or unknown.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shouye.base.rules import RuleTable, Truth, load_tables, parse_value

TRUTHS = Path(__file__).parents[2] / "tables"
BOOK = load_tables()


def case_file(table: RuleTable) -> Path:
    is_default = BOOK.table(table.kind) is table
    return TRUTHS / f"{table.kind if is_default else table.name}.csv"


def cases(table: RuleTable) -> list[dict[str, str]]:
    if not case_file(table).exists():
        return []
    with case_file(table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ALL = [
    pytest.param(table, case, id=f"{table.name}:{number}")
    for table in BOOK.tables
    for number, case in enumerate(cases(table), start=2)
]


@pytest.mark.parametrize(("table", "case"), ALL)
def test_the_table_answers_as_its_case_says(table: RuleTable, case: dict[str, str]) -> None:
    texts = {name: case[name] for name in table.by_name if case.get(name)}
    values = {name: parse_value(table.by_name[name], text) for name, text in texts.items()}
    judgement = table.judge(values)
    assert judgement.level == case["level"], case["why"]
    assert list(judgement.missing) == case["missing"].split(), case["why"]
    assert judgement.known is not bool(judgement.missing or judgement.unknown_levels)
    expected = {key.removeprefix("duty:"): answer for key, answer in case.items() if key.startswith("duty:")}
    assert {duty["name"]: duty["holds"] for duty in judgement.to_json().get("duties", [])} == expected, case["why"]
    assert (judgement.proven is not None) is (judgement.row is not None)
    assert all(bool(duty.missing) is (duty.truth is Truth.UNKNOWN) for duty in judgement.duties)


@pytest.mark.parametrize("table", BOOK.tables, ids=lambda table: table.name)
def test_every_table_has_cases_for_each_level(table: RuleTable) -> None:
    found = cases(table)
    assert found, f"write {case_file(table).name}"
    told = {"level", "missing", "why", *table.by_name, *(f"duty:{duty.level}" for duty in table.duties)}
    assert set(found[0]) == told
    levels = {case["level"] for case in found}
    assert levels >= {*table.levels, "unknown"} - set(table.unknown_levels)


@pytest.mark.parametrize("table", BOOK.tables, ids=lambda table: table.name)
def test_every_row_decides_some_case(table: RuleTable) -> None:
    """Each row is TRUE in a case: a row that no case reaches is not proved."""
    settled = []
    for case in cases(table):
        texts = {name: case[name] for name in table.by_name if case[name]}
        settled.append(
            table.settle({name: parse_value(table.by_name[name], text) for name, text in texts.items()})
        )
    idle = [row.text for row in table.rows if all(row.when.truth(facts) is not Truth.TRUE for facts in settled)]
    assert not idle


def test_no_case_file_is_without_its_table() -> None:
    known = {case_file(table).name for table in BOOK.tables}
    kinds = set(BOOK.kinds())
    stray = [path.name for path in TRUTHS.glob("*.csv") if path.stem.partition("@")[0] in kinds]
    assert set(stray) <= known
