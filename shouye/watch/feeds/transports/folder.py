"""投放文件夹 — a department drops files; each is read when it has come to rest, and again when it changes.

Files stay where they are and as they are; what was read is remembered by content, so that a restart reads nothing
twice, and the same rows again would change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from shouye.watch.feeds.model import BadFeed, Desk, Feed, Transport
from shouye.watch.feeds.transports import MOST_IN_PARCEL, aside, deliver
from shouye.watch.intake import Message, read_messages

_OPTIONS: dict[str, str | int | float | bool] = {
    "path": "",
    "pattern": "*.csv",
    "every_s": 10,  # proposed, like all that follow
    "most_bytes": 64 * 1024 * 1024,
    "most_files": 1_000,
}


_Seen = tuple[int, int, Path]
"""(when it was written last, its size, where it lies)."""


def _files(feed: Feed) -> list[_Seen]:
    """The files that match, oldest first, as they are now; no link leads out of the folder."""
    folder = Path(str(feed.option("path")))
    found = []
    for path in folder.glob(str(feed.option("pattern", _OPTIONS["pattern"]))):
        if path.is_file() and not path.is_symlink():
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    return sorted(found)[-int(feed.option("most_files", _OPTIONS["most_files"])) :]


def _content(path: Path, most: int) -> bytes | None:
    """Its bytes; None when it is too large to be read."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    return data if len(data) <= most else None


async def _read(feed: Feed, desk: Desk, seen: _Seen) -> None:
    changed_ns, size, path = seen
    kept = await aside(desk.recall, feed.name, path.name)
    if (kept.get("size"), kept.get("changed_ns")) == (size, changed_ns):
        return
    data = await aside(_content, path, int(feed.option("most_bytes", _OPTIONS["most_bytes"])))
    digest = sha256(data).hexdigest() if data is not None else ""
    if data is None:
        await aside(desk.note, feed.name, "file too large")
    elif digest != kept.get("digest"):
        messages = read_messages(feed.codec, data, feed.session_options)
        while part := await aside(_some, messages):
            await deliver(desk, feed, part, path.name)
    now = {"size": size, "changed_ns": changed_ns, "digest": digest}
    await aside(desk.remember, feed.name, path.name, now)


def _some(messages: Iterator[Message]) -> list[Message]:
    return list(islice(messages, MOST_IN_PARCEL))


async def _run(feed: Feed, desk: Desk) -> None:
    """A file is at rest when two looks in a row see it the same."""
    before: list[_Seen] = []
    while True:
        now = await aside(_files, feed)
        for seen in now:
            if seen in before:
                try:
                    await _read(feed, desk, seen)
                except OSError:
                    await aside(desk.note, feed.name, "file not read")
        before = now
        await asyncio.sleep(float(feed.option("every_s", _OPTIONS["every_s"])))


def _check(feed: Feed) -> None:
    if feed.enabled and not Path(str(feed.option("path"))).is_dir():
        raise BadFeed(f"{feed.name}：没有文件夹 {feed.option('path')}")
    if ".." in str(feed.option("pattern")):
        raise BadFeed(f"{feed.name}：pattern 不得含 ..")


TRANSPORT = Transport(term="投放文件夹", run=_run, options=_OPTIONS, required=("path",), check=_check)
