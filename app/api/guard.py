"""What stands before every handler: bounds on rate, work in flight and bodies."""

import asyncio
import math
import time
from collections.abc import Callable, MutableMapping

from cachetools import LRUCache
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.paths import route_path
from app.api.problems import Problem
from app.settings import LimitSettings

CLIENTS_KNOWN = 10_000
BODY_SECONDS = 10
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
        if scope["type"] != "http" or route_path(scope) in UNGUARDED:
            await self._app(scope, receive, send)
            return
        working = False

        def work() -> None:
            """From here on the request counts as work; waiting for its body does not."""
            nonlocal working
            self._take_place()
            working = True

        try:
            most = self._admit(scope)
            if not most:
                work()
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        try:
            await self._app(scope, _bounded(receive, most, work) if most else receive, send)
        finally:
            self._in_flight -= working

    def _take_place(self) -> None:
        if self._in_flight >= self._limits.in_flight:
            told = "As much work as allowed is under way; try again in a moment."
            raise Problem(503, "overloaded", "Too busy", told, {"Retry-After": "1"})
        self._in_flight += 1

    def _admit(self, scope: Scope) -> int:
        """How many bytes the body may have; 0 where none is announced. Raises Problem."""
        client = scope["client"][0] if scope.get("client") else ""
        if wait := self._rate.wait(client):
            seconds = {"Retry-After": str(math.ceil(wait))}
            told = f"At most {self._limits.requests_per_second:g} requests a second; slow down."
            raise Problem(429, "rate-limited", "Too many requests", told, seconds)
        streaming = route_path(scope) == STREAM and scope["method"] == "POST"
        most = self._limits.import_bytes if streaming else self._limits.body_bytes
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise _too_large(most)
        if length in ("", "0") and "transfer-encoding" not in headers:
            return 0
        _check_type(headers, NDJSON if streaming else JSON)
        return most


def _check_type(headers: Headers, wanted: str) -> None:
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != wanted:
        told = f"Send the body as {wanted} (Content-Type was “{sent[:80]}”)."
        raise Problem(415, "media-type", "Wrong content type", told, {"Accept-Post": wanted})


def _too_large(most: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"At most {most} bytes; send less.")


def _bounded(receive: Receive, most: int, complete: Callable[[], None]) -> Receive:
    """`receive` with a bound on the body's size and on the wait for each part of it."""
    received, whole = 0, False

    async def bounded() -> Message:
        nonlocal received, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await receive()
        except TimeoutError as error:
            told = f"Nothing of the body came for {BODY_SECONDS} seconds; send it again."
            raise Problem(408, "body-timeout", "The body did not come", told) from error
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            whole = True
            complete()
        return message

    return bounded
