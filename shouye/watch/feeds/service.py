"""接入 — take what came in: store readings and records, hold back what cannot be taken, count all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shouye.base.access import WHOLE, Actor, Scope, covers
from shouye.base.kernel import NotFound, Tx, canonical, record
from shouye.base.pulse import Probe, Voice
from shouye.base.roster import Roster
from shouye.watch import observe, tally
from shouye.watch.feeds import store, transports
from shouye.watch.feeds.blocks.feeds_toml import BLOCKS
from shouye.watch.feeds.facts import SignalHeard
from shouye.watch.feeds.model import (
    FOREIGN,
    UNLISTED,
    Feed,
    HeardSignal,
    Outcome,
    Parcel,
    Receipt,
    Standing,
    Taken,
    doubts_of,
    raw_of,
    translate,
)
from shouye.watch.intake import STANDARD, Decoded, HotSpot, Message, QuakeEvent, Refused, Signal, codec_of
from shouye.watch.observe import Reading
from shouye.watch.stations import gauges

_QUAKE = TypeAdapter(QuakeEvent)
_SPOT = TypeAdapter(HotSpot)

_SIGNAL_AHEAD = timedelta(days=1)
"""An official warning of the day after tomorrow is of a clock gone wild, or forged; `proposed`."""

Key = tuple[str, str, int, datetime, int]


def take(tx: Tx, parcels: Sequence[Parcel]) -> list[Receipt]:
    """收数 — one outcome for every message; whoever calls acknowledges only after the commit."""
    work = _Work(tx)
    places = [[work.add(parcel, message) for message in parcel.messages] for parcel in parcels]
    work.store()
    return [Receipt(tuple(work.outcomes[place] for place in one)) for one in places]


class _Work:
    """One transaction's worth of messages: gathered, stored in one go, each with its outcome."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._counts: Counter[tuple[str, str]] = Counter()
        self._unmapped: Counter[tuple[str, str]] = Counter()
        self._held: list[dict[str, Any]] = []
        self._readings: list[Reading] = []
        self._owners: list[tuple[int, int]] = []
        """Which readings (from, to) belong to which message."""
        self._quakes: list[tuple[int, Feed, QuakeEvent]] = []
        self._spots: list[tuple[int, Feed, HotSpot]] = []
        self._feeds: list[str] = []
        self._spoken: dict[Scope, frozenset[str] | None] = {}
        """The stations for which a key of this scope speaks; None: for all."""
        self.outcomes: list[Outcome] = []

    def add(self, parcel: Parcel, message: Message) -> int:
        """Returns the place of its outcome, which stands after `store`."""
        place = len(self.outcomes)
        begin = len(self._readings)
        self.outcomes.append(self._first(parcel, message, place))
        self._owners.append((begin, len(self._readings)))
        self._feeds.append(parcel.feed.name)
        return place

    def _first(self, parcel: Parcel, message: Message, place: int) -> Outcome:
        feed = parcel.feed
        if isinstance(message, Refused):
            return self._refuse(parcel, message.code.value, message.detail, message.station, message.raw)
        if not feed.any_station and message.station not in feed.stations and not _speaks_for_others(message):
            detail = f"测站 {message.station or '（空）'} 不在接入块 {feed.name} 的站点表里"
            return self._refuse(parcel, UNLISTED, detail, message.station, raw_of(feed, message))
        if message.record is not None:
            return self._record(parcel, message, place)
        taken = translate(feed, message, self._tx.now, parcel.heard_at)
        if (foreign := self._foreign(parcel.scope, taken.readings)) is not None:
            return self._refuse(
                parcel, FOREIGN, f"测站 {foreign} 不在密钥的管辖范围", foreign, raw_of(feed, message)
            )
        for element in taken.unmapped:
            self._unmapped[feed.name, _writable(element)] += 1
        self._readings += taken.readings
        if taken.refused:
            return self._partly(parcel, message, taken)
        if taken.is_test:
            return Outcome(Standing.TEST)
        if taken.readings:
            return Outcome(Standing.ACCEPTED)
        strange = "、".join(_writable(element) for element in taken.unmapped[:5])
        return Outcome(Standing.NOTED, detail=f"没有对照的要素：{strange}" if strange else "")

    def _foreign(self, scope: Scope, readings: Sequence[Reading]) -> str | None:
        """The first station for which a key of this scope may not speak."""
        if scope not in self._spoken:
            everywhere = scope == WHOLE or covers(self._tx, scope, self._tx.of(Roster).city.id)
            self._spoken[scope] = None if everywhere else frozenset(gauges(self._tx, scope))
        mine = self._spoken[scope]
        return None if mine is None else next((one.station for one in readings if one.station not in mine), None)

    def _partly(self, parcel: Parcel, message: Decoded, taken: Taken) -> Outcome:
        code = taken.refused[0][0]
        detail = _writable("；".join(dict.fromkeys(sentence for _, sentence in taken.refused))[:500])
        refused = self._refuse(parcel, code, detail, message.station, raw_of(parcel.feed, message))
        return Outcome(Standing.ACCEPTED, code, f"部分拒收：{detail}") if taken.readings else refused

    def _refuse(self, parcel: Parcel, code: str, detail: str, station: str, raw: bytes) -> Outcome:
        detail = _writable(detail)
        self._held.append(
            {
                "feed": parcel.feed.name,
                "code": code,
                "detail": detail,
                "station": _writable(station[:80]),
                "peer": parcel.peer,
                "raw": raw,
            }
        )
        self._counts[parcel.feed.name, f"refused {code}"] += 1
        return Outcome(Standing.REFUSED, code, detail)

    def _record(self, parcel: Parcel, message: Decoded, place: int) -> Outcome:
        record = message.record
        if isinstance(record, Signal):
            if record.sent > self._tx.now + _SIGNAL_AHEAD:
                detail = f"发布时间 {record.sent:%Y-%m-%d %H:%M} 还没有到"
                return self._refuse(parcel, "time", detail, message.station, record.raw)
            return self._signal(parcel.feed, record)
        if isinstance(record, QuakeEvent):
            self._quakes.append((place, parcel.feed, record))
        elif isinstance(record, HotSpot):
            self._spots.append((place, parcel.feed, record))
        return Outcome(Standing.ACCEPTED)

    def _signal(self, feed: Feed, one: Signal) -> Outcome:
        """官方预警 — kept byte for byte; the same bytes again change nothing. A Cancel is kept like any other."""
        row = {
            "feed": feed.name,
            "heard_at": self._tx.now,
            "sender": _writable(one.sender[:200]),
            "identifier": _writable(one.identifier[:200]),
            "sent": one.sent,
            "kind": one.kind,
            "status": one.status,
            "part": one.part,
            "digest": one.digest,
            "content": one.content or one.digest,
            "codec": feed.codec_name,
        }
        number = store.put_signal(self._tx, row, one.raw)
        if number is None:
            return Outcome(Standing.DUPLICATE)
        level = one.level.value if one.level else None
        heard = SignalHeard(
            subject=f"signal:{number}",
            feed=feed.name,
            message_type=one.kind,
            status=one.status,
            level=level,
            digest=one.digest,
        )
        record(self._tx, heard)
        return Outcome(Standing.ACCEPTED)

    def store(self) -> None:
        self._store_readings()
        self._store_quakes()
        self._store_spots()
        if self._held:
            tally.hold(self._tx, self._held)
        for feed, outcome in zip(self._feeds, self.outcomes, strict=True):
            self._counts[feed, outcome.standing.value] += 1
        tally.count(self._tx, self._counts)
        tally.count_unmapped(self._tx, self._unmapped)
        self._keep_pace()

    def _store_readings(self) -> None:
        if not self._readings:
            return
        keys = [_key(reading) for reading in self._readings]
        stored = observe.store_batch(self._tx, self._readings)
        if stored == len(keys):
            return
        fresh = self._fresh(stored)
        for place, (begin, end) in enumerate(self._owners):
            if self.outcomes[place].standing is not Standing.ACCEPTED or begin == end:
                continue
            mine = [key for key in keys[begin:end] if key in fresh]
            if mine:
                fresh.difference_update(mine)  # the first to bring it had it accepted
            else:
                self.outcomes[place] = Outcome(Standing.DUPLICATE, detail=self.outcomes[place].detail)

    def _keep_pace(self) -> None:
        """来数快慢 — how many messages of each feed in this minute, and how late their readings were."""
        now = self._tx.now
        late: dict[str, list[datetime]] = {}
        for feed, (begin, end) in zip(self._feeds, self._owners, strict=True):
            late.setdefault(feed, []).extend(reading.time for reading in self._readings[begin:end])
        refused = Counter(
            feed
            for feed, outcome in zip(self._feeds, self.outcomes, strict=True)
            if outcome.standing is Standing.REFUSED
        )
        every = Counter(self._feeds)
        tally.keep_pace(
            self._tx,
            [
                tally.Minute(
                    feed,
                    now.replace(second=0, microsecond=0),
                    every[feed] - refused[feed],
                    refused[feed],
                    _lag_s(now, max(times)) if times else None,
                    _lag_s(now, min(times)) if times else None,
                )
                for feed, times in sorted(late.items())
            ],
        )

    def _fresh(self, stored: int) -> set[Key]:
        if not stored:
            return set()
        return {_key(reading) for reading in observe.stored_in(self._tx, observe.newest_batch(self._tx))}

    def _store_quakes(self) -> None:
        if not self._quakes:
            return
        known = store.known_quakes(self._tx, (event.id for _, _, event in self._quakes))
        rows = []
        for place, feed, event in self._quakes:
            said = _QUAKE.dump_python(event, mode="json")
            updated = event.updated or event.time or self._tx.now
            key = (event.id, updated, sha256(canonical(said).encode()).hexdigest())
            if key in known:
                self.outcomes[place] = Outcome(Standing.DUPLICATE)
                continue
            known.add(key)
            row = dict(zip(("event", "updated", "digest"), key, strict=True))
            rows.append({**row, "feed": feed.name, "time": event.time, "said": said})
        if rows:
            store.put_quakes(self._tx, rows)

    def _store_spots(self) -> None:
        if not self._spots:
            return
        known = store.known_spots(self._tx, (spot.time for _, _, spot in self._spots))
        rows: dict[tuple[datetime, float, float, str], dict[str, Any]] = {}
        for place, feed, spot in self._spots:
            key = (spot.time, spot.lat, spot.lon, spot.satellite)
            is_final = not spot.version.endswith("RT")
            if key in known and not (is_final and not known[key]):
                self.outcomes[place] = Outcome(Standing.DUPLICATE)
                continue
            known[key] = is_final
            row = dict(zip(("time", "lat", "lon", "satellite"), key, strict=True))
            said = _SPOT.dump_python(spot, mode="json")
            rows[key] = {**row, "is_final": int(is_final), "feed": feed.name, "said": said}
        if rows:
            store.put_hot_spots(self._tx, list(rows.values()))


