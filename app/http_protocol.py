"""uvicorn's HTTP/1.1 protocol with the bounds that uvicorn lacks (docs/adr/0001-http-server.md).

Request heads are bounded in size and time, answers in the time and memory they wait to be read,
connections in number: in all, and of one client. Each connection looks after itself once a second;
what they have in common is in `Connections`, which the lifespan puts in its state.
"""

import asyncio
import errno
import os
import resource
import socket
import struct
import sys
import time
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.api.admission import RECEIVED, UNGUARDED, Refused
from app.api.problems import MEDIA_TYPE, Problem
from app.api.rate_limit import client_key
from app.settings import LimitSettings

CHECK_SECONDS = 1.0
"""How often a connection looks whether it takes too long."""
PART_BYTES = 4096
"""What the parser gets at once, so that no bound is exceeded by much more."""
HEADERS, PIPELINED = 100, 16
"""Headers of a request; requests of a connection that wait for an earlier one's answer."""
WRITE_RATE = 32_768
"""An answer may take `write_seconds`, and one more for each so many bytes (32 kB/s)."""
OVERFLOW = 512
"""Connections beyond the bound that are answered with 503; more are closed at once."""
OTHER_FILES = 256
"""File descriptors for everything but connections."""

CLOSE = (b"connection", b"close")
MALFORMED = Problem(400, "malformed", "Not HTTP", "This is no HTTP/1.1 request.")
TOO_SLOW = Problem(408, "head-timeout", "The request did not come", "Send its head sooner.")
TOO_MANY = Problem(
    503,
    "overloaded",
    "Too many connections",
    "Reuse connections, or try again soon.",
    {"Retry-After": "1"},
)


def head_too_large(limits: LimitSettings) -> Problem:
    """431; never for a browser with a few cookies."""
    most = f"At most {limits.head_bytes} bytes and {HEADERS} headers; send less."
    return Problem(431, "head-too-large", "The request's head is too large", most)


