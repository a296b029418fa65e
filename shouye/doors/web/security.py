"""页面安全 — response headers, the size of a request, the form token of whatever changes something."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shouye.base.access import csrf_matches
from shouye.base.kernel import Refusal

SIGN_IN = "/sign-in"
PROVE = "/me/prove"
ANSWER = "/a/"
STATIC = "/static/"
API = "/api/v1"
CSRF_HEADER = "x-csrf-token"
MAX_BODY = 64 * 1024
PUSH = f"{API}/push"
MAX_PUSH = 4 * 1024 * 1024
"""一次推送 — a batch of some ten thousand rows; `proposed`."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class FormExpired(Refusal):
    """页面已失效，请返回刷新后再提交。"""


def form_cookie(cookie: str) -> str:
    """The cookie a sign-in form is bound to, before there is a session."""
    return f"{cookie}_form"


def new_form_secret() -> str:
    return secrets.token_urlsafe(16)


async def guard_form(request: Request) -> None:
    """核对表单令牌 — for every method that may change something.

    Two exceptions: the answer page, where nobody is signed in and the address is itself the secret; and a request
    that shows a key, which no browser sends by itself. The interface takes the token in a header.
    """
    path = request.url.path
    if request.method in SAFE_METHODS or path.startswith(ANSWER):
        return
    if is_api(path):
        session = request.cookies.get(request.app.state.city.cookie, "")
        known = bool(session) and bearer(request) is None  # nobody known: refused further in
        if known and not csrf_matches(session, request.headers.get(CSRF_HEADER, "")):
            raise FormExpired
        return
    cookie = request.app.state.city.cookie
    secret = request.cookies.get(form_cookie(cookie) if path == SIGN_IN else cookie, "")
    given = (await request.form()).get("csrf")
    if not secret or not isinstance(given, str) or not csrf_matches(secret, given):
        raise FormExpired


def bearer(request: Request) -> str | None:
    """The key of `Authorization: Bearer <key>`; None without such a header."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def is_api(path: str) -> bool:
    """Whether a machine reads the answer."""
    return path == API or path.startswith(f"{API}/")


def safe_path(target: str) -> str:
    """Where to go after sign-in: a path of ours, never somebody else's address."""
    parts = urlsplit(target)
    inside = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")
    return target if inside and "\\" not in target else "/"


def content_policy(tile_url: str, style: str = "'self'") -> str:
    """What a page may load: only from here, and map tiles if the city has set their address."""
    tiles = urlsplit(tile_url)
    images = f"'self' data: {tiles.scheme}://{tiles.netloc}" if tiles.netloc else "'self' data:"
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; img-src {images}; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


class Armour:
    """Headers on every response; a body beyond what any form here needs is not read."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caching = "no-cache" if scope["path"].startswith(STATIC) else "no-store"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", self._policy)
                headers.setdefault("Cache-Control", caching)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        most = MAX_PUSH if scope["path"] == PUSH else MAX_BODY
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413)  # the one exception that body parsing lets through as it is
            return message

        await self._app(scope, receive_limited, send_with_headers)
