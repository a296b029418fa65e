"""读入雨情过程 — open the file, find its format, add what its sidecar declares."""

from __future__ import annotations

import gzip
import tomllib
import zlib
from dataclasses import replace
from pathlib import Path

from shouye.base.kernel import load_shelf
from shouye.watch.intake import codecs
from shouye.watch.intake.model import Declared, DeclaredStation, Storm, StormCodec, UnreadableStorm


def read_storm(path: Path) -> Storm:
    """读入雨情文件 — plain or gzipped, with `<name>.toml` beside it when somebody declared its origin."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableStorm(f"{path.name}：{error.__class__.__name__}") from None
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    for codec in load_shelf(codecs, "CODEC", StormCodec).values():
        if codec.sniff(data):
            return replace(codec.decode(name, data), declared=_declared(path.with_name(f"{name}.toml")))
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