def _writable(text: str) -> str:
    """Text that every database takes: no NUL, no half of a character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "␀")


def _speaks_for_others(message: Decoded) -> bool:
    """A gateway that speaks for stations: each value is looked at by its own station."""
    return bool(message.readings) and all(reading.station for reading in message.readings)


def _lag_s(now: datetime, time: datetime) -> int:
    return max(0, int((now - time).total_seconds()))


def _key(reading: Reading) -> Key:
    return reading.station, reading.element, int(reading.step.total_seconds()), reading.time, reading.revision


def read_voices(path: Path) -> dict[str, Probe]:
    """听谁 — every feed; every gauge in use, and its elements, under the feed that brings it most often."""
    blocks = read_feeds(path)
    seldom_first = sorted(blocks.values(), key=lambda feed: (feed.interval, feed.name), reverse=True)
    feed_of = {station: feed.name for feed in seldom_first if feed.enabled for station in feed.stations.values()}
    return {
        "feed": lambda tx: voices(tx, blocks.values()),
        "station": lambda tx: observe.voices(tx, feed_of),
        "series": lambda tx: observe.series_voices(tx, feed_of),
    }


def read_measures(path: Path, recorded: Mapping[str, frozenset[str]], judged: frozenset[str]) -> observe.Measures:
    """应测要素 — with what the enabled feeds of feeds.toml bring of each station, and how often."""
    carried: dict[str, frozenset[str]] = {}
    every: dict[tuple[str, str], timedelta] = {}
    for feed in read_feeds(path).values():
        rules = [rule for rule in feed.elements.values() if rule.element]
        for station in feed.stations.values() if feed.enabled else ():
            carried[station] = carried.get(station, frozenset()) | {rule.element for rule in rules}
            paces = {(station, rule.element): rule.every for rule in rules if rule.every}
            for key, pace in {(station, ""): feed.paces.get(station, feed.interval), **paces}.items():
                every[key] = min(every.get(key, pace), pace)  # of two feeds the one that speaks more often
    return observe.Measures(recorded, carried, every, judged)


def voices(tx: Tx, feeds: Iterable[Feed]) -> list[Voice]:
    """应有的声音 — every enabled feed, heard when something of it was taken."""
    taken = (Standing.ACCEPTED, Standing.DUPLICATE, Standing.TEST, Standing.NOTED)
    last: dict[str, datetime] = {}
    for count in tally.counts(tx):
        if count.what in taken:
            last[count.feed] = max(count.last_at, last.get(count.feed, count.last_at))
    return [
        Voice("feed", feed.name, feed.term, feed.interval, last.get(feed.name)) for feed in feeds if feed.enabled
    ]


def retry_held(tx: Tx, actor: Actor, feed: Feed, number: int) -> Receipt:
    """重试 — decode it again with the block as it is now; what is taken leaves the quarantine."""
    one = tally.held_one(tx, actor.scope, number)
    if one.state != "held" or one.feed != feed.name:
        raise tally.NotHeld(f"第 {number} 条")
    again = _Work(tx)
    parcel = Parcel(feed, feed.read(one.raw), one.peer, one.at)
    places = [again.add(parcel, message) for message in parcel.messages]
    again.store()
    receipt = Receipt(tuple(again.outcomes[place] for place in places))
    told = "；".join(dict.fromkeys(f"{one.standing.word} {one.detail}".strip() for one in receipt.outcomes))
    standings = Counter(outcome.standing.value for outcome in receipt.outcomes)
    tally.settle_retried(tx, actor, number, dict(sorted(standings.items())), told)
    return receipt


def recall(tx: Tx, feed: str, place: str) -> dict[str, Any]:
    """记住的位置 — what a transport kept of this address or file."""
    return store.recall(tx, feed, place)


def remember(tx: Tx, feed: str, place: str, kept: dict[str, Any]) -> None:
    store.remember(tx, feed, place, kept)


def signals(tx: Tx, since: datetime | None = None, limit: int = 1000) -> list[store.StoredSignal]:
    """官方预警 — newest first, as they came."""
    return store.signals(tx, since, limit)


def heard_signals(tx: Tx, scope: Scope, feeds: Mapping[str, Feed], limit: int) -> list[HeardSignal]:
    """听到的官方预警 — the latest first, each with what speaks against it; the city's duty asks its sender."""
    if scope != WHOLE and not covers(tx, scope, tx.of(Roster).city.id):
        return []
    documents: dict[str, dict[int, Signal]] = {}
    latest = _as_heard(store.signals_heard(tx, limit), feeds, documents)
    meant = {identifier for one in latest for identifier in one.meant}
    first = {one.signal.identifier: one for one in _as_heard(store.signals_named(tx, meant), feeds, documents)}
    return [replace(one, doubts=doubts_of(one, first)) for one in latest]


