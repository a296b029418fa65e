"""Every HJ 212 packet of ../shared/vectors is read as its decoder read it, or refused for what its note says."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from shouye.watch.intake import Decoded, Refused
from shouye.watch.intake.codecs.hj212 import decode, encode
from shouye.watch.intake.envelopes.hj212 import ENVELOPE
from tests.shared.conftest import SHARED

VECTORS = SHARED / "vectors" / "hj212"
PACKETS = [json.loads(line) for line in (VECTORS / "packets.jsonl").read_text(encoding="utf-8").splitlines()]
COMMANDS = (VECTORS / "appendixC_commands_from_host.txt").read_text(encoding="utf-8").split()
SM4 = json.loads((VECTORS / "sm4_2025.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", PACKETS, ids=lambda row: row["name"])
def test_packets(row: dict[str, Any]) -> None:
    packet, said = row["packet"].encode(), row["decoded"]
    message = decode(packet)
    if not said["length_ok"] or not said["crc_ok"]:
        assert isinstance(message, Refused)
        assert message.code == ("crc" if said["length_ok"] else "length")
        return
    assert isinstance(message, Decoded)
    head = {"Flag" if name == "FLAG" else name: value for name, value in said["head"].items()}
    assert message.fields["head"] == head
    values = {
        f"{code}-{kind}": text
        for code, kinds in said["factors"].items()
        for kind, text in kinds.items()
        if kind != "Flag"
    }
    items = cast(list[list[list[str]]], message.fields["cp"])
    pairs = {field[0]: field[1] for item in items for field in item if len(field) == 2}
    assert pairs == said["cp"] | values | {
        f"{code}-Flag": kinds["Flag"] for code, kinds in said["factors"].items() if "Flag" in kinds
    }
    assert [reading.value for reading in message.readings] == [float(text) for text in values.values()]
    if not message.note.startswith("“"):
        assert encode(message) == packet


@pytest.mark.parametrize("segment", COMMANDS)
def test_host_commands(segment: str) -> None:
    packet = ENVELOPE.write(segment.encode(), None)
    message = decode(packet)
    assert isinstance(message, Decoded)
    assert message.fields["command"]
    assert encode(message) == packet


def test_sm4() -> None:
    wire = bytes.fromhex(SM4["wire_binary_hex"])
    plain, sealed = decode(SM4["plain"].encode()), decode(wire)
    assert isinstance(plain, Decoded)
    assert isinstance(sealed, Decoded)
    assert sealed.readings == plain.readings
    assert len(sealed.readings) == 2
    assert encode(sealed, bytes.fromhex(SM4["key"])) == wire
    at = wire.index(b"CP=&&") + 5
    printed = wire[:at] + SM4["cp_as_printed_in_the_standard"].encode() + b"&&3600\r\n"
    assert decode(printed) == sealed
