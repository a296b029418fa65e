"""表格 CSV、XLSX — rows under a header, read by the mapping kept for their source (settings of `json_rows`).

More settings: `header_row` (1), `delimiter` (found by itself), `sheet` (the first), `station_value` where the
whole file is of one station. A row that cannot be read is refused for itself, with the header, so that it
can be tried again.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from shouye.watch.intake.codecs.json_rows import Form
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
)

_MOST_BYTES = 64 * 1024 * 1024
_MOST_UNPACKED = 128 * 1024 * 1024
_MOST_RATIO = 100
"""How far a workbook may swell; sheets of real data swell ten to thirty times (建议值)."""
_PROLOG = 65_536
_UNREADABLE = (
    zipfile.BadZipFile,
    InvalidFileException,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,  # what is no XML
    RuntimeError,  # a password, a way of packing that nobody knows
    EOFError,
    OSError,
    zlib.error,
)
"""What a foreign workbook makes the library raise."""
_MOST_ROWS = 1_000_000
_MOST_COLUMNS = 1_000

_Row = list[str] | BadFrame
"""The cells, or why this row has none."""


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterable[Message]:
    """译码 — one message for each row below the header."""
    try:
        rows = _rows(data, options.settings)
        header = next(rows, [])
        if isinstance(header, BadFrame):
            raise header
        if not any(header):
            raise BadFrame(RefusalCode.HEADER, "没有表头")
        return _messages(header, rows, Form(options.settings), options.settings)
    except BadFrame as bad:
        return [bad.about(data[:65_536])]


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — the first row alone: what quarantine tries again."""
    return next(iter(decode_all(data, options)), Refused(RefusalCode.LENGTH, "没有一行数据", data[:65_536]))


def table_rows(data: bytes, most: int) -> list[list[str]]:
    """表头和头几行 — as text, for a person or a guess; what is no table raises BadFrame."""
    return [cells for cells in islice(_rows(data, {}), most) if isinstance(cells, list)]


def encode(message: Decoded) -> bytes:
    """写回 — the row under its header: what quarantine keeps can be tried again."""
    header, cells = (message.fields.get(name) for name in ("header", "cells"))
    return b"".join(
        _line(list(one)).encode("utf-8", "replace") for one in (header, cells) if isinstance(one, list)
    )


def _messages(
    header: list[str], rows: Iterator[_Row], form: Form, settings: Mapping[str, Any]
) -> Iterator[Message]:
    lacking = [name for name, _, _ in form.columns if name not in header]
    if lacking:
        yield Refused(RefusalCode.HEADER, f"没有列 {'、'.join(lacking[:10])}", _line(header).encode())
        return
    fixed = (
        {str(settings.get("station", "station")): str(settings["station_value"])}
        if "station_value" in settings
        else {}
    )
    try:
        for cells in rows:
            if isinstance(cells, BadFrame):
                yield cells.about(_line(header).encode("utf-8", "replace"))
                continue
            if not any(cells):
                continue
            kept: dict[str, object] = {"header": header, "cells": cells}
            if len(cells) != len(header):
                raw = encode(Decoded("", "row", None, (), kept))
                yield Refused(RefusalCode.LENGTH, f"列数为 {len(cells)}，表头为 {len(header)}", raw)
            else:
                yield form.message({**dict(zip(header, cells, strict=True)), **fixed}, encode, kept)
    except BadFrame as bad:
        yield bad.about(b"")


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue()


def _rows(data: bytes, settings: Mapping[str, Any]) -> Iterator[_Row]:
    """Every row from the header on, as text."""
    if len(data) > _MOST_BYTES:
        raise BadFrame(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}")
    rows = _sheet(data, settings) if data[:4] == b"PK\x03\x04" else _lines(data, settings)
    return islice(_bounded(rows), int(settings.get("header_row", 1)) - 1, None)


def _bounded(rows: Iterator[_Row]) -> Iterator[_Row]:
    for number, cells in enumerate(rows):
        is_wide = isinstance(cells, list) and len(cells) > _MOST_COLUMNS
        if number > _MOST_ROWS or is_wide:
            raise BadFrame(RefusalCode.LENGTH, f"超过 {_MOST_ROWS} 行或 {_MOST_COLUMNS} 列")
        yield [" ".join(cell.split()) for cell in cells] if isinstance(cells, list) else cells


def _lines(data: bytes, settings: Mapping[str, Any]) -> Iterator[_Row]:
    text = _text(data)
    if "\n" in text:  # a carriage return alone is a break inside a cell, not the end of a row
        text = re.sub(r"\r(?!\n)", " ", text)
    if "\0" in text:
        raise BadFrame(RefusalCode.ENCODING, "不是文本表格")
    delimiter = str(settings.get("delimiter", "")) or max(",;\t|", key=text[:4096].split("\n", 1)[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        first = rows.line_num + 1
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:  # the reader goes on with the line after the one in which the cell grew too long
            lines = f"{first}" if first == rows.line_num else f"{first} 至 {rows.line_num}"
            yield BadFrame(RefusalCode.LENGTH, f"第 {lines} 行有一格超过 {csv.field_size_limit()} 字")


def _text(data: bytes) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # “Unicode 文本” of Excel
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _sheet(data: bytes, settings: Mapping[str, Any]) -> Iterator[list[str]]:
    """工作表 — values, not formulas; a packed bomb or a document type inside is not opened."""
    try:
        _inspect(data)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        name = str(settings.get("sheet", "")) or book.sheetnames[0]
        if name not in book.sheetnames:
            raise BadFrame(RefusalCode.HEADER, f"没有工作表 {name}")
        for cells in book[name].iter_rows(values_only=True):
            yield [_cell(cell) for cell in cells]
    except _UNREADABLE as error:
        raise BadFrame(RefusalCode.ENCODING, f"XLSX 打不开：{type(error).__name__}") from None


def _inspect(data: bytes) -> None:
    """What is packed is small enough, and none of it declares entities."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        size = sum(item.file_size for item in packed.infolist())
        if size > _MOST_UNPACKED or size > max(_MOST_RATIO * len(data), 8 * 1024 * 1024):
            raise BadFrame(RefusalCode.LENGTH, f"解开后有 {size} 字节，是原来的 {size // len(data)} 倍，不像表格")
        for item in packed.infolist():
            if item.filename.endswith((".xml", ".rels")):
                with packed.open(item) as part:
                    head = part.read(_PROLOG).lstrip()
                if b"<!" in head[:1024] or not head.startswith((b"<", codecs.BOM_UTF8)):
                    raise BadFrame(RefusalCode.UNSUPPORTED, "带有 DTD 或实体声明，一律不读")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


CODEC = Codec(
    term="表格 CSV、XLSX",
    source="各方文件，按接入块里的对照",
    decode=decode,
    encode=encode,
    decode_all=decode_all,
    document=True,
)