def _as_heard(
    stored: Iterable[store.StoredSignal], feeds: Mapping[str, Feed], documents: dict[str, dict[int, Signal]]
) -> list[HeardSignal]:
    """Read again by the codec and the block of each; a document of many is read once."""
    found = []
    for one in stored:
        if one.digest not in documents:
            options = feeds[one.feed].session_options if one.feed in feeds else STANDARD
            codec = codec_of(one.codec)
            read = codec.decode_all(one.raw, options) if codec.decode_all else [codec.decode(one.raw, options)]
            said = [message.record for message in read if isinstance(message, Decoded)]
            documents[one.digest] = {signal.part: signal for signal in said if isinstance(signal, Signal)}
        if (signal := documents[one.digest].get(one.part)) is not None:
            found.append(HeardSignal(one.id, one.feed, one.heard_at, signal))
    return found


def signal_of(tx: Tx, number: int) -> store.StoredSignal:
    found = store.signal_of(tx, number)
    if found is None:
        raise NotFound(f"官方预警 {number}")
    return found


def quakes(tx: Tx, since: datetime, until: datetime) -> list[QuakeEvent]:
    """地震 — every revision of the events between the two instants; `intake.newest` chooses."""
    return [_QUAKE.validate_python(said) for said in store.quakes(tx, since, until)]


def hot_spots(tx: Tx, since: datetime, until: datetime) -> list[HotSpot]:
    """卫星热点 — each pixel once; `intake.places` joins the passes over one fire."""
    return [_SPOT.validate_python(said) for said in store.hot_spots(tx, since, until)]


def read_feeds(path: Path) -> dict[str, Feed]:
    """读入接入块 — feeds.toml of a city; one wrong block refuses the file: no source is left out unseen."""
    return BLOCKS.read(path, transports.all_transports())
