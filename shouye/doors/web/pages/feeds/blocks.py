"""接入块在哪里 — the blocks in the city's file as they are now; a file that cannot be read is said, not hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shouye.base.kernel import NotFound, Refusal
from shouye.doors.web.context import CityContext
from shouye.watch.feeds import Feed, prove, read_feeds
from shouye.watch.intake import read_frames


@dataclass(frozen=True)
class Blocks:
    """接入块 — by name; `fault`: the file cannot be read, these are the blocks of when the program started."""

    feeds: Mapping[str, Feed]
    fault: str = ""

    def one(self, name: str) -> Feed:
        if name not in self.feeds:
            raise NotFound(f"接入块 {name}")
        return self.feeds[name]


def blocks(city: CityContext) -> Blocks:
    """As the file says now, so that a mended block can be tried at once."""
    if city.folder is None:
        return Blocks({})
    try:
        return Blocks(read_feeds(city.folder / "feeds.toml"))
    except Refusal as refusal:
        return Blocks(city.reception.feeds if city.reception else {}, refusal.message)


@dataclass(frozen=True)
class Proven:
    """样本试读 — in words, and whether the block took all of its sample."""

    word: str
    sound: bool


NO_SAMPLE = Proven("没有样本", False)


def proven(city: CityContext, feed: Feed) -> Proven:
    """What the block makes of the sample saved beside it; tried again when either file has changed."""
    if city.folder is None or feed.sample is None:
        return NO_SAMPLE
    path = city.folder / "feeds.toml"
    stamps = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in (path, feed.sample))
    return _proven(path, feed.name, stamps)


@lru_cache(maxsize=256)
def _proven(path: Path, name: str, stamps: tuple[int, ...]) -> Proven:
    feed = read_feeds(path)[name]
    if feed.sample is None or not stamps[1]:
        return Proven("样本文件不在", False)
    proof = prove(feed, read_frames(feed.sample, feed.codec, feed.session_options))
    if proof.refused:
        return Proven(f"样本拒收 {len(proof.refused)} 条", False)
    many = len(proof.readings) + proof.records
    return Proven(f"样本通过，{many} 个数", True) if many else Proven("样本里没有数", False)
