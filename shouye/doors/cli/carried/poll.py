"""定时来取 — a web server of this machine: a new document at the plan's rate, with its ETag; unchanged is 304."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from shouye.doors.cli.simulation import LOOPBACK, Carrier, Plan


def _carry(plan: Plan) -> Mapping[str, int]:
    asked: Counter[str] = Counter()
    waiting, lock, begun = plan.messages(), threading.Lock(), time.monotonic()
    held: tuple[int, bytes] = (-1, b"")

    def document() -> bytes:
        """That of this stretch of time."""
        nonlocal held
        number = int((time.monotonic() - begun) * plan.rate)
        with lock:
            if number != held[0]:
                held = (number, next(waiting)[1])
            return held[1]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = document()
            tag = f'"{sha256(content).hexdigest()}"'
            known = self.headers.get("If-None-Match") == tag
            asked["没有更新" if known else "取走"] += 1
            self.send_response(304 if known else 200)
            self.send_header("ETag", tag)
            self.end_headers()
            if not known:
                self.wfile.write(content)

        def log_message(self, *_given: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer((LOOPBACK, plan.here_url(str(plan.feed.option("url")))), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        time.sleep(plan.seconds)
        server.shutdown()
    return asked


CARRIER = Carrier(carry=_carry)
