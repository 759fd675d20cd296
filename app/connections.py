"""Limits on a server process's connections: in number, per client, and in unsent bytes."""

import resource
import socket
import struct
from http import HTTPStatus
from typing import Protocol

from app.api.admission import Refused
from app.api.problems import MEDIA_TYPE, Problem
from app.settings import LimitSettings

HEADERS = 100
"""Maximum number of header fields of a request."""
OVERFLOW = 128
"""Connections beyond the limit that get a 503 response; more are closed at once."""
OTHER_FILES = 256
"""File descriptors reserved for everything but connections."""


MALFORMED = Problem(400, "malformed", "Not HTTP", "This is not a valid HTTP/1.1 request.")
TOO_SLOW = Problem(
    408, "head-timeout", "Request head timeout", "Send the complete request head sooner."
)
TOO_MANY = Problem(
    503,
    "overloaded",
    "Too many connections",
    "Reuse connections, or retry soon.",
    {"Retry-After": "1"},
)


def head_too_large(limits: LimitSettings) -> Problem:
    """The 431 problem."""
    most = f"At most {limits.head_bytes} bytes and {HEADERS} headers are accepted; send less."
    return Problem(431, "head-too-large", "The request's head is too large", most)


def final_response(problem: Problem) -> bytes:
    """The bytes of a complete response with `Connection: close`."""
    body, status = problem.content(), HTTPStatus(problem.status_code)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def seconds_in_kernel(connection: socket.socket | None) -> float:
    """Seconds since the kernel received the connection's last bytes: on Linux, to 4 ms; else 0.

    https://man7.org/linux/man-pages/man7/tcp.7.html, TCP_INFO: tcpi_last_data_recv
    """
    if connection is None:
        return 0.0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 56)
    except OSError:
        return 0.0
    return float(struct.unpack_from("=I", info, 52)[0]) / 1000


def raise_file_limit(limits: LimitSettings) -> None:
    """Raise RLIMIT_NOFILE to what the connections need, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OVERFLOW + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Connection(Protocol):
    """A counted connection; `unsent` is in bytes."""

    unsent: int

    def abort(self) -> None: ...


class _Client:
    """The connections of one client, and their unsent bytes in total."""

    __slots__ = ("connections", "unsent")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.unsent = 0


class Connections:
    """The connections of one server process."""

    def __init__(self, limits: LimitSettings, refused: Refused, *, behind_proxy: bool) -> None:
        """`behind_proxy`: the peers are proxies, so the limit per client does not apply."""
        self.limits, self.refused = limits, refused
        self._most_per_client = limits.connections if behind_proxy else limits.client_connections
        self._clients: dict[str, _Client] = {}
        self.count, self._unsent = 0, 0

    def add(self, connection: Connection, client: str) -> bool:
        """Count a connection. False: it is beyond a limit, answer its requests with 503.

        Raises ConnectionRefusedError beyond OVERFLOW as well: close it.
        """
        own = self._clients.get(client) or _Client()
        total, per_client = self.count, len(own.connections)
        beyond = max(total - self.limits.connections, per_client - self._most_per_client)
        if beyond >= OVERFLOW:
            self.refused(TOO_MANY.name, None, None)
            raise ConnectionRefusedError
        self._clients[client] = own
        own.connections.add(connection)
        self.count += 1
        return beyond < 0

    def remove(self, connection: Connection, client: str) -> None:
        """Uncount a closed connection; no effect if it was never added."""
        own = self._clients.get(client)
        if own is None or connection not in own.connections:
            return
        self.unsent(connection, client, 0)
        own.connections.remove(connection)
        self.count -= 1
        if not own.connections:
            del self._clients[client]

    def unsent(self, connection: Connection, client: str, count: int) -> None:
        """Update a connection's unsent bytes. Beyond `unsent_bytes` in total, abort the largest
        connection of the client with the most unsent bytes."""
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
