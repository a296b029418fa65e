"""数据接入 — a source pushes what it has; the answer says of every row what became of it, after the commit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shouye.base.access import Scope
from shouye.base.kernel import Forbidden, Refusal
from shouye.doors.web.api import View
from shouye.doors.web.api import router as api
from shouye.doors.web.visit import ApiPush, ApiSee
from shouye.watch import feeds, tally
from shouye.watch.feeds import Feed, Outcome, Parcel, Standing
from shouye.watch.intake import Message

router = api("数据接入")

_FULL_PAUSE_S = 0.01
_AT_ONCE = 4_096
"""A body as small as this is read at once; a larger one in a thread, so that it holds up nobody."""
_MOST_TOGETHER = 1_000
_GZIP = b"\x1f\x8b"
_BODY_S = 30
"""How long a body may take to come; `proposed`."""


class NoIntake(Refusal):
    """本进程不接收数据。"""


class RowView(BaseModel):
    """一行的下落 — `row` counts from 1, as in the document that came."""

    row: int
    standing: Standing
    word: str
    code: str = ""
    detail: str = ""


class PushView(BaseModel):
    """收数回执 — every row in exactly one standing; what is accepted is on disk."""

    feed: str
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    test: int = 0
    noted: int = 0
    rows: list[RowView] = Field(description="逐行的下落，次序与来数相同")


class FeedView(View):
    """数据来源 — its block in short, and what has come so far."""

    name: str
    term: str
    owner: str
    meaning: str
    transport: str
    enabled: bool
    counts: dict[str, int]


_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}


@router.post("/push", response_model=PushView, openapi_extra={"requestBody": _BODY})
async def push(visit: ApiPush, request: Request) -> Response:
    """推送 — the key says which feed; the body is a document or frames of that feed's protocol.

    200 when something was taken, 422 when every row was refused: the rows say why.
    """
    desk = visit.city.reception
    if desk is None:
        raise NoIntake
    feed = desk.feed(visit.actor.feed)
    peer = request.client.host if request.client else ""
    if feed.transport != "http" or not feed.admits(peer):
        await asyncio.to_thread(desk.note, feed.name, "foreign network")
        raise Forbidden("这个来源不在接入块允许的网络里，或不用 HTTP 推送")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415)
    try:
        async with asyncio.timeout(_BODY_S):
            body = await request.body()
    except TimeoutError:
        raise HTTPException(408) from None
    if body.startswith(_GZIP):
        raise HTTPException(415)
    small = len(body) <= _AT_ONCE
    messages = _read(feed, body, desk) if small else await asyncio.to_thread(_read, feed, body, desk)
    if not messages:
        raise HTTPException(400)
    told = _told(feed.name, await _deliver(desk, feed, messages, peer, visit.actor.scope))
    taken = told["accepted"] + told["duplicate"] + told["noted"] + told["test"]
    return JSONResponse(told, 200 if taken else 422)


def _read(feed: Feed, body: bytes, desk: feeds.Reception) -> Sequence[Message]:
    """The body as the feed's own protocol says."""
    codec, options = feed.codec, feed.session_options
    if codec.decode_all is not None:
        return list(codec.decode_all(body, options))
    if codec.session is None or codec.document:
        return [codec.decode(body, options)]
    session = codec.session(options)
    messages, _ = session.receive(body, desk.now())
    return [*messages, *session.close(desk.now())]


async def _deliver(
    desk: feeds.Reception, feed: Feed, messages: Sequence[Message], peer: str, scope: Scope
) -> list[Outcome]:
    """A long document in several commits, so that nobody waits behind all of it."""
    outcomes: list[Outcome] = []
    for at in range(0, len(messages), _MOST_TOGETHER):
        parcel = Parcel(feed, tuple(messages[at : at + _MOST_TOGETHER]), peer, scope=scope)
        while not desk.offer(parcel):
            await asyncio.sleep(_FULL_PAUSE_S)
        outcomes += (await asyncio.wrap_future(parcel.answer)).outcomes
    return outcomes


def _told(feed: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    counts = Counter(outcome.standing for outcome in outcomes)
    rows = [
        {
            "row": number,
            "standing": outcome.standing.value,
            "word": outcome.standing.word,
            "code": outcome.code,
            "detail": outcome.detail,
        }
        for number, outcome in enumerate(outcomes, start=1)
    ]
    return {"feed": feed} | {standing.value: counts[standing] for standing in Standing} | {"rows": rows}


@router.get("/feeds")
def all_feeds(visit: ApiSee) -> list[FeedView]:
    """数据来源 — every block of this city and its counts of all days."""
    desk = visit.city.reception
    if desk is None:
        return []
    with visit.look() as sight:
        counts: dict[str, dict[str, int]] = {}
        for one in tally.counts(sight.tx):
            counts.setdefault(one.feed, {})[one.what] = one.count
    return [
        FeedView(
            name=feed.name,
            term=feed.term,
            owner=feed.owner,
            meaning=feed.meaning,
            transport=feed.transport,
            enabled=feed.enabled,
            counts=counts.get(feed.name, {}),
        )
        for feed in desk.feeds.values()
    ]
