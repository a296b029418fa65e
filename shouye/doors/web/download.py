"""导出 — a list as a workbook or CSV, with the mode on it; cells that begin like a formula are text."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote

from fastapi import Response

from shouye.base.kernel import Mode
from shouye.base.papers import Sheet, csv_text, xlsx
from shouye.doors.web.visit import Visit


class Kind(StrEnum):
    """导出格式。"""

    XLSX = "xlsx"
    CSV = "csv"


_TYPES = {
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.CSV: "text/csv; charset=utf-8",
}


def download(visit: Visit, sheet: Sheet, kind: Kind) -> Response:
    """The file, named after the sheet."""
    banner = "" if visit.city.mode is Mode.ACTUAL else visit.city.mode.word
    body = xlsx([sheet], banner) if kind is Kind.XLSX else csv_text(sheet, banner).encode()
    name = quote(f"{sheet.title}.{kind.value}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(body, media_type=_TYPES[kind], headers=headers)
