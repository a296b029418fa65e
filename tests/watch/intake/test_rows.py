"""Rows of JSON, CSV and XLSX by a mapping: each row for itself, whatever else stands in the document."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from shouye.base.kernel import BEIJING
from shouye.watch.intake import Codec, Decoded, Message, RefusalCode, Refused, SessionOptions, codec_of

JSON, TABLE = codec_of("json_rows"), codec_of("table")
EIGHT = datetime(2026, 7, 20, 8, tzinfo=BEIJING)


def rows(codec: Codec, data: bytes, **settings: Any) -> list[Message]:
    assert codec.decode_all is not None
    return list(
        codec.decode_all(data, SessionOptions(settings={key.replace("__", "."): v for key, v in settings.items()}))
    )


def said(messages: list[Message]) -> list[tuple[Any, ...]]:
    return [
        ("refused", one.code.value)
        if isinstance(one, Refused)
        else (one.station, *((reading.element, reading.value, reading.unit) for reading in one.readings))
        for one in messages
    ]


def test_the_form_of_push() -> None:
    row = {"station": "a", "element": "rain_mm", "time": "2026-07-20T08:00:00+08:00", "value": 1.5, "unit": "mm"}
    (told,) = rows(JSON, json.dumps({"readings": [{**row, "flags": ["manual"]}]}).encode())
    assert isinstance(told, Decoded)
    assert (told.station, told.sent) == ("a", EIGHT)
    assert told.readings[0].flags == ("manual",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"station": ""}, "header"),
        ({"station": True}, "header"),
        ({"element": 3}, "header"),
        ({"time": "yesterday"}, "time"),
        ({"time": None}, "time"),
        ({"value": "wet"}, "encoding"),
        ({"value": True}, "encoding"),
        ({"value": "inf"}, "encoding"),
        ({"value": "1_5"}, "encoding"),
        ({"value": [1]}, "encoding"),
    ],
)
def test_a_row_is_refused_for_itself_and_can_be_tried_again(change: dict[str, Any], code: str) -> None:
    good = {"station": "a", "element": "rain_mm", "time": "2026-07-20T08:00", "value": 1}
    wrong, right = rows(JSON, json.dumps([{**good, **change}, good]).encode())
    assert isinstance(wrong, Refused)
    assert isinstance(right, Decoded)
    assert wrong.code.value == code
    assert said(rows(JSON, wrong.raw)) == [("refused", code)]


def test_somebody_elses_json_is_mapped() -> None:
    document = {"data": {"items": [{"dev": {"id": 7}, "ts": 1784505600, "t": "21.5", "p": -9999}]}}
    mapping = {
        "rows": "data.items",
        "station": "dev.id",
        "time": "ts",
        "time_format": "epoch_s",
        "missing": "-9999",
    }
    columns = {"column__t": "temp_c ℃", "column__p": "pressure_hpa hPa"}
    assert said(rows(JSON, json.dumps(document).encode(), **mapping, **columns)) == [
        ("7", ("temp_c", 21.5, "℃"), ("pressure_hpa", None, "hPa"))
    ]


KELANI = (
    b"Date,Time,HydrometricStation,RiverWaterLevel,RiverWaterLevel_Unit,Rainfall_mm\n"
    b"26-11-2025,8,Nagalagam Street,2.5,ft,1.0\n"
    b"26-11-2025,9,Hanwella,,m,0\n"
    b"(RB 01),9,Hanwella,1,m,0\n"
    b"26-11-2025,9,Hanwella\n"
)
MAPPING: dict[str, Any] = {
    "station": "HydrometricStation",
    "time": "{Date} {Time}",
    "time_format": "%d-%m-%Y %H",
    "zone_h": 5.5,
    "column__RiverWaterLevel": "stage_m @RiverWaterLevel_Unit",
    "column__Rainfall_mm": "rain_mm mm",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_table_is_read_by_its_mapping(encoding: str) -> None:
    told = rows(TABLE, KELANI.decode().encode(encoding), **MAPPING)
    assert said(told) == [
        ("Nagalagam Street", ("stage_m", 2.5, "ft"), ("rain_mm", 1.0, "mm")),
        ("Hanwella", ("stage_m", None, "m"), ("rain_mm", 0.0, "mm")),
        ("refused", "time"),
        ("refused", "length"),
    ]
    assert isinstance(told[0], Decoded)
    assert told[0].sent == datetime(2025, 11, 26, 10, 30, tzinfo=BEIJING)
    assert isinstance(told[2], Refused)
    assert said(rows(TABLE, told[2].raw, **MAPPING)) == [("refused", "time")], "its header is kept with it"
    assert isinstance(TABLE.decode(told[2].raw, SessionOptions(settings=MAPPING)), Refused)


def test_a_workbook_is_the_same_table() -> None:
    book, written = Workbook(), io.BytesIO()
    sheet = book.create_sheet("雨量")
    sheet.append(["通报"])
    sheet.append(["时间", "雨量"])
    sheet.append([EIGHT.replace(tzinfo=None), 1.5])
    sheet.append([None, None])
    sheet.append([EIGHT.replace(tzinfo=None) + timedelta(hours=1), None])
    book.save(written)
    mapping = {
        "sheet": "雨量",
        "header_row": 2,
        "time": "时间",
        "station_value": "a",
        "column__雨量": "rain_mm mm",
    }
    told = rows(TABLE, written.getvalue(), **mapping)
    assert said(told) == [("a", ("rain_mm", 1.5, "mm")), ("a", ("rain_mm", None, "mm"))]
    assert isinstance(told[0], Decoded)
    assert told[0].sent == EIGHT
    assert said(rows(TABLE, written.getvalue(), **{**mapping, "sheet": "none"})) == [("refused", "header")]


def packed(name: str, content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return written.getvalue()


def torn_sheet() -> bytes:
    """A workbook whose sheet ends in the middle."""
    whole, torn = io.BytesIO(), io.BytesIO()
    Workbook().save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(torn, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: -20 if "sheet1" in name else None])
    return torn.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", RefusalCode.HEADER),
        (b"\n\n", RefusalCode.HEADER),
        (b"a,b\n1,2\n", RefusalCode.HEADER),
        (b"a\0,b\n", RefusalCode.ENCODING),
        (
            packed("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
            RefusalCode.UNSUPPORTED,
        ),
        (packed("xl/workbook.xml", b" " * 70_000 + b"<!DOCTYPE a><a/>"), RefusalCode.UNSUPPORTED),
        (packed("xl/workbook.xml", b" " * 9_000_000), RefusalCode.LENGTH),
        (torn_sheet(), RefusalCode.ENCODING),
        (packed("anything", b"x"), RefusalCode.ENCODING),
        (b"PK\x03\x04broken", RefusalCode.ENCODING),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(data: bytes, code: RefusalCode) -> None:
    (told,) = rows(TABLE, data, **MAPPING)
    assert isinstance(told, Refused)
    assert told.code is code


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
ROW = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("station", "element", "time", "value", "unit", "flags"), VALUES)
)


@given(st.lists(ROW | VALUES, max_size=4))
def test_no_json_breaks_it(document: list[Any]) -> None:
    for form in ("iso", "epoch_s", "epoch_ms", "%Y"):
        for one in rows(JSON, json.dumps(document).encode(), time_format=form):
            assert isinstance(one, Decoded | Refused)


@given(st.binary(max_size=200) | st.text(alphabet='a,b"\n1;\t', max_size=60).map(str.encode))
def test_no_bytes_break_it(data: bytes) -> None:
    for codec in (JSON, TABLE):
        assert all(isinstance(one, Decoded | Refused) for one in rows(codec, data))
        assert isinstance(codec.decode(data), Decoded | Refused)


def test_a_cell_without_end_takes_only_its_own_row_along() -> None:
    good = "a,2026-07-20 08:00,1"
    lines = [
        "station,time,rain",
        good,
        f"a,2026-07-20 08:00,{'9' * 131_073}",
        good,
        f'"{"b" * 70_000}',
        "c" * 70_000,
    ]
    told = rows(TABLE, "\n".join([*lines, good]).encode(), column__rain="rain_mm mm")
    taken, refused, again, runaway, last = told
    assert all(isinstance(one, Decoded) for one in (taken, again, last))
    assert isinstance(refused, Refused)
    assert isinstance(runaway, Refused)
    assert (refused.code, refused.detail) == (RefusalCode.LENGTH, "第 3 行有一格超过 131072 字")
    assert runaway.detail.startswith("第 5 至 6 行")
