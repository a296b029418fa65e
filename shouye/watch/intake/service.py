"""读入文件 — a storm with what its sidecar declares; saved frames, each decoded or refused."""

from __future__ import annotations

import gzip
import io
import json
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from shouye.base.kernel import BadInput, load_shelf
from shouye.watch.intake import files
from shouye.watch.intake.model import (
    STANDARD,
    Codec,
    Declared,
    DeclaredStation,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    Storm,
    StormFormat,
    UnreadableStorm,
)

_MOST_UNPACKED_BYTES = 256 * 1024 * 1024


def read_frames(path: Path, codec: Codec, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """读入报文文件 — a frame a line (hex, or JSON with `hex` or `packet`), or one document."""
    data = _content(path)
    if codec.document and not _is_json_lines(data):
        yield from _document(codec, data, options)
    elif _is_text(data):
        for line in data.splitlines():
            if line.strip():
                yield _line(codec, line.strip(), options)
    else:
        yield from _document(codec, data, options)


def _content(path: Path) -> bytes:
    """The file, unpacked when it is gzipped, as far as it is not a bomb."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(_MOST_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path.name}：{error.__class__.__name__}") from None
    if len(data) > _MOST_UNPACKED_BYTES:
        raise BadInput(f"{path.name}：超过 {_MOST_UNPACKED_BYTES} 字节")
    return data


def _document(codec: Codec, data: bytes, options: SessionOptions) -> Iterator[Message]:
    if codec.decode_all is not None:
        yield from codec.decode_all(data, options)
    else:
        yield codec.decode(data, options)


def _is_json_lines(data: bytes) -> bool:
    """Saved packets of a document codec: every line an object with `hex` or `packet`."""
    lines = [line for line in data.splitlines() if line.strip()]
    return bool(lines) and all(isinstance(_packed(line), bytes) for line in lines)


def _packed(line: bytes) -> bytes | None:
    """The bytes inside a JSON line, or None when it is no such line."""
    if not line.startswith(b"{"):
        return None
    try:
        row = json.loads(line)
        if isinstance(row.get("hex"), str):
            return bytes.fromhex(row["hex"])
        return row["packet"].encode() if isinstance(row.get("packet"), str) else None
    except (ValueError, RecursionError):
        return None


def _is_text(data: bytes) -> bool:
    return not any(byte < 9 or 13 < byte < 32 for byte in data)


def _line(codec: Codec, line: bytes, options: SessionOptions) -> Message:
    """One line: JSON, hex digits, or else the packet itself as text."""
    frame = _packed(line)
    if frame is None and line.startswith(b'{"'):
        return Refused(RefusalCode.ENCODING, "这一行 JSON 里没有可用的 hex 或 packet", line)
    if frame is None:
        try:
            frame = bytes.fromhex(line.decode("ascii"))
        except ValueError:
            frame = line
    return codec.decode(frame, options)


def read_storm(path: Path) -> Storm:
    """读入雨情文件 — plain or gzipped, with `<name>.toml` beside it when somebody declared its origin."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableStorm(f"{path.name}：{error.__class__.__name__}") from None
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    for form in load_shelf(files, "FORMAT", StormFormat).values():
        if form.sniff(data):
            return replace(form.decode(name, data), declared=_declared(path.with_name(f"{name}.toml")))
    raise UnreadableStorm(f"{path.name}：不是已知的格式")


def _declared(path: Path) -> Declared | None:
    if not path.is_file():
        return None
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        stations = tuple(
            DeclaredStation(
                id=row["id"],
                name=row["name"],
                county=row["county"],
                lon=row.get("lon"),
                lat=row.get("lat"),
                virtual=row.get("virtual", False),
            )
            for row in said.get("station", [])
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UnreadableStorm(f"{path.name}：{error}") from None
    return Declared(
        title=said.get("title", ""),
        source=said.get("source", ""),
        note=said.get("note", ""),
        city=said.get("city", ""),
        reconstructed=said.get("reconstructed", False),
        time_shift_h=said.get("time_shift_h", 0),
        stations=stations,
    )
