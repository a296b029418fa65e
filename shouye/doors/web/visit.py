"""一次来访 — who asks, with what permission, and how a page is drawn for him."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from shouye.base.access import Actor, Permission, check_key, csrf_token, require, session, steady_now, touch
from shouye.base.kernel import Refusal
from shouye.base.proof import require_proof
from shouye.doors.web import words
from shouye.doors.web.context import CityContext
from shouye.doors.web.rail import RAIL
from shouye.doors.web.security import bearer
from shouye.doors.web.sight import Sight, grade
from shouye.doors.web.state import state_line

PAGES = Path(__file__).parent / "pages"


class NotSignedIn(Refusal):
    """请先登录。"""


class KeyRefused(NotSignedIn):
    """密钥不对、已作废或已过期。"""


@dataclass(frozen=True)
class Visit:
    """来访 — the city, the actor, the address he asked for; `token` is his session's, empty for a key."""

    city: CityContext
    actor: Actor
    token: str
    url: str

    @property
    def csrf(self) -> str:
        return csrf_token(self.token)

    @contextmanager
    def look(self) -> Iterator[Sight]:
        """Read: one consistent view, cut to the actor's division."""
        with self.city.database.read() as tx:
            yield Sight(tx, self.city.roster, self.actor.scope)

    @contextmanager
    def act(self) -> Iterator[Sight]:
        """Write: one transaction; open screens hear of it when it has committed."""
        with self.city.database.begin() as tx:
            yield Sight(tx, self.city.roster, self.actor.scope)
        self.city.tick()


KEY_S = timedelta(seconds=5)
"""多久再查一次推送密钥 — a revoked one ends within it; `proposed`. Other keys are looked up each time."""
MOST_KEYS = 1_000


class Need:
    """所需权限 — a route declares it, and without it the route is not reached; None: whoever is known.

    With `keys` a machine's key opens it, too; whoever shows one is judged by it alone, whatever the cookie.
    """

    def __init__(self, permission: Permission | None, *, keys: bool = False) -> None:
        self.permission = permission
        self.keys = keys

    def __call__(self, request: Request) -> Visit | Awaitable[Visit]:
        return self.look(request)

    def look(self, request: Request) -> Visit:
        """Who comes, looked up in the database."""
        city: CityContext = request.app.state.city
        if self.keys and (key := bearer(request)) is not None:
            return self._admit(request, self._known(city, key))
        token = request.cookies.get(city.cookie, "")
        with city.database.read() as tx:
            found = session(tx, token) if token else None
            if found is None:
                raise NotSignedIn
            self._require(found.actor)
            if self.permission is Permission.ISSUE:
                require_proof(tx, found, city.mode)
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if found.touch_due:
            with city.database.begin() as tx:
                touch(tx, token)
        return Visit(city, found.actor, token, url)

    def seen(self, request: Request) -> Visit | None:
        """Who comes, when his key was looked up a moment ago; only where it is used to push."""
        key = bearer(request)
        if key is None or self.permission is not Permission.PUSH:
            return None
        known = request.app.state.city.keys.get(_digest(key))
        return self._admit(request, known[1]) if known and steady_now() - known[0] <= KEY_S else None

    def _known(self, city: CityContext, key: str) -> Actor:
        """Whose key it is."""
        now, shown = steady_now(), _digest(key)
        with city.database.read() as tx:
            actor = check_key(tx, key)
        if actor is None:
            city.keys.pop(shown, None)
            raise KeyRefused
        if len(city.keys) >= MOST_KEYS:
            city.keys.clear()
        city.keys[shown] = (now, actor)
        return actor

    def _admit(self, request: Request, actor: Actor) -> Visit:
        self._require(actor)
        return Visit(request.app.state.city, actor, "", request.url.path)

    def _require(self, actor: Actor) -> None:
        if self.permission is not None:
            require(actor, self.permission)


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


class NeedAtOnce(Need):
    """Whoever pushes hundreds of times a second does not wait for a thread's turn each time."""

    async def __call__(self, request: Request) -> Visit:
        found = self.seen(request)
        return found if found is not None else await asyncio.to_thread(self.look, request)


See = Annotated[Visit, Depends(Need(Permission.SEE))]
Act = Annotated[Visit, Depends(Need(Permission.ACT))]
Issue = Annotated[Visit, Depends(Need(Permission.ISSUE))]

Audit = Annotated[Visit, Depends(Need(Permission.AUDIT))]

ApiKnown = Annotated[Visit, Depends(Need(None, keys=True))]
ApiSee = Annotated[Visit, Depends(Need(Permission.SEE, keys=True))]
ApiAct = Annotated[Visit, Depends(Need(Permission.ACT, keys=True))]
ApiIssue = Annotated[Visit, Depends(Need(Permission.ISSUE, keys=True))]
ApiPush = Annotated[Visit, Depends(NeedAtOnce(Permission.PUSH, keys=True))]
"""接口的来访 — by the cookie of a session or the key of a machine; no key may act or sign."""


@pass_context
def _hm(context: Context, instant: datetime) -> str:
    """02:14 of today; of another day with its date, or an officer takes last year's storm for tonight's."""
    now = context.get("now")
    return words.when(instant, now) if now else words.hm(instant)


@pass_context
def _hms(context: Context, instant: datetime) -> str:
    """02:14:05, as `_hm`."""
    now = context.get("now")
    return words.when(instant, now, seconds=True) if now else words.hms(instant)


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        hm=_hm,
        hms=_hms,
        when=words.when,
        day=words.day,
        span=words.span,
        length_of=words.length,
        ms=words.ms,
        figure=words.figure,
        grouped=words.grouped,
        hidden=words.hidden,
        local=words.local,
        instant=words.instant,
        grade=grade,
    )
    return found


ENVIRONMENT = _environment()


def draw(city: CityContext, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Render a page that needs nobody signed in."""
    page = ENVIRONMENT.get_template(template).render(city=city, now=city.clock.now(), **values)
    return HTMLResponse(page, status)


def render(visit: Visit, sight: Sight, template: str, **values: Any) -> HTMLResponse:
    """Render a page of the console; frame and page are read in one transaction, so they agree."""
    page = ENVIRONMENT.get_template(template).render(
        city=visit.city,
        visit=visit,
        actor=visit.actor,
        may={permission.value: visit.actor.may(permission) for permission in Permission},
        rail=RAIL,
        state=state_line(sight),
        sight=sight,
        now=sight.tx.now,
        **values,
    )
    return HTMLResponse(page)


def back_to(path: str) -> RedirectResponse:
    """After a form: see the result by a GET, so that reloading repeats nothing."""
    return RedirectResponse(path, status_code=303)