def raise_file_limit(limits: LimitSettings) -> None:
    """Let this process, and its children, open as many files as the connections need, if it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OVERFLOW + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Client:
    """The connections of one client, and the bytes it has not read."""

    __slots__ = ("connections", "unsent")

    def __init__(self) -> None:
        self.connections: set[BoundedProtocol] = set()
        self.unsent = 0


class Connections:
    """The connections of one server process."""

    def __init__(self, limits: LimitSettings, refused: Refused, *, behind_proxy: bool) -> None:
        """`behind_proxy`: connections are those of a proxy, and say nothing of clients."""
        self.limits, self.refused = limits, refused
        self._most_of_one = limits.connections if behind_proxy else limits.client_connections
        self._clients: dict[str, _Client] = {}
        self._count, self._unsent = 0, 0

    def add(self, connection: "BoundedProtocol", client: str) -> bool:
        """Whether it is within the bounds; one that is not may be answered with 503 at most.

        Raises ConnectionRefusedError where there is not even room for that.
        """
        if self._count >= self.limits.connections + OVERFLOW:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        own = self._clients.setdefault(client, _Client())
        fits = self._count < self.limits.connections and len(own.connections) < self._most_of_one
        if not fits and len(own.connections) >= self._most_of_one + OVERFLOW // 4:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        own.connections.add(connection)
        self._count += 1
        return fits

    def remove(self, connection: "BoundedProtocol", client: str) -> None:
        """It is closed; no harm where it was never added."""
        own = self._clients.get(client)
        if own is None or connection not in own.connections:
            return
        self.unsent(connection, client, 0)
        own.connections.remove(connection)
        self._count -= 1
        if not own.connections:
            del self._clients[client]

    def unsent(self, connection: "BoundedProtocol", client: str, count: int) -> None:
        """So many bytes of answers wait to be read. If all together are too many, the client that
        reads least loses the connection with most of them."""
        own = self._clients.get(client)
        if own is None or connection not in own.connections:
            return
        more = count - connection.unsent
        connection.unsent = count
        own.unsent += more
        self._unsent += more
        if more > 0 and self._unsent > self.limits.unsent_bytes:
            worst = max(self._clients.values(), key=lambda each: each.unsent)
            max(worst.connections, key=lambda each: each.unsent).abort()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all: Connections = app_state["connections"]
        self._limits = self._all.limits
        self._client_key = ""
        self.unsent = 0
        self._head_bytes = 0
        """Fed to the parser since the last complete head, or the last part of a body."""
        self._head_due: float | None = None
        self._unread_since: float | None = None
        self._read_at, self._deaf = 0.0, False
        self._answering: RequestResponseCycle | None = None
        self._problem: Problem | None = None
        self._check: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._client_key = client_key(self.client[0]) if self.client else ""
        try:
            if not self._all.add(self, self._client_key):
                self.app = self._refuse_request
        except ConnectionRefusedError:
            self._all.refused(TOO_MANY.name, TOO_MANY.status_code, None)
            transport.abort()
            return
        if sys.platform == "linux":
            self._socket = transport.get_extra_info("socket")
        self._head_due = self.loop.time() + self._limits.head_seconds
        self._check = self.loop.call_later(CHECK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._check is not None:
            self._check.cancel()
        self._all.remove(self, self._client_key)
        super().connection_lost(exc)
        if self._answering is not None:  # uvicorn stops the last request only, not the one in work
            self._answering.disconnected = True
            self._answering.message_event.set()

    def abort(self) -> None:
        """Close it now; what was not sent is lost."""
        self._all.refused("broken-off", None, None)
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
            if self._deaf or self.transport.is_closing():
                return
            part = data[start : start + PART_BYTES]
            self._head_bytes += len(part)
            super().data_received(part)
            if self._head_bytes > self._limits.head_bytes and not self.transport.is_closing():
                self._refuse(head_too_large(self._limits))
            elif len(self.pipeline) >= PIPELINED and not self.cycle.more_body:
                self.cycle.keep_alive = False  # the rest must be sent again, as RFC 9112 9.3.2 says
                self._deaf = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= HEADERS:
            self._problem = head_too_large(self._limits)
            raise ValueError("too many headers")  # the parser stops; send_400_response follows
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_bytes, self._head_due = 0, None
        at_once = self._idle
        if at_once:  # else it waits for an earlier answer to be read, not for this process
            scope: Any = self.scope
            scope[RECEIVED] = self._read_at, _seconds_in_kernel(self._socket)
        super().on_headers_complete()
        if at_once:
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn calls it
        self._refuse(self._problem or MALFORMED)

    def _unsupported_upgrade_warning(self) -> None:
        """No upgrade is supported, and no log line is needed to say so to whoever asks for one."""

    # Writing

    def pause_writing(self) -> None:
        super().pause_writing()
        self._measure()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread_since = None
        self._measure()

    def on_response_complete(self) -> None:
        self._answering = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.flow.write_paused:
            self._measure()

    def _measure(self) -> None:
        waiting = self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        self._all.unsent(self, self._client_key, waiting)

    # Taking too long

    def _look(self) -> None:
        self._check = self.loop.call_later(CHECK_SECONDS, self._look)
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
        """Answer with a problem and close; only close where another answer is being sent."""
        self._all.refused(problem.name, problem.status_code, None)
        if self._answering is None or not self._answering.response_started:
            body = problem.content()
            head = (
                f"HTTP/1.1 {problem.status_code} {HTTPStatus(problem.status_code).phrase}\r\n"
                f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
                "connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    async def _refuse_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application of a connection that is one too many."""
        if scope["path"] in UNGUARDED:
            app: Any = self.config.loaded_app
            await app(scope, receive, send)
        else:
            self._all.refused(TOO_MANY.name, TOO_MANY.status_code, scope)
            await TOO_MANY.answer(send, [CLOSE])


def _seconds_in_kernel(connection: socket.socket | None) -> float:
    """How long ago the connection's last bytes came, as Linux knows it to within 4 ms; else 0.

    https://man7.org/linux/man-pages/man7/tcp.7.html, TCP_INFO: tcpi_last_data_recv
    """
    if connection is None:
        return 0.0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 56)
    except OSError:
        return 0.0
    return float(struct.unpack_from("=I", info, 52)[0]) / 1000
