"""A file of a document codec is read whole, gzipped or not; a bomb and a torn archive are refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shouye.base.kernel import BadInput
from shouye.watch.intake import Decoded, codec_of, read_frames
from tests.watch.intake.test_signals_json import notice

LINES = notice() + b"\n" + notice(keyId=10) + b"\n"


@pytest.mark.parametrize("data", [LINES, gzip.compress(LINES, mtime=0)])
def test_each_notice_of_a_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notices.jsonl"
    path.write_bytes(data)
    read = list(read_frames(path, codec_of("shenzhen_json")))
    assert [message.fields["identifier"] for message in read if isinstance(message, Decoded)] == ["9", "10"]


@pytest.mark.parametrize(
    "data", [gzip.compress(bytes(300 << 20), 1, mtime=0), gzip.compress(LINES, mtime=0)[:-12]]
)
def test_a_bomb_or_a_torn_archive(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notices.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"notices\.jsonl\.gz"):
        list(read_frames(path, codec_of("shenzhen_json")))
