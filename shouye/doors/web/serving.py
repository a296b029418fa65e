"""开台 — the application on a port of this machine, beside the work of the process."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from shouye.base import access
from shouye.base.kernel import BadInput, Mode
from shouye.doors.web.app import STATIC, create_app
from shouye.doors.web.context import CityContext
from shouye.doors.web.patience import PatientProtocol

LOOPBACK = ("127.0.0.1", "::1", "localhost")

MOST_CONNECTIONS = 800
"""Beyond so many a request is answered 503: a process may usually open 1,024 files (proposed)."""


@contextmanager
def console(context: CityContext, host: str, port: int, county: str, say: Callable[[str], None]) -> Iterator[None]:
    """控制台 — served beside the work of the caller; demo users only in Simulation, only on loopback."""
    if not (STATIC / "vendor").is_dir():
        raise BadInput("浏览器资源还没有生成，请先运行 make assets")
    if context.mode is Mode.SIMULATION and host in LOOPBACK:
        with context.database.begin() as tx:
            users = access.open_demo_users(tx, context.roster, context.mode, host, county)
        for user in users:
            say(f"  {user.login:<8} 密码 {user.password}　{user.name}")
    try:
        listener = socket.create_server((host, port))
    except OSError:
        raise BadInput(f"端口 {port} 已被占用，请用 --port 换一个") from None
    # The city stays as long as the process: no later collection need look through it, while pages wait, again.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        create_app(context),
        http=PatientProtocol,
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    say(f"控制台：http://{host}:{listener.getsockname()[1]}/　（Ctrl-C 结束）")
    try:
        yield
    except KeyboardInterrupt:
        say("已停止。")
    finally:
        context.tick.close()
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()
        gc.unfreeze()
