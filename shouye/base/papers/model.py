"""文书的版式 — registers as workbooks and CSV, reports as one HTML file."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openpyxl import Workbook
from openpyxl.cell.cell import Cell as BookCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from shouye.base.kernel import BEIJING, Refusal

Cell = str | int | float | datetime | date | None
"""单元格 — a bool is shown as 是/否, an instant in Beijing time, None as an empty cell."""


class NotANumber(Refusal):
    """表格中的数值不是有效数字，文件未生成。"""


@dataclass(frozen=True)
class Sheet:
    """一张表 — title, column heads, rows; widths in half-width characters; notes stand below the rows."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int] | None = None
    notes: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        wrong = [number for number, row in enumerate(self.rows, start=1) if len(row) != len(self.headers)]
        if wrong or (self.widths is not None and len(self.widths) != len(self.headers)):
            raise ValueError(f"{self.title}: rows {wrong[:5]} or widths do not fit {len(self.headers)} columns")


MAX_CELL_CHARS = 32_767
"""The most text one cell of a workbook holds."""

MAX_EXACT_INT = 10**15
"""A workbook keeps fifteen digits of a number; a longer one (a code) is written as text."""

_CUT = "…（内容过长，已截断）"
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width: as typed in Chinese
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook's property has no zone; a fixed one keeps bytes equal


def text(value: str) -> str:
    """Text as every reader accepts it: one kind of line end, no control characters, not beyond a cell."""
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value.replace("\r\n", "\n").replace("\r", "\n"))
    return clean if len(clean) <= MAX_CELL_CHARS else clean[: MAX_CELL_CHARS - len(_CUT)] + _CUT


def begins_like_a_formula(value: str) -> bool:
    """公式注入 — would a spreadsheet compute this text instead of showing it?"""
    return value.lstrip(" ").startswith(_FORMULA_START)


