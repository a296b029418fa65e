"""What the web tests share: one played night, copies of it, signed-in people, and a browser if there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from shouye.base.access import OPERATOR, Role, User, add_user, csrf_token, sign_in, steady_now
from shouye.doors.web import CityContext, create_app
from shouye.doors.web.assets.build import build
from tests.doors.web.scene import WAITING, copy_of, play_night

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
collect_ignore = [] if CHROMIUM else ["test_browser.py", "test_browser_sizes.py"]

PEOPLE = {
    "viewer": (Role.VIEWER, "dt", ()),
    "duty": (Role.DUTY, "dt", ("dt/city_duty",)),
    "leader": (Role.LEADER, "dt", ("dt/flood_office_director",)),
    "admin": (Role.ADMIN, "dt", ()),
    "lingqiu": (Role.DUTY, "dt-c08", ("dt-c08/county_duty",)),
}


def pytest_configure(config: pytest.Config) -> None:
    if not CHROMIUM and os.environ.get("CI") == "true":
        raise pytest.UsageError("持续集成须有 Chromium：浏览器测试不得跳过")


def pytest_report_header() -> str:
    return (
        f"浏览器测试：{CHROMIUM}"
        if CHROMIUM
        else "没有找到 Chromium，浏览器测试不收集（本机可装 chromium 后再跑）"
    )


class Client:
    """A browser without a screen: asks the application itself and keeps its cookies."""

    def __init__(self, app: FastAPI, base: str = "http://console") -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=base)
        self._thread = ThreadPoolExecutor(1)  # a browser test may have left a loop running in this one

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def request(
        self,
        method: str,
        path: str,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        asked = self._client.request(method, path, data=data, headers=headers)
        return self._thread.submit(asyncio.run, asked).result()

    def send(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """POST as JSON."""
        asked = self._client.request("POST", path, json=body, headers=headers)
        return self._thread.submit(asyncio.run, asked).result()

    def send_bytes(self, path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """POST as it is."""
        asked = self._client.request("POST", path, content=content, headers=headers)
        return self._thread.submit(asyncio.run, asked).result()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, data: Mapping[str, str]) -> httpx.Response:
        return self.request("POST", path, data)


@dataclass(frozen=True)
class Console:
    """A running console and a client for each person."""

    city: CityContext
    tokens: dict[str, str]

    def client(self, person: str = "") -> Client:
        client = Client(create_app(self.city))
        if person:
            client.cookies.set(self.city.cookie, self.tokens[person])
        return client

    def csrf(self, person: str) -> str:
        return csrf_token(self.tokens[person])


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityContext]:
    """The night, for tests that only look."""
    city = play_night(tmp_path_factory.mktemp("night"))
    open_accounts(city)
    yield city
    city.database.close()


def open_accounts(city: CityContext) -> None:
    with city.database.begin() as tx:
        until = steady_now() + timedelta(days=1)
        for login, (role, division, posts) in PEOPLE.items():
            add_user(
                tx,
                OPERATOR,
                login=login,
                name=f"测试{role.word}",
                password="a long enough word",
                role=role,
                division=division,
                posts=posts,
                expires_at=until,
            )


def console_of(city: CityContext) -> Console:
    tokens = {}
    with city.database.begin() as tx:
        for number, (login, (role, division, posts)) in enumerate(PEOPLE.items(), start=1):
            user = User(number, login, f"测试{role.word}", role, division, posts, steady_now(), False)
            tokens[login] = sign_in(tx, user)
    return Console(city, tokens)


@pytest.fixture(scope="session")
def looking(night: CityContext) -> Console:
    """Shared by tests that change nothing."""
    return console_of(night)


@pytest.fixture
def acting(night: CityContext, tmp_path: Path) -> Iterator[Console]:
    """A copy of the night for one test."""
    city = copy_of(night, tmp_path)
    yield console_of(city)
    city.database.close()


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityContext]:
    """The night while three drafts wait."""
    city = play_night(tmp_path_factory.mktemp("waiting"), WAITING)
    open_accounts(city)
    yield city
    city.database.close()


@pytest.fixture
def signing(waiting: CityContext, tmp_path: Path) -> Iterator[Console]:
    """A copy of it for one test."""
    city = copy_of(waiting, tmp_path)
    yield console_of(city)
    city.database.close()


@pytest.fixture(scope="session")
def dump() -> Callable[[CityContext], list[str]]:
    """Everything the database holds, line by line, but for the sessions that a test opens."""

    def lines(city: CityContext) -> list[str]:
        with city.database.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            return [line for line in raw.iterdump() if '"session"' not in line]

    return lines


ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
DESK = ViewportSize(width=1366, height=768)
PHONE = ViewportSize(width=360, height=640)
SMALL_PHONE = ViewportSize(width=320, height=568)
WALL = ViewportSize(width=1920, height=1080)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    build()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def address(acting: Console) -> Iterator[str]:
    """The console of this test's own night."""
    with served(acting) as found:
        yield found


@contextmanager
def served(acting: Console) -> Iterator[str]:
    """Served on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(acting.city), log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        acting.city.tick.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: errors, and whatever the page policy had to forbid."""
    return []


def enter(browser: Browser, acting: Console, address: str, person: str, complaints: list[str]) -> Page:
    context = browser.new_context(viewport=DESK)
    context.add_cookies([{"name": acting.city.cookie, "value": acting.tokens[person], "url": address}])
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page
