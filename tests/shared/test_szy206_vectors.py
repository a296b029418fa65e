"""The published SZY 206 and SL/T 427 frames are read as their notes say and written again."""

from __future__ import annotations

import json
from datetime import datetime

from shouye.base.kernel import BEIJING
from shouye.watch.intake import Decoded, codec_of
from tests.shared.conftest import SHARED

CODEC = codec_of("szy206")
MEANT = {
    "sl427-C0-flow": ("SL/T 427", datetime(2026, 5, 12, 14, 15, 30, tzinfo=BEIJING), [44.555]),
    "szy206-C0-level": ("SZY 206", None, [5.9, 106.182]),
    "szy206-C0-empty": ("SZY 206", None, [None]),
}


def test_every_published_frame() -> None:
    lines = (SHARED / "vectors" / "szy206" / "frames.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        message, said = CODEC.decode(bytes.fromhex(row["hex"])), row["decoded"]
        assert isinstance(message, Decoded)
        fields = message.fields
        assert (message.station, message.function) == (said["addr"], said["AFN"])
        assert (fields["control"], fields["adcode"], fields["number"]) == (
            said["C"],
            said["adcode"],
            said["station"],
        )
        assert fields["data"] == said["data"].upper()
        version, sent, values = MEANT[row["name"]]
        assert (fields["version"], message.sent) == (version, sent)
        assert [one.value for one in message.readings] == values
        assert CODEC.encode is not None
        assert CODEC.encode(message) == bytes.fromhex(row["hex"])
