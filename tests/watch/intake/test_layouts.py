"""字节布局 — every byte of a frame is explained, of a refused one too; the wrong place is marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouye.watch.intake import (
    STANDARD,
    Decoded,
    Refused,
    SessionOptions,
    Span,
    all_layouts,
    codec_of,
    modbus_pair,
    spans_of,
)

FRAMES = Path(__file__).parents[2] / "frames"
MAP = SessionOptions(settings={"register.0": "o2_pct % uint16 0.01", "register.2": "ch4_pct % float32 1"})
SZY206 = bytes.fromhex("681568821402000001c00012000000000000300818220726052a16")


def saved(codec: str) -> list[bytes]:
    rows = [json.loads(line) for line in (FRAMES / f"{codec}.jsonl").read_text(encoding="utf-8").splitlines()]
    return [bytes.fromhex(row["hex"]) if "hex" in row else row["packet"].encode() for row in rows]


def stage() -> bytes:
    """A report of the water level."""
    encode = codec_of("szy206").encode
    assert encode is not None
    data = "00261200" + "0000" + "0000" + "00300820" + "0726" + "00"
    return encode(Decoded("1402000001", "C0", None, (), {"control": "82", "data": data}))


def record() -> bytes:
    head = b"000001D DT00100HHZSX" + bytes.fromhex("07EA00C817000000 0000 0003 0001 0001")
    return (head + bytes.fromhex("00000001 00000000 0040 0030 03E80000 03010900")).ljust(512, b"\0")


WHOLE = {
    **{codec: saved(codec) for codec in ("sl651", "hj212", "jt808")},
    "szy206": [stage()],
    "modbus": [modbus_pair(1, 3, 0, [2090, 0, 0x3FC0, 0]), modbus_pair(1, 3, 0, [1])[:-3]],
    "miniseed": [record()],
}


def explained(codec: str, raw: bytes) -> tuple[Span, ...]:
    options = MAP if codec == "modbus" else STANDARD
    return spans_of(codec, raw, options, codec_of(codec).decode(raw, options))


def test_every_layout_has_frames_here() -> None:
    assert set(WHOLE) == set(all_layouts())
    assert spans_of("cap", b"<alert/>", STANDARD) == ()


@pytest.mark.parametrize("codec", WHOLE)
def test_every_byte_is_in_one_field(codec: str) -> None:
    for raw in WHOLE[codec]:
        spans = explained(codec, raw)
        ends = [0, *(one.end for one in spans)]
        assert [one.begin for one in spans] == ends[:-1], raw.hex()
        assert ends[-1] == len(raw)
        assert all(one.term for one in spans)


@pytest.mark.parametrize("codec", WHOLE)
@settings(max_examples=40)
@given(data=st.data())
def test_no_bytes_break_it(codec: str, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([*WHOLE[codec], b"", b"\x7e\x7e", b"\x68", b"##"])))
    for _ in range(data.draw(st.integers(0, 4))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    spans = explained(codec, bytes(raw))
    assert all(one.begin < one.end <= len(raw) for one in spans)
    assert [one.begin for one in spans] == [0, *(one.end for one in spans)][: len(spans)]


@pytest.mark.parametrize("codec", ["sl651", "szy206", "hj212", "jt808"])
def test_the_refused_place_is_marked(codec: str) -> None:
    raw = WHOLE[codec][0]
    at = next(one.begin for one in explained(codec, raw) if one.about == "crc")
    torn = raw[:at] + (b"0" if raw[at : at + 1] != b"0" else b"1") + raw[at + 1 :]
    message = codec_of(codec).decode(torn)
    assert isinstance(message, Refused)
    assert message.code == "crc"
    (wrong,) = [one for one in explained(codec, torn) if one.wrong]
    assert (wrong.begin, wrong.wrong) == (at, message.detail)
    gone = at - (20 if codec == "jt808" else 1)
    short = raw[:gone] + raw[gone + 1 :]
    assert any(one.about == "length" and "实有" in one.wrong for one in explained(codec, short))
    assert not any(one.wrong for one in explained(codec, raw))


def test_an_impossible_time_is_marked_where_it_stands() -> None:
    raw = WHOLE["hj212"][0].replace(b"20260720103000", b"20261320103000")
    assert [(one.term, one.wrong) for one in explained("hj212", raw) if one.about == "time"] == [
        ("数据时间", "不是时间")
    ]
    late = bytes.fromhex(WHOLE["sl651"][0].hex().replace("260720", "261320"))
    assert [one.term for one in explained("sl651", late) if one.wrong and one.about == "time"] == ["发报时间"]
    wrong = bytes.fromhex(stage().hex().replace("003008200726", "003008320726"))
    assert [one.term for one in explained("szy206", wrong) if one.about == "time" and one.wrong] == ["时间标签"]


def test_values_stand_beside_their_bytes() -> None:
    said = {one.term: one.said for one in explained("szy206", stage())}
    assert said["水位 1"] == "122.6 m"
    registers = explained("modbus", WHOLE["modbus"][0])
    assert [(one.end - one.begin, one.term) for one in registers[-3:]] == [
        (2, "寄存器 0 o2_pct %"),
        (2, "寄存器 1 没有对照"),
        (4, "寄存器 2 ch4_pct %"),
    ]


@pytest.mark.parametrize(("codec", "term"), [("sl651", "密码"), ("hj212", "访问密码 PW")])
def test_passwords_are_not_repeated(codec: str, term: str) -> None:
    found = [one.said for raw in WHOLE[codec] for one in explained(codec, raw) if one.term == term]
    assert found
    assert set(found) == {"******"}
