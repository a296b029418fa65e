"""读入文件 — a storm with what its sidecar declares; saved frames, each decoded or refused."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import tomllib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from shouye.base.kernel import BadInput, load_shelf
from shouye.watch.intake import files
from shouye.watch.intake.elements.hj212 import ELEMENTS as HJ212
from shouye.watch.intake.elements.jt808 import ELEMENTS as JT808
from shouye.watch.intake.elements.sl651 import ELEMENTS as SL651
from shouye.watch.intake.files import Declared, DeclaredStation, Storm, StormFormat, UnreadableStorm
from shouye.watch.intake.model import (
    STANDARD,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
)

_MOST_BYTES = 256 * 1024 * 1024
"""Of one document; a file of lines may be as long as it likes."""
_MOST_LINE = 16 * 1024 * 1024
_CHUNK = 65_536
_SHOWN = 1024
_REMARK = re.compile(rb"#(?!#)")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEX = re.compile(rb"(?:0[xX])?[0-9A-Fa-f]+(?:[\s,:-]+(?:0[xX])?[0-9A-Fa-f]+)*")
_HEX_MARKS = re.compile(rb"\b0[xX]|[\s,:-]")
_HEX_DOCUMENT = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,}")
_SAVED = re.compile(rb'\{.*"(?:hex|packet|request)"\s*:\s*"', re.DOTALL)


class _File(Protocol):
    """What plain and gzipped files have in common."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...

    def peek(self, size: int, /) -> bytes: ...


def read_frames(path: Path, codec: Codec, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """读入报文文件 — a frame a line (hex, or JSON with `hex` or `packet`), bytes as they flowed, or one document.

    Lines are read one by one, however long the file; `#` and a blank begin a remark.
    """
    try:
        with _opened(path) as file:
            if codec.document and not _holds_saved(file):
                yield from _document(codec, _whole(path, file), options)
            elif not _is_text(file):
                yield from _flowed(codec, path, file, options)
            elif _is_one_json(file):
                data = _whole(path, file)
                rows = _row(data)
                for row in rows if isinstance(rows, list) else [rows]:
                    yield _saved(codec, row, data[:_SHOWN], options)
            else:
                for line in _lines(file):
                    yield _line(codec, line, options)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path.name}：{error.__class__.__name__}") from None


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    """The file, unpacked when it is gzipped; its head can be peeked at."""
    with BufferedReader(FileIO(path), _CHUNK) as file:
        if file.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
        else:
            yield file


def _whole(path: Path, file: _File) -> bytes:
    """All of it, as far as it is not a bomb."""
    data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BadInput(f"{path.name}：超过 {_MOST_BYTES} 字节")
    return data


def _document(codec: Codec, data: bytes, options: SessionOptions) -> Iterator[Message]:
    if codec.decode_all is not None:
        yield from codec.decode_all(data, options)
    else:
        yield codec.decode(data, options)


def _flowed(codec: Codec, path: Path, file: _File, options: SessionOptions) -> Iterator[Message]:
    """留存的字节流 — one frame, or all that a connection brought; what names no month has that of the file."""
    data = file.read(_CHUNK)
    if codec.session is None:
        yield from _document(codec, data + _whole(path, file), options)
        return
    message = codec.decode(data, options)
    if isinstance(message, Decoded) and not file.peek(1):
        yield message
        return
    heard = codec.session(replace(options, settings={**options.settings, "require_auth": False}))
    saved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    while data:
        yield from heard.receive(data, saved_at)[0]
        data = file.read(_CHUNK)
    yield from heard.close(saved_at)


def _head(file: _File) -> bytes:
    return file.peek(_CHUNK)[:_CHUNK].removeprefix(codecs.BOM_UTF8).lstrip()


def _holds_saved(file: _File) -> bool:
    """Saved packets of a document codec: JSON with `hex` or `packet`, or a line of nothing but hex."""
    line, ended, _ = _head(file).partition(b"\n")
    known = _packed(_row(line)) is not None or _HEX_DOCUMENT.fullmatch(line.rstrip()) is not None
    return known or (not ended and _SAVED.match(line) is not None)


def _is_text(file: _File) -> bool:
    head = file.peek(_CHUNK)[:_CHUNK]
    return head.startswith(_UTF16) or not any(byte < 9 or 13 < byte < 32 for byte in head)


def _is_one_json(file: _File) -> bool:
    """A list of saved frames, or one that is written over several lines."""
    return _head(file).partition(b"\n")[0].rstrip() in (b"{", b"[") or _head(file).startswith(b"[{")


def _lines(file: _File) -> Iterator[bytes]:
    """Lines that say something, as UTF-8; of one that never ends, its beginning."""
    goes_on = False
    for part in _ended(file):
        skipped, goes_on = goes_on, not part.endswith(b"\n")
        if not skipped:
            found = (line.removeprefix(codecs.BOM_UTF8).strip() for line in part.splitlines())
            yield from (line for line in found if line and not _REMARK.match(line))


def _ended(file: _File) -> Iterator[bytes]:
    """Up to each line's end, or as much of it as is read at once."""
    if file.peek(2)[:2] not in _UTF16:
        yield from iter(lambda: file.readline(_MOST_LINE + 1), b"")
        return
    text = TextIOWrapper(cast(BinaryIO, file), "utf-16", errors="replace")
    try:
        yield from iter(lambda: text.readline(_MOST_LINE + 1).encode("utf-8", "replace"), b"")
    finally:
        text.detach()


def _line(codec: Codec, line: bytes, options: SessionOptions) -> Message:
    """One line: JSON, hex digits, or else the packet itself as text."""
    if len(line) >= _MOST_LINE:
        return Refused(RefusalCode.LENGTH, f"这一行超过 {_MOST_LINE} 字节", line[:_SHOWN])
    if line.startswith(b"{"):
        return _saved(codec, _row(line), line, options)
    frame = _of_hex(line)
    if frame is None and _HEX.fullmatch(line):
        return Refused(RefusalCode.ENCODING, "十六进制位数是奇数", line)
    return codec.decode(frame or line, options)


def _row(line: bytes) -> object:
    try:
        return json.loads(line) if line.lstrip()[:1] in (b"{", b"[") else None
    except (ValueError, RecursionError):
        return None


def _saved(codec: Codec, row: object, raw: bytes, options: SessionOptions) -> Message:
    frame = _packed(row)
    if frame is None:
        return Refused(RefusalCode.ENCODING, "JSON 里没有可用的 hex 或 packet", raw)
    return codec.decode(frame, options)


def _packed(row: object) -> bytes | None:
    """The bytes that a JSON object saves: `hex`, `packet`, or a question and its answer; else None."""
    if not isinstance(row, dict):
        return None
    parts = [row.get(name) for name in (("request", "response") if "request" in row else ("hex",))]
    if all(isinstance(part, str) for part in parts):
        return _of_hex("".join(map(str, parts)).encode("utf-8", "replace"))
    packet = row.get("packet")
    return packet.encode("utf-8", "replace") if isinstance(packet, str) else None


def _of_hex(text: bytes) -> bytes | None:
    """Hex digits as people write them down: in any case, apart or not, with or without 0x."""
    if not _HEX.fullmatch(text):
        return None
    digits = _HEX_MARKS.sub(b"", text)
    return None if len(digits) % 2 else bytes.fromhex(digits.decode("ascii"))


ELEMENT_NAMES = SL651.names | HJ212.names_of_ours | JT808.names
"""本系统的要素名 — every name of ours into which some protocol's code is translated."""


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
