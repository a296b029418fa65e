"""接入块 — how a city writes down its sources, what a block promises, and what it makes of a saved sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shouye.base.kernel import BEIJING
from shouye.watch.feeds.model import AHEAD, BadFeed, Feed, Transport, all_datums, translate
from shouye.watch.intake import Message, Refused, codec_of
from shouye.watch.observe import Reading


def check_block(feed: Feed, transport: Transport | None, where: str) -> None:
    """接入块检查 — what a block promises must exist: codec, options, coordinates, somebody to believe."""
    codec_of(feed.codec_name)
    if transport is None:
        raise BadFeed(f"{where}：没有传输方式 {feed.transport}")
    strange = sorted(set(feed.options) - set(transport.options))
    lacking = [name for name in transport.required if name not in feed.options]
    if strange or lacking:
        faults = f"不认识 {'、'.join(strange) or '—'}，缺 {'、'.join(lacking) or '—'}"
        raise BadFeed(f"{where}：传输 {feed.transport} {faults}")
    known = (*TRUE_DATUMS, *all_datums())
    if feed.coordinates not in known:
        raise BadFeed(f"{where}：坐标系 {feed.coordinates} 不认识；可用 {'、'.join(known)}")
    if not feed.stations and not feed.any_station:
        raise BadFeed(f"{where}：没有站点表；文档类来源须写 any_station = true")
    transport.check(feed)


TRUE_DATUMS = ("WGS-84", "CGCS2000")
"""The two differ by centimetres and are one here."""


@dataclass(frozen=True)
class Proof:
    """试读 — what a block makes of a saved sample: rows taken, and why others would be refused."""

    messages: int
    readings: tuple[Reading, ...]
    records: int
    refused: tuple[tuple[str, str], ...]
    unmapped: tuple[str, ...]


def prove(feed: Feed, messages: Iterable[Message], heard_at: datetime | None = None) -> Proof:
    """试读 — the block's own rules over messages, without a database; time is as late as the sample needs."""
    many, records = 0, 0
    readings: list[Reading] = []
    refused: list[tuple[str, str]] = []
    unmapped: dict[str, None] = {}
    for message in messages:
        many += 1
        if isinstance(message, Refused):
            refused.append((message.code.value, message.detail))
        elif message.record is not None:
            records += 1
        else:
            times = [one.time for one in message.readings if one.time]
            latest = max(times, default=datetime.max.replace(tzinfo=BEIJING) - AHEAD)
            taken = translate(feed, message, latest, heard_at)
            readings += taken.readings
            refused += taken.refused
            unmapped |= dict.fromkeys(taken.unmapped)
    return Proof(many, tuple(readings), records, tuple(refused), tuple(unmapped))
