"""文书: what is written is what is read back; no cell computes; the same input gives the same bytes."""

from __future__ import annotations

import csv
import io
import re
import time
from datetime import UTC, date, datetime, timezone, tzinfo
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from shouye.base.kernel import BEIJING
from shouye.base.papers import NotANumber, Sheet, csv_text, html, xlsx

NIGHT = datetime(2021, 7, 20, 16, 0, tzinfo=UTC)
SHEET = Sheet(
    title="叫应清单",
    headers=("乡镇", "雨量 mm", "时刻", "日期", "已应答", "备注"),
    rows=[
        ("马军营乡", 50.5, NIGHT, date(2021, 7, 20), True, "=1+1"),
        ("口泉乡", -3, NIGHT, None, False, "#N/A"),
    ],
    notes=("数据为演练生成",),
)


def page_of(content: bytes, title: str) -> Worksheet:
    page = load_workbook(io.BytesIO(content))[title]
    assert isinstance(page, Worksheet)
    return page


def values(page: Worksheet) -> list[tuple[object, ...]]:
    return list(page.iter_rows(values_only=True))


def test_a_register_reads_back_as_written() -> None:
    rows = values(page_of(xlsx([SHEET], "演练 · 虚构人员"), "叫应清单"))
    local = datetime(2021, 7, 21, 0, 0)  # noqa: DTZ001 - a workbook knows no zone: Beijing wall time
    assert rows == [
        ("叫应清单", None, None, None, None, None),
        ("演练 · 虚构人员", None, None, None, None, None),
        SHEET.headers,
        ("马军营乡", 50.5, local, datetime(2021, 7, 20), "是", "=1+1"),  # noqa: DTZ001 - as above
        ("口泉乡", -3, local, None, "否", "#N/A"),
        ("数据为演练生成", None, None, None, None, None),
    ]


def test_the_page_is_made_for_paper() -> None:
    page = page_of(xlsx([SHEET], "演练 A&B"), "叫应清单")
    assert page.freeze_panes == "A4"
    assert page.print_title_rows == "$1:$3"
    assert page.page_setup.orientation == "landscape"
    assert int(page.page_setup.paperSize or 0) == 9
    assert page.oddHeader is not None
    assert page.oddHeader.center.text == "演练 A&&B"
    assert page.auto_filter.ref == "A3:F5"
    assert page.column_dimensions["A"].width == len("马军营乡") * 2 + 2


def test_without_a_banner_the_head_moves_up() -> None:
    page = page_of(xlsx([SHEET]), "叫应清单")
    assert page.freeze_panes == "A3"
    assert values(page)[1] == SHEET.headers


def test_text_is_stored_as_text_and_numbers_as_numbers() -> None:
    with ZipFile(io.BytesIO(xlsx([SHEET]))) as archive:
        stored = archive.read("xl/worksheets/sheet1.xml").decode()
    kinds = {cell: re.search(rf'<c r="{cell}"[^>]*t="(\w+)"', stored) for cell in ("B3", "F3", "F4")}
    types = {cell: found and found.group(1) for cell, found in kinds.items()}
    assert types == {"B3": "n", "F3": "inlineStr", "F4": "inlineStr"}


