"""投放文件夹 — files written beside, then put in place whole; their names say 演练."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook

from shouye.base.kernel import BadInput, WallClock
from shouye.doors.cli.simulation import WORD, Carrier, Plan


def _carry(plan: Plan) -> Mapping[str, int]:
    folder, pattern = Path(str(plan.feed.option("path"))), str(plan.feed.option("pattern", "*.csv"))
    if not folder.is_dir():
        raise BadInput(f"没有文件夹 {folder}")
    if "*" not in pattern:
        raise BadInput(f"接入块 {plan.feed.name} 的 pattern 里没有 *，不能起名")
    begun, number = f"{WallClock().now():%Y%m%d%H%M%S}", 0

    def drop(_station: str, data: bytes) -> str:
        nonlocal number
        number += 1
        target = folder / pattern.replace("*", f"{WORD}-{begun}-{number:05d}")
        whole = _workbook(data) if target.suffix.lower() == ".xlsx" else data
        beside = target.with_name(f".{target.name}.part")
        beside.write_bytes(whole)
        beside.rename(target)
        return "已投放"

    return plan.drive(drop)


def _workbook(data: bytes) -> bytes:
    """The same table as a workbook."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None, "a new workbook has a sheet"
    sheet.title = WORD
    for row in csv.reader(io.StringIO(data.decode())):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


CARRIER = Carrier(carry=_carry)
