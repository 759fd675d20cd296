"""What stands before every handler: bounds on rate, work in flight and bodies."""

import math
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from cachetools import LRUCache
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem
from app.settings import LimitSettings

CLIENTS_KNOWN = 10_000
UNGUARDED = frozenset({"/livez", "/readyz", "/version"})
STREAM = "/documents"
JSON, NDJSON = "application/json", "application/x-ndjson"


class RateLimit:
    """The generic cell rate algorithm: a steady rate, with bursts.

    Two numbers a client, and the clients longest unseen forgotten first, which is why this is not
    a library: those at hand keep every client and run timers.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._interval, self._tolerance = 1 / per_second, burst / per_second
        self._clock = clock
        self._due: MutableMapping[str, float] = LRUCache(CLIENTS_KNOWN)

    def wait(self, client: str) -> float:
        """Count one request; 0 if it may go on, else the seconds until it may."""
        now = self._clock()
        due = max(self._due.get(client, now), now) + self._interval
        if due - now > self._tolerance:
            return due - now - self._tolerance
        self._due[client] = due
        return 0.0


class Guard:
    """ASGI middleware; answers 413, 415, 429 and 503 itself."""

    def __init__(
        self, app: ASGIApp, limits: LimitSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._limits = app, limits
        self._rate = RateLimit(limits.requests_per_second, limits.burst, clock)
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNGUARDED:
            await self._app(scope, receive, send)
            return
        try:
            most = self._admit(scope)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._app(scope, _bounded(receive, most), send)
        finally:
            self._in_flight -= 1

    def _admit(self, scope: Scope) -> int:
        """How many bytes the body may have. Raises Problem."""
        client = scope["client"][0] if scope.get("client") else ""
        if wait := self._rate.wait(client):
            seconds = {"Retry-After": str(math.ceil(wait))}
            told = f"At most {self._limits.requests_per_second:g} requests a second; slow down."
            raise Problem(429, "rate-limited", "Too many requests", told, seconds)
        if self._in_flight >= self._limits.in_flight:
            told = "As much work as allowed is under way; try again in a moment."
            raise Problem(503, "overloaded", "Too busy", told, {"Retry-After": "1"})
        streaming = scope["path"] == STREAM and scope["method"] == "POST"
        most = self._limits.import_bytes if streaming else self._limits.body_bytes
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise _too_large(most)
        if length not in ("", "0") or "transfer-encoding" in headers:
            _check_type(headers, NDJSON if streaming else JSON)
        return most


def _check_type(headers: Headers, wanted: str) -> None:
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != wanted:
        told = f"Send the body as {wanted} (Content-Type was “{sent[:80]}”)."
        raise Problem(415, "media-type", "Wrong content type", told, {"Accept-Post": wanted})


def _too_large(most: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"At most {most} bytes; send less.")


def _bounded(receive: Receive, most: int) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message: dict[str, Any] = dict(await receive())
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return bounded
