"""uvicorn's HTTP/1.1 protocol with limits that uvicorn lacks (docs/adr/0001-http-server.md).

Limited are the size and duration of request heads, the time and memory of unsent responses, and the
number of connections. Each connection checks its own times once a second; `Connections`, which the
lifespan puts into the state, holds the common counts.
"""

import asyncio
import socket
import sys
import time
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.api.admission import EXEMPT
from app.api.problems import Problem
from app.api.rate_limit import client_key
from app.connections import (
    HEADERS,
    MALFORMED,
    TOO_MANY,
    TOO_SLOW,
    Connections,
    final_response,
    head_too_large,
    seconds_in_kernel,
)
from app.telemetry.kit.minimal_scope import route_path
from app.telemetry.kit.requests import RECEIVED

CHECK_SECONDS = 1.0
"""Interval between two checks of a connection's timeouts."""
PART_BYTES = 4096
"""Bytes given to the parser at once: a limit is exceeded by this much at most."""
PIPELINED = 16
"""Pipelined requests of a connection that wait for an earlier response."""
WRITE_RATE = 32_768
"""Bytes per second. A response may take `write_seconds` plus its size divided by this."""
CLOSE = (b"connection", b"close")


class BoundedProtocol(HttpToolsProtocol):
    """One HTTP/1.1 connection with limits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections: Connections = app_state["connections"]
        self._limits = self._connections.limits
        self._client_key = ""
        self.unsent = 0
        self._head_bytes = 0  # fed to the parser since the last head or part of a body
        self._head_due: float | None = None
        self._unread_since: float | None = None
        self._read_at, self._reading_stopped = 0.0, False
        self._responding: RequestResponseCycle | None = None
        self._problem: Problem | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._client_key = client_key(self.client[0]) if self.client else ""
        try:
            if not self._connections.add(self, self._client_key):
                self.app = self._refuse_request
        except ConnectionRefusedError:
            transport.abort()
            return
        if sys.platform == "linux":
            self._socket = transport.get_extra_info("socket")
        self._head_due = self.loop.time() + self._limits.head_seconds
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check_timeouts)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._connections.remove(self, self._client_key)
        super().connection_lost(exc)
        if self._responding is not None:  # uvicorn stops only the last pipelined request
            self._responding.disconnected = True
            self._responding.message_event.set()

    def abort(self) -> None:
        """Close now and discard unsent bytes."""
        self._connections.refused("broken-off", None, None)
        self.transport.abort()

    # Reading

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        if self._head_due is None and self._idle:
            self._head_due = self.loop.time() + self._limits.head_seconds
        self._read_at = time.monotonic()
        for start in range(0, len(data), PART_BYTES):
            if self._reading_stopped or self.transport.is_closing():
                return
            part = data[start : start + PART_BYTES]
            self._head_bytes += len(part)
            super().data_received(part)
            if self._head_bytes > self._limits.head_bytes and not self.transport.is_closing():
                self._refuse(head_too_large(self._limits))
            elif len(self.pipeline) >= PIPELINED and not self.cycle.more_body:
                self.cycle.keep_alive = False  # the rest must be sent again, as RFC 9112 9.3.2 says
                self._reading_stopped = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= HEADERS:
            self._problem = head_too_large(self._limits)
            raise ValueError("too many headers")  # the parser stops; send_400_response follows
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_bytes, self._head_due = 0, None
        at_once = self._idle
        if at_once:  # else a pipelined request, which waits for its client, not for this process
            scope: Any = self.scope
            scope[RECEIVED] = self._read_at, seconds_in_kernel(self._socket)
        super().on_headers_complete()
        if at_once:
            self._responding = self.cycle

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn calls it
        self._refuse(self._problem or MALFORMED)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: no upgrade is supported, and any client can request one."""

    # Writing

    def pause_writing(self) -> None:
        super().pause_writing()
        self._report_unsent()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_since = None
        self._report_unsent()

    def on_response_complete(self) -> None:
        self._responding = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.flow.write_paused:
            self._report_unsent()

    def _report_unsent(self) -> None:
        waiting = self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        self._connections.unsent(self, self._client_key, waiting)

    # Timeouts

    def _check_timeouts(self) -> None:
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check_timeouts)
        now = self.loop.time()
        if self._head_due is not None and self._idle and now >= self._head_due:
            self._head_due = None
            if self._head_bytes:
                self._refuse(TOO_SLOW)
            else:
                self.transport.close()
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since >= self._limits.write_seconds + self.unsent / WRITE_RATE:
            self.abort()

    # Refusing

    def _refuse(self, problem: Problem) -> None:
        """Respond with a problem and close; only close if another response is being sent."""
        self._connections.refused(problem.name, problem.status_code, None)
        if self._responding is None or not self._responding.response_started:
            self.transport.write(final_response(problem))
        self.transport.close()

    async def _refuse_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI application of a connection beyond the limit: 503 for all but the health checks."""
        if route_path(scope) in EXEMPT:
            app: Any = self.config.loaded_app
            await app(scope, receive, send)
        else:
            self._connections.refused(TOO_MANY.name, TOO_MANY.status_code, scope)
            await TOO_MANY.answer(send, [CLOSE])
