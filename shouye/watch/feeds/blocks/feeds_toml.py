"""feeds.toml — the blocks of a city as written, read into feeds or refused with the place of the fault."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from shouye.watch.feeds.blocks import check_block
from shouye.watch.feeds.model import BadFeed, ElementRule, Feed, Setting, Transport


class _Element(BaseModel):
    model_config = ConfigDict(extra="forbid")
    element: str = ""
    unit: str = ""
    step_s: int | None = Field(default=None, gt=0)
    every_s: int | None = Field(default=None, gt=0)


class _Station(BaseModel):
    model_config = ConfigDict(extra="forbid")
    station: str
    interval_s: int = Field(gt=0)


class _Block(BaseModel):
    """A block as it is written in feeds.toml."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    term: str
    owner: str
    meaning: str
    codec: str
    transport: str
    interval_s: int = Field(gt=0)
    coordinates: str = "WGS-84"
    enabled: bool = True
    any_station: bool = False
    source: str = ""
    sample: str | None = None
    networks: list[IPvAnyNetwork] = []
    station_file: str | None = None
    stations: dict[str, str | _Station] = {}
    elements: dict[str, _Element] = {}
    options: dict[str, Setting] = {}
    settings: dict[str, Setting] = {}


_FAULTS = {"missing": "没有写", "extra_forbidden": "不认识这一项", "string_pattern_mismatch": "写法不对"}


def _read(path: Path, transports: Mapping[str, Transport]) -> dict[str, Feed]:
    if not path.is_file():
        return {}
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFeed(f"{path.name}：{error}") from None
    found: dict[str, Feed] = {}
    for number, row in enumerate(said.get("feed", []), start=1):
        feed = _feed(path, row, f"第 {number} 块 {row.get('name', '')}", transports)
        if feed.name in found:
            raise BadFeed(f"{path.name}：{feed.name} 写了两次")
        found[feed.name] = feed
    return found


def _feed(path: Path, row: dict[str, Any], where: str, transports: Mapping[str, Transport]) -> Feed:
    try:
        block = _Block.model_validate(row, strict=False)
    except ValidationError as error:
        faults = "；".join(
            f"{'.'.join(map(str, one['loc']))} {_FAULTS.get(one['type'], '不对')}" for one in error.errors()[:5]
        )
        raise BadFeed(f"{path.name} {where}：{faults}") from None
    listed = dict(block.stations)
    if block.station_file is not None:
        listed |= _stations(path.parent / block.station_file)
    slow = [one for one in listed.values() if isinstance(one, _Station)]
    feed = Feed(
        name=block.name,
        term=block.term,
        owner=block.owner,
        meaning=block.meaning,
        codec_name=block.codec,
        transport=block.transport,
        interval=timedelta(seconds=block.interval_s),
        coordinates=block.coordinates,
        enabled=block.enabled,
        networks=tuple(block.networks),
        stations={code: one.station if isinstance(one, _Station) else one for code, one in listed.items()},
        paces={one.station: timedelta(seconds=one.interval_s) for one in slow},
        any_station=block.any_station,
        elements={
            name: ElementRule(one.element, one.unit, _seconds(one.step_s), _seconds(one.every_s))
            for name, one in block.elements.items()
        },
        options=block.options,
        settings=block.settings,
        source=block.source,
        sample=path.parent / block.sample if block.sample else None,
    )
    check_block(feed, transports.get(feed.transport), f"{path.name} {where}")
    return feed


def _seconds(said: int | None) -> timedelta | None:
    return timedelta(seconds=said) if said else None


def _stations(path: Path) -> dict[str, str | _Station]:
    """站点表 — code,station: what a source calls it, and our id; interval_s of one that speaks at its own pace."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["code"].strip(): _station(row) for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError):
        raise BadFeed(f"站点表 {path.name} 读不了：要有 code,station 两列") from None
    except ValidationError:
        raise BadFeed(f"站点表 {path.name} 读不了：interval_s 要是大于零的整数（秒）") from None


def _station(row: dict[str, str]) -> str | _Station:
    station, interval_s = row["station"].strip(), (row.get("interval_s") or "").strip()
    return _Station.model_validate({"station": station, "interval_s": interval_s}) if interval_s else station


@dataclass(frozen=True)
class _Blocks:
    """How the blocks of a city are read."""

    read: Callable[[Path, Mapping[str, Transport]], dict[str, Feed]]


BLOCKS = _Blocks(read=_read)
