"""收数 — the one writer behind all transports: parcels in, one commit for many, answers after the commit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

import structlog

from shouye.base.kernel import Database, NotFound, Refusal
from shouye.watch import downlink, tally
from shouye.watch.feeds import service, store, transports
from shouye.watch.feeds.model import Feed, Outcome, Parcel, Receipt, Step, raw_of
from shouye.watch.intake import Message, RefusalCode, Refused

_log = structlog.get_logger(__name__)
_MOST_WAITING = 2_000
"""Parcels in the queue; a transport that finds it full waits, and so does its sender."""
_MOST_TOGETHER = 4_000
"""Messages in one commit, so that the first of them does not wait long."""
_MOST_LOADED = 1_000
_LOOK_S = 0.5
_GATHER_S = 0.006
"""合并提交 — how long a commit waits for company at most, and only while there has been some (design.md 4)."""
_STEP_S = 0.002
"""How often it looks whether all have come."""


class StorageAway(Refusal):
    """数据库暂时写不进去，这批数据没有收下，请稍后重发。"""


class Reception:
    """接收台 — what transports and the HTTP door hand parcels to; it stores them in the order they came.

    While one commit is under way the next parcels gather; where several senders speak, a commit waits for all of
    them, six milliseconds at most.
    """

    def __init__(self, database: Database, feeds: Mapping[str, Feed]) -> None:
        self.feeds = dict(feeds)
        self.ports: dict[str, int] = {}
        self._database = database
        self._waiting: queue.Queue[Parcel] = queue.Queue(_MOST_WAITING)
        self._over = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What waits is still stored; then the writer ends."""
        self._over.set()
        self._thread.join(timeout=30)

    @contextmanager
    def running(self, *, transported: bool = True) -> Iterator[None]:
        """接入运行 — the writer and, if wanted, every transport of the enabled feeds, until the block ends."""
        known = transports.all_transports()
        wanted = [(feed, known[feed.transport]) for feed in self.feeds.values() if feed.enabled and transported]
        self.start()
        try:
            end = transports.hear(wanted, self)
            try:
                yield
            finally:
                end()
        finally:
            self.stop()

    def now(self) -> datetime:
        return self._database.clock.now()

    def feed(self, name: str) -> Feed:
        if name not in self.feeds or not self.feeds[name].enabled:
            raise NotFound(f"接入块 {name}")
        return self.feeds[name]

    def offer(self, parcel: Parcel) -> bool:
        if self._over.is_set():
            parcel.answer.set_exception(StorageAway("正在停机"))
            return True
        try:
            self._waiting.put_nowait(parcel)
        except queue.Full:
            return False
        return True

    def push(self, feed: str, messages: Sequence[Message], peer: str = "", wait_s: float = 30) -> Receipt:
        """推送 — for a caller with a thread of its own: stored when it returns."""
        parcel = Parcel(self.feed(feed), tuple(messages), peer)
        try:
            self._waiting.put(parcel, timeout=wait_s)
        except queue.Full:
            raise StorageAway("排队已满") from None
        return parcel.answer.result(timeout=wait_s)

    def recall(self, feed: str, place: str) -> Mapping[str, Any]:
        with self._database.read() as tx:
            return service.recall(tx, feed, place)

    def remember(self, feed: str, place: str, kept: Mapping[str, Any]) -> None:
        with self._database.begin() as tx:
            service.remember(tx, feed, place, dict(kept))

    def opened(self, feed: str, port: int) -> None:
        self.ports[feed] = port

    def orders(self, feed: str) -> list[downlink.Order]:
        with self._database.read() as tx:
            return downlink.outstanding(tx, feed)

    def follow(self, steps: Sequence[Step]) -> None:
        with self._database.begin() as tx:
            for number, state, told in steps:
                downlink.moved(tx, number, state, told)

    def note(self, feed: str, what: str, many: int = 1) -> None:
        try:
            with self._database.begin() as tx:
                tally.note(tx, feed, what, many)
        except Exception as error:  # noqa: BLE001 - a count that cannot be kept must not stop the listening
            _log.warning("count_lost", feed=feed, what=what, error=str(error)[:200])

    def _run(self) -> None:
        company = 1
        while not (self._over.is_set() and self._waiting.empty()):
            try:
                parcels = [self._waiting.get(timeout=_LOOK_S)]
            except queue.Empty:
                continue
            self._gather(company)
            many = len(parcels[0].messages)
            while many < _MOST_TOGETHER:
                try:
                    parcels.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
                many += len(parcels[-1].messages)
            company = len(parcels)
            self._store(parcels)

    def _gather(self, company: int) -> None:
        """Wait for as many as came together the last time."""
        for _ in range(round(_GATHER_S / _STEP_S)):
            if self._waiting.qsize() + 1 >= company or self._over.wait(_STEP_S):
                return

    def _store(self, parcels: list[Parcel]) -> None:
        try:
            with self._database.begin() as tx:
                receipts = service.take(tx, parcels)
        except store.UNSTORABLE as error:
            _log.error("unstorable", error=f"{type(error).__name__}: {error}"[:300])
            for parcel in parcels:
                self._store_one_by_one(parcel)
            return
        except Exception as error:  # noqa: BLE001 - the senders are told that it was not stored; they send again
            if not self._away:  # said once, not for every parcel of an outage
                _log.warning("storage_away", error=f"{type(error).__name__}: {error}"[:300])
            self._away = True
            for parcel in parcels:
                _fail(parcel, error)
            return
        if self._away:
            _log.warning("storage_back")
        self._away = False
        for parcel, receipt in zip(parcels, receipts, strict=True):
            if parcel.answer.set_running_or_notify_cancel():
                parcel.answer.set_result(receipt)

    def _store_one_by_one(self, parcel: Parcel) -> None:
        """A message that cannot be stored must not take the others with it: it goes to quarantine by itself."""
        outcomes: list[Outcome] = []
        try:
            for message in parcel.messages:
                outcomes += self._store_alone(parcel, message)
        except Exception as error:  # noqa: BLE001 - as above: not stored, and the sender is told so
            _fail(parcel, error)
            return
        if parcel.answer.set_running_or_notify_cancel():
            parcel.answer.set_result(Receipt(tuple(outcomes)))

    def _store_alone(self, parcel: Parcel, message: Message) -> tuple[Outcome, ...]:
        try:
            with self._database.begin() as tx:
                return service.take(tx, [replace(parcel, messages=(message,))])[0].outcomes
        except store.UNSTORABLE as error:
            raw = message.raw if isinstance(message, Refused) else raw_of(parcel.feed, message)
            refused = Refused(RefusalCode.UNSUPPORTED, f"存不下：{type(error).__name__}", raw, message.station)
            with self._database.begin() as tx:
                return service.take(tx, [replace(parcel, messages=(refused,))])[0].outcomes


def _fail(parcel: Parcel, error: Exception) -> None:
    if parcel.answer.set_running_or_notify_cancel():
        parcel.answer.set_exception(StorageAway(type(error).__name__))


def load(database: Database, feed: Feed, messages: Iterable[Message], peer: str) -> Iterator[Outcome]:
    """一次性导入 — a saved file as if it had come over its feed: part by part, each stored before it is told."""
    waiting = iter(messages)
    while part := tuple(islice(waiting, _MOST_LOADED)):
        with database.begin() as tx:
            (receipt,) = service.take(tx, [Parcel(feed, part, peer)])
        yield from receipt.outcomes


@contextmanager
def reception(database: Database, feeds: Mapping[str, Feed]) -> Iterator[Reception]:
    """接入运行 — a desk with all its transports, until the block ends."""
    desk = Reception(database, feeds)
    with desk.running():
        yield desk


def listen(database: Database, feeds: Mapping[str, Feed], stop: threading.Event) -> None:
    """收听 — all transports until `stop`; for a process that does nothing else."""
    with reception(database, feeds):
        stop.wait()