class Later(datetime):
    """The clock the workbook library would stamp into the file, a year on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Later:
        return cls(2031, 1, 2, tzinfo=tz)


def test_equal_input_gives_equal_bytes_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    first = xlsx([SHEET], "演练")
    monkeypatch.setattr("openpyxl.writer.excel.datetime", SimpleNamespace(datetime=Later, timezone=timezone))
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert xlsx([SHEET], "演练") == first


def test_no_moment_of_making_is_inside() -> None:
    with ZipFile(io.BytesIO(xlsx([SHEET]))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2000-01-01T00:00:00Z") == 2


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_no_text_ever_becomes_a_formula(cells: list[str]) -> None:
    sheet = Sheet("表", [f"列{n}" for n in range(len(cells))], [cells])
    content = xlsx([sheet])
    with ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    for cell, written in zip(page_of(content, "表")[3], cells, strict=True):
        if all(char.isprintable() for char in written):
            assert cell.value == (written or None)


@given(st.lists(st.lists(st.text(max_size=20), min_size=3, max_size=3), max_size=5))
def test_csv_never_hands_a_formula_to_a_spreadsheet(rows: list[list[str]]) -> None:
    told = csv_text(Sheet("表", ["甲", "乙", "丙"], rows))
    assert told.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(told[1:], newline="")))
    assert len(read) == 1 + len(rows)
    for written, back in zip(rows, read[1:], strict=True):
        for given_text, cell in zip(written, back, strict=True):
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            if given_text.isalnum():
                assert cell == given_text


@given(st.integers(-(10**14), 10**14), st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_come_back(whole: int, part: float) -> None:
    sheet = Sheet("表", ["甲", "乙"], [(whole, part)])
    assert values(page_of(xlsx([sheet]), "表"))[2] == (whole, pytest.approx(part, rel=1e-15))
    row = csv_text(sheet).splitlines()[1].split(",")
    assert (int(row[0]), float(row[1])) == (whole, part)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＋", "－", "＠"])
def test_each_dangerous_beginning_is_defused(start: str) -> None:
    sheet = Sheet("表", ["甲"], [[f"{start}HYPERLINK(1)"]])
    (_, row) = csv.reader(io.StringIO(csv_text(sheet)[1:], newline=""))
    assert row[0].startswith("'")
    assert page_of(xlsx([sheet]), "表")["A3"].quotePrefix


def test_csv_marks_every_row_outside_actual() -> None:
    lines = csv_text(SHEET, "演练").splitlines()
    assert lines[0].endswith(",运行方式")
    assert all(line.endswith(",演练") for line in lines[1:])
    assert lines[1].startswith("马军营乡,50.5,2021-07-21 00:00:00,2021-07-20,是,'=1+1,")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(number: float) -> None:
    sheet = Sheet("表", ["甲"], [[number]])
    with pytest.raises(NotANumber):
        xlsx([sheet])
    with pytest.raises(NotANumber):
        csv_text(sheet)


def test_a_time_without_zone_is_refused() -> None:
    naive = NIGHT.astimezone(BEIJING).replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        xlsx([Sheet("表", ["甲"], [[naive]])])


def test_rows_must_fit_the_head() -> None:
    with pytest.raises(ValueError, match=r"rows \[2\]"):
        Sheet("表", ["甲"], [["一"], ["二", "三"]])
    with pytest.raises(ValueError, match="widths"):
        Sheet("表", ["甲"], [], widths=[1, 2])


def test_tabs_get_lawful_names_that_differ() -> None:
    titles = ["村/社区", "村社区", "", "A" * 40, "a" * 40, "'引号'"]
    book = load_workbook(io.BytesIO(xlsx([Sheet(title, ["甲"], []) for title in titles])))
    assert book.sheetnames == ["村社区", "村社区-2", "表", "A" * 28, "a" * 27 + "-2", "引号"]


def test_long_codes_and_long_text_keep_what_a_cell_can_hold() -> None:
    sheet = Sheet("表", ["代码", "正文"], [(140_200_000_000_000_001, "雨" * 40_000)])
    code, words = values(page_of(xlsx([sheet]), "表"))[2]
    assert code == "140200000000000001"
    assert str(words).endswith("已截断）")
    assert len(str(words)) == 32_767


def test_a_report_escapes_values_and_carries_the_mode(tmp_path: Path) -> None:
    (tmp_path / "night.html").write_text(
        '{% extends "paper.html" %}{% block body %}<p>{{ said }}</p>{% endblock %}', encoding="utf-8"
    )
    page = html(
        tmp_path, "night.html", {"title": "值班 & 记录", "mode_banner": "演练", "said": "<script>1</script>"}
    )
    assert "<p>&lt;script&gt;1&lt;/script&gt;</p>" in page
    assert "<h1>值班 &amp; 记录</h1>" in page
    assert '<p class="mode">演练</p>' in page
    actual = html(tmp_path, "night.html", {"title": "值班", "mode_banner": "", "said": "好"})
    assert 'class="mode"' not in actual
    assert "http" not in actual


def test_a_report_without_a_value_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "night.html").write_text("{{ figure }}", encoding="utf-8")
    with pytest.raises(jinja2.UndefinedError):
        html(tmp_path, "night.html", {})
