"""耐心有限 — a connection that does not finish its request is closed, so that slow ones cannot fill the house."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

REQUEST_S = 15.0
"""How long the head of a request may take, from its first byte or the opening of the connection (proposed)."""

SHORT = 0.75
"""Above this part of the connections a server takes, a new one costs the longest waiting its place (proposed)."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to waiting. A body has its own limits, where it is read.

    Whoever is owed no answer (his request unfinished, or none yet) stands in a row, the longest first. When places
    run short the first of them goes; whoever has finished his request is never sent away.
    """

    patience_s = REQUEST_S
    _timer: asyncio.TimerHandle | None = None
    _rows: ClassVar[WeakKeyDictionary[ServerState, dict[PatientProtocol, None]]] = WeakKeyDictionary()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._row = self._rows.setdefault(self.server_state, {})
        self._look()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stand()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._row.pop(self, None)
        super().connection_lost(exc)

    def _look(self) -> None:
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.patience_s, self._give_up)
        self._stand()

    def _stand(self) -> None:
        """In the row while he is owed no answer; a drop more moves nobody back in it."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            self._row.setdefault(self)
        else:
            self._row.pop(self, None)

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) <= self.limit_concurrency * SHORT:
            return
        first = next(iter(self._row))
        if first is not self:
            del self._row[first]
            first.transport.abort()  # at once: what lies unsent to him waits for nobody

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
