"""Identifiers, event codes and misspelt words of Chinese signals: the J cases of the acceptance vectors."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shouye.base.kernel import iso
from shouye.watch.intake import BadFrame
from shouye.watch.intake.codecs.cma_json import event_of, identify, kind_of, level_of_severity, term_of

TABLES = Path(__file__).parents[2] / "tables"


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows("signal_codes.csv"), ids=lambda row: f"{row['case']} {row['code']}")
def test_event_codes(row: dict[str, str]) -> None:
    read = event_of(row["code"])
    if not row["hazard"]:
        assert read is None
        return
    assert read is not None
    hazard, level = read
    assert (hazard, term_of(hazard), level or "") == (row["hazard"], row["term"], row["level"])


@pytest.mark.parametrize("row", rows("signal_ids.csv"), ids=lambda row: row["case"])
def test_identifiers(row: dict[str, str]) -> None:
    read = identify(row["identifier"])
    if not row["division"]:
        assert read is None
        return
    assert read is not None
    said = {key: "" if value is None else str(value) for key, value in read.fields.items()}
    assert said == {key: value for key, value in row.items() if key not in ("case", "identifier")}
    assert iso(read.entered_at) == row["entered_at"]


def test_a_misspelt_cancel_is_a_cancel_with_a_note() -> None:
    assert kind_of("Cancle") == ("Cancel", ["msgType 写作 Cancle，按 Cancel 读"])
    assert kind_of("Cancel") == ("Cancel", [])
    with pytest.raises(BadFrame, match="不是 CAP 的消息类型"):
        kind_of("Withdraw")


def test_severity_of_a_sender_without_a_colour() -> None:
    words = ["Minor", "Moderate", "Severe", "Extreme", "Unknown", ""]
    assert [level_of_severity(word) for word in words] == ["BLUE", "YELLOW", "ORANGE", "RED", None, None]
