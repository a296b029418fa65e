"""健康 — is the program itself well, and whom does it not hear? For a watcher on this machine, or with a key."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from shouye.base import pulse
from shouye.base.access import WHOLE, check_key
from shouye.base.kernel import SEALER, Lanes, Tx, WallClock, dead_jobs, holdings, next_due, unsealed_since
from shouye.doors.web.api import View
from shouye.doors.web.context import CityContext
from shouye.doors.web.security import bearer
from shouye.doors.web.visit import NotSignedIn

router = APIRouter(tags=["健康"])

LOOPBACK = ("127.0.0.1", "::1")
OURSELVES = ("job", "role", "seal", "channel")
"""Voices whose silence means that the program is not well; a silent gauge is somebody else's."""
UNATTENDED_S = 180
"""Three looks missed: nobody listens (proposed)."""


class RoleView(View):
    """进程角色。"""

    role: str
    holder: str
    fence: int
    alive: bool


class QueueView(View):
    """作业排队 — how long the oldest due job has waited; dead ones wait for a person."""

    engine_waits_s: float
    others_wait_s: float
    dead: int


class FeedView(View):
    """数据来源 — the last word from it."""

    name: str
    term: str
    heard_at: datetime | None
    silent_since: datetime | None


class LineView(View):
    """听不到的一行。"""

    kind: str
    feed: str
    county: str
    silent: int
    of: int
    since: datetime
    text: str


class ClockView(View):
    """时钟 — how far the machine's is behind the program's own, and when it was last set by how much."""

    behind_s: float
    stepped_s: int
    stepped_at: datetime | None


class Health(View):
    """健康 — `ok` is about the program; what it does not hear is listed beside it."""

    ok: bool
    now: datetime
    mode: str
    database: str
    roles: list[RoleView]
    queues: QueueView
    clock: ClockView
    unsealed_s: float
    listened_at: datetime | None
    feeds: list[FeedView]
    silent: list[LineView]


@router.get("/health", include_in_schema=False)
def health(request: Request, response: Response) -> Health:
    """Answers 200 when all is well with the program itself, else 503 with the same content."""
    city: CityContext = request.app.state.city
    with city.database.read() as tx:
        _let_in(request, tx)
        found = _look(tx, city)
    response.status_code = HTTPStatus.OK if found.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return found


def _let_in(request: Request, tx: Tx) -> None:
    """No key is asked of this machine itself; behind a proxy everybody looks like it, so there one is."""
    here = request.client is not None and request.client.host in LOOPBACK
    proxied = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip"))
    if here and not proxied:
        return
    key = bearer(request)
    if key is None or check_key(tx, key) is None:
        raise NotSignedIn


def _look(tx: Tx, city: CityContext) -> Health:
    board = pulse.board(tx, WHOLE)
    lines, listened_at = board.lines, board.listened_at
    held = [one for one in holdings(tx) if one.role != SEALER]  # of the sealer `unsealed_s` tells
    roles = [RoleView.model_validate(one, from_attributes=True) for one in held]
    attended = not roles or (listened_at is not None and (tx.now - listened_at).total_seconds() < UNATTENDED_S)
    unwell = [line for line in lines if line.kind in OURSELVES]
    return Health(
        ok=attended and not unwell and all(role.alive for role in roles) and not dead_jobs(tx),
        now=tx.now,
        mode=city.mode.value,
        database="postgresql" if tx.on_postgresql else "sqlite",
        roles=roles,
        queues=QueueView(
            engine_waits_s=_waits(tx, Lanes(only=("engine",))),
            others_wait_s=_waits(tx, Lanes(but=("engine",))),
            dead=len(dead_jobs(tx)),
        ),
        clock=_clock(board, city),
        unsealed_s=_seconds(tx, unsealed_since(tx)),
        listened_at=listened_at,
        feeds=[
            FeedView(
                name=one.voice.name, term=one.voice.term, heard_at=one.voice.heard_at, silent_since=one.silent_at
            )
            for one in pulse.voices(tx, WHOLE, "feed")
        ],
        silent=[
            LineView(
                kind=line.kind,
                feed=line.feed,
                county=line.county,
                silent=len(line.members),
                of=line.of,
                since=line.since,
                text=pulse.say(line),
            )
            for line in lines
        ],
    )


def _clock(board: pulse.Board, city: CityContext) -> ClockView:
    clock = city.database.clock
    behind_s = clock.behind.total_seconds() if isinstance(clock, WallClock) else 0.0
    return ClockView(
        behind_s=round(max(behind_s, 0.0), 3), stepped_s=board.clock_stepped_s, stepped_at=board.clock_stepped_at
    )


def _waits(tx: Tx, lanes: Lanes) -> float:
    return _seconds(tx, next_due(tx, lanes))


def _seconds(tx: Tx, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (tx.now - since).total_seconds())
