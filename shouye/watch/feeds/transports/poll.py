"""定时取文件 — a document at an address (CAP, Atom, JSON, CSV), asked for again and again, as gently as it allows.

ETag and Last-Modified are sent back, the moment is jittered, size and time are bounded, a redirect leads nowhere
but to the same host. An index of alerts (Atom, RSS) is followed to the alerts it names, on the same host or those
of `link_hosts`. `${NAME}` in the address is taken from the environment, so that a key is never written down.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from shouye.base.kernel import draw
from shouye.watch.feeds.model import BadFeed, Desk, Feed, Transport
from shouye.watch.feeds.transports import aside, deliver
from shouye.watch.intake import Decoded, Message

_OPTIONS: dict[str, str | int | float | bool] = {
    "url": "",
    "every_s": 60,  # proposed, like all that follow
    "most_bytes": 16 * 1024 * 1024,
    "timeout_s": 30,
    "link_hosts": "",
    "most_links": 200,
}
_JITTER = 0.1
_CHUNK = 65_536
_MOST_REDIRECTS = 3
_AGENT = "shouye/0.1 (+emergency management)"


class _Failed(Exception):
    """Nothing came; the word is counted."""


@dataclass(frozen=True)
class _Answer:
    """What came: no body when nothing has changed."""

    body: bytes | None
    etag: str
    modified: str


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A redirect stays with the host that was asked."""

    max_redirections = _MOST_REDIRECTS

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        asked, told = urlsplit(req.full_url), urlsplit(newurl)
        if told.hostname != asked.hostname or told.scheme not in ("http", "https"):
            raise _Failed("redirected elsewhere")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(feed: Feed, url: str, kept: Mapping[str, Any]) -> _Answer:
    """One request, within its bounds; what goes wrong has a short name."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _Failed("bad address")
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    headers |= {name: kept[key] for name, key in _CONDITIONS.items() if kept.get(key)}
    limit, most = float(feed.option("timeout_s", 30)), int(feed.option("most_bytes", _OPTIONS["most_bytes"]))
    until = time.monotonic() + limit
    opener = urllib.request.build_opener(_SameHost())
    try:
        _check_network(feed, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        asked = urllib.request.Request(url, headers=headers)
        with opener.open(asked, timeout=limit) as answer:
            body = bytearray()
            while piece := answer.read(_CHUNK):
                body += piece
                if len(body) > most:
                    raise _Failed("too large")
                if time.monotonic() > until:
                    raise _Failed("too slow")
            return _Answer(bytes(body), answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304:
            return _Answer(None, str(kept.get("etag", "")), str(kept.get("modified", "")))
        raise _Failed(f"status {error.code}") from None
    except (OSError, HTTPException, ValueError):
        raise _Failed("not reached") from None


_CONDITIONS = {"If-None-Match": "etag", "If-Modified-Since": "modified"}


def _check_network(feed: Feed, host: str, port: int) -> None:
    """Where the block names networks, the server must stand in one of them."""
    if feed.networks:
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if not feed.admits(str(address[0])):
                raise _Failed("foreign network")


def _address(feed: Feed) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda name: os.environ.get(name[1], ""), str(feed.option("url")))


async def _look(feed: Feed, desk: Desk, url: str, place: str, allowed: frozenset[str]) -> list[str]:
    """Fetch one address, hand over what is new; returns where its entries lead."""
    kept = await aside(desk.recall, feed.name, place)
    answer: _Answer = await aside(_fetch, feed, url, kept)
    digest = sha256(answer.body).hexdigest() if answer.body is not None else kept.get("digest")
    if answer.body is None or digest == kept.get("digest"):
        await aside(desk.note, feed.name, "unchanged")
        return [link for link in kept.get("links", []) if link not in kept.get("read", [])]
    messages = await aside(_decoded, feed, answer.body)
    links = [link for link in _links(messages, url) if urlsplit(link).hostname in allowed]
    links = links[: int(feed.option("most_links", _OPTIONS["most_links"]))]
    await deliver(desk, feed, messages, urlsplit(url).hostname or "")
    read = [link for link in kept.get("read", []) if link in links]
    now = {"etag": answer.etag, "modified": answer.modified, "digest": digest, "links": links, "read": read}
    await aside(desk.remember, feed.name, place, now)
    return [link for link in links if link not in read]


def _decoded(feed: Feed, body: bytes) -> Sequence[Message]:
    return feed.read(body)


def _links(messages: Sequence[Message], url: str) -> list[str]:
    """Where the entries of an index say that the alerts lie."""
    found = [
        urljoin(url, str(message.fields.get("link", "")))
        for message in messages
        if isinstance(message, Decoded) and message.function == "entry" and message.fields.get("link")
    ]
    return list(dict.fromkeys(found))


async def _once(feed: Feed, desk: Desk) -> None:
    """The address of the block, and the alerts that its index names and that were not read yet."""
    url = _address(feed)
    place = str(feed.option("url"))  # without what the environment filled in
    allowed = frozenset({urlsplit(url).hostname or "", *str(feed.option("link_hosts")).split()})
    for link in await _look(feed, desk, url, place, allowed):
        try:
            answer: _Answer = await aside(_fetch, feed, link, {})
        except _Failed as failed:
            await aside(desk.note, feed.name, f"link: {failed}")
            continue
        messages = await aside(_decoded, feed, answer.body or b"")
        await deliver(desk, feed, messages, urlsplit(link).hostname or "")
        kept = await aside(desk.recall, feed.name, place)
        await aside(desk.remember, feed.name, place, {**kept, "read": [*kept.get("read", []), link]})


async def _run(feed: Feed, desk: Desk) -> None:
    every = float(feed.option("every_s", _OPTIONS["every_s"]))
    number = 0
    while True:
        try:
            await _once(feed, desk)
        except _Failed as failed:
            await aside(desk.note, feed.name, f"fetch: {failed}")
        number += 1
        await asyncio.sleep(every * (1 + _JITTER * (2 * draw(0, feed.name, number) - 1)))


def _check(feed: Feed) -> None:
    parts = urlsplit(str(feed.option("url")))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadFeed(f"{feed.name}：url 须是 http 或 https 地址")
    if parts.password:
        raise BadFeed(f"{feed.name}：地址里不得写口令，请用 ${{环境变量}}")


TRANSPORT = Transport(term="定时取文件", run=_run, options=_OPTIONS, required=("url",), check=_check)
