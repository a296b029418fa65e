"""Every captured SL 651 frame is read as an independent decoder read it, or refused for the reason of its note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shouye.watch.intake import Decoded, RefusalCode, Refused, codec_of
from tests.shared.conftest import SHARED

CODEC = codec_of("sl651")


def rows(path: Path) -> dict[str, dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {row["name"]: row for row in map(json.loads, lines)}


VECTORS = rows(SHARED / "vectors" / "sl651" / "frames.jsonl")
TEXT_BODIES = {"45", "50"}  # the other decoder took version text and counters for elements
CONFIGURED = {"40", "41", "49"}  # and addresses for numbers


def expected(elements: list[list[Any]]) -> list[Any]:
    values: list[Any] = []
    for code, value in elements:
        if code not in ("F0", "F1", "F2", "F3", "class", "04"):
            values += value if isinstance(value, list) else [value]
    return [value.removeprefix("hex:") if isinstance(value, str) else value for value in values]


@pytest.mark.parametrize("name", VECTORS)
def test_a_captured_frame(name: str) -> None:
    row = VECTORS[name]
    said, message = row["decoded"], CODEC.decode(bytes.fromhex(row["hex"]))
    if not said["crc_ok"]:
        assert isinstance(message, Refused)
        assert message.code is RefusalCode.CRC
        return
    assert isinstance(message, Decoded)
    fields = message.fields
    assert (message.station, message.function) == (said["station"], said["func"])
    assert (fields["mode"], fields["direction"]) == (said["mode"], said["dir"])
    assert (fields["centre"], fields["password"]) == (said["centre"], said["password"])
    assert (fields["start"], fields["end"]) == (said["start"], said["end"])
    assert (fields.get("packets"), fields.get("packet")) == (said.get("packets"), said.get("packet"))
    if "serial" in said:
        assert fields["serial"] == said["serial"]
        assert message.sent is not None
        assert message.sent.strftime("%y%m%d%H%M%S") == said["sent"]
    assert CODEC.encode is not None
    assert CODEC.encode(message) + bytes.fromhex(said["extra"]) == bytes.fromhex(row["hex"])
    if said["func"] == "42":
        told: Any = fields["parameters"]
        assert [float(one["value"]) for one in told] == expected(said["elements"])
    elif said["func"] not in TEXT_BODIES | CONFIGURED:
        values = [one.value for one in message.readings if "manual" not in one.flags]
        assert values == expected(said.get("elements", []))