def _value(cell: Cell) -> str | int | float | datetime | date | None:
    """The cell as it is stored: numbers stay numbers, instants become Beijing wall time."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, str):
        return text(cell)
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            raise ValueError("naive datetime")
        return cell.astimezone(BEIJING).replace(tzinfo=None)
    if isinstance(cell, float) and not math.isfinite(cell):
        raise NotANumber(str(cell))
    if isinstance(cell, int) and abs(cell) >= MAX_EXACT_INT:
        return str(cell)
    return cell


def csv_text(sheet: Sheet, mode_banner: str = "") -> str:
    """CSV 文本 — with a byte order mark for office programs; formula-like text gets an apostrophe.

    Outside 实战 a last column repeats the mode, so that no row loses it.
    """
    mark = (mode_banner,) if mode_banner else ()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in ((*sheet.headers, *(("运行方式",) if mark else ())), *((*row, *mark) for row in sheet.rows)):
        writer.writerow([_csv_cell(cell) for cell in row])
    return "\ufeff" + out.getvalue()


def _csv_cell(cell: Cell) -> str | int | float | None:
    value = _value(cell)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    # The raw text decides: a leading carriage return has become a line feed by now.
    return f"'{value}" if isinstance(value, str) and begins_like_a_formula(value) else value


def xlsx(sheets: Sequence[Sheet], mode_banner: str = "") -> bytes:
    """工作簿 — one tab per sheet, A4 landscape, heads frozen and printed on each page; same input, same bytes."""
    book = Workbook()
    del book[book.sheetnames[0]]
    book.properties.creator = "守夜"
    book.properties.created = _EPOCH
    for tab, sheet in zip(_tab_names(sheets), sheets, strict=True):
        _write_sheet(book.create_sheet(tab), sheet, mode_banner)
    raw = io.BytesIO()
    book.save(raw)
    return _settled(raw.getvalue())


def _tab_names(sheets: Sequence[Sheet]) -> Iterator[str]:
    """Tabs are short, without seven characters, and differ even when case is ignored."""
    used: set[str] = set()
    for sheet in sheets:
        wanted = re.sub(r"[\[\]:*?/\\]", "", text(sheet.title)).replace("\n", " ").strip("' ")[:28] or "表"
        name, number = wanted, 1
        while name.casefold() in used:
            number += 1
            name = f"{wanted[: 28 - len(str(number))]}-{number}"
        used.add(name.casefold())
        yield name


_THIN = Side(style="thin", color="999999")
_TITLE = Font(bold=True, size=14)
_BANNER = Font(bold=True, size=12, color="B00020")
_HEAD = Font(bold=True)
_HEAD_FILL = PatternFill("solid", fgColor="EEF1F4")
_NOTE = Font(size=9, color="555555")
_WRAP = Alignment(vertical="top", wrap_text=True)
_CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)


def _write_sheet(page: Worksheet, sheet: Sheet, mode_banner: str) -> None:
    head_row = 3 if mode_banner else 2
    page.freeze_panes = f"A{head_row + 1}"
    page.print_title_rows = f"1:{head_row}"
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    header_words = text(mode_banner).replace("&", "&&")
    for margin, words in ((page.oddHeader, header_words), (page.oddFooter, "第 &P 页，共 &N 页")):
        if margin is not None and words:
            margin.center.text = words
    for number, width in enumerate(_widths(sheet), start=1):
        page.column_dimensions[get_column_letter(number)].width = width

    _put(page, 1, 1, sheet.title).font = _TITLE
    if mode_banner:
        _put(page, 2, 1, mode_banner).font = _BANNER
    for column, header in enumerate(sheet.headers, start=1):
        head = _put(page, head_row, column, header)
        head.font, head.fill, head.border, head.alignment = _HEAD, _HEAD_FILL, _BOX, _CENTRE
    for number, row in enumerate(sheet.rows, start=head_row + 1):
        for column, value in enumerate(row, start=1):
            cell = _put(page, number, column, value)
            cell.border, cell.alignment = _BOX, _WRAP
    last_row = head_row + len(sheet.rows)
    page.auto_filter.ref = f"A{head_row}:{get_column_letter(max(1, len(sheet.headers)))}{last_row}"
    for number, note in enumerate(sheet.notes, start=last_row + 1):
        _put(page, number, 1, note).font = _NOTE


def _put(page: Worksheet, row: int, column: int, value: Cell) -> BookCell:
    stored = _value(value)
    cell = page.cell(row, column)
    assert isinstance(cell, BookCell)  # nothing is merged here
    if isinstance(stored, str):
        # Said expressly, for the library guesses: it takes a leading = for a formula and #N/A for an error.
        cell.value, cell.data_type = stored, "s"
        cell.quotePrefix = begins_like_a_formula(stored)
    else:
        cell.value = stored
        if isinstance(stored, date):
            cell.number_format = "yyyy-mm-dd hh:mm:ss" if isinstance(stored, datetime) else "yyyy-mm-dd"
    return cell


def _widths(sheet: Sheet) -> Iterator[float]:
    """Wide enough for the head and the first rows; a Chinese character takes two half-widths."""
    if sheet.widths is not None:
        yield from sheet.widths
        return
    for column, header in enumerate(sheet.headers):
        shown = [header, *(_shown(row[column]) for row in sheet.rows[:200])]
        yield min(48, max(6, max(map(_half_widths, shown)) + 2))


def _shown(cell: Cell) -> str:
    return "0000-00-00 00:00:00" if isinstance(cell, datetime) else "" if cell is None else str(cell)


def _half_widths(value: str) -> int:
    return max((sum(_char_width(char) for char in line) for line in value.splitlines()), default=0)


def _char_width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _settled(workbook: bytes) -> bytes:
    """The same workbook without the moment of its making: neither in the archive nor in its properties."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(workbook)) as given, ZipFile(out, "w") as kept:
        for name in sorted(given.namelist()):
            content = given.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", content)
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            kept.writestr(entry, content)
    return out.getvalue()


_TEMPLATES = Path(__file__).parent / "templates"


def html(folder: Path, template: str, values: Mapping[str, object]) -> str:
    """HTML 报告 — renders a template of the caller's folder; it may extend `paper.html`, the printed page.

    Every value is escaped, and a name the template asks for must be given.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)
