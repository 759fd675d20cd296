"""OTLP over HTTP: a real server for the three paths, a thread for each connection."""

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from tests.telemetry.otlp_inbox import SIGNALS, Inbox, Request

PATHS = {f"/v1/{signal}": signal for signal in SIGNALS}
DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
LOOK_ROUND = 0.02
"""Seconds between looks at whether to stop listening."""


@contextmanager
def serving(inbox: Inbox, port: int = 0) -> Iterator[str]:
    """Listens on a port (0: a free one) until the end of the block; yields the endpoint."""
    with _Server(inbox, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(LOOK_ROUND,), name="otlp-http")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()


class _Server(ThreadingTCPServer):
    """Tracks its connections, which clients keep alive, and joins their threads."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, inbox: Inbox, port: int) -> None:
        self.inbox = inbox
        self._connections: set[Any] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Read no more from any connection; what is being answered still is."""
        for connection in list(self._connections):
            with suppress(OSError):  # it may have been closed meanwhile
                connection.shutdown(socket.SHUT_RD)


class _Handler(BaseHTTPRequestHandler):
    """One connection, with one request after another."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client went away
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if self.path not in PATHS:
            self._answer(404)
        elif len(body) == length:
            self._take(DECODERS[self.headers.get("Content-Encoding", "identity")](body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """No log."""

    def _take(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(PATHS[self.path], "http", headers, body)
        answer = self.server.inbox.take(request, self._gone)
        if answer is None:
            self.close_connection = True
        else:
            self._answer(answer.status)

    def _gone(self) -> bool:
        """Whether the client hung up."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _answer(self, status: int) -> None:
        """The empty message, which says that all was accepted, or that there is no more to say."""
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()
