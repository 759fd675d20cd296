"""Limits on request bodies: size, content type and duration."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem
from app.settings import LimitSettings
from app.telemetry.kit.minimal_scope import route_path

BODY_SECONDS, BODY_RATE = 10, 16_384
"""A body may take BODY_SECONDS, plus one second for each BODY_RATE bytes received."""
STREAM = "/documents"
JSON, NDJSON = "application/json", "application/x-ndjson"


class BodyLimits:
    """ASGI middleware that responds with 408, 413 and 415."""

    def __init__(self, app: ASGIApp, limits: LimitSettings) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            most = self._allowed(scope)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, most) if most else receive, send)

    def _allowed(self, scope: Scope) -> int:
        """Maximum size of the body in bytes; 0 if the headers announce none. Raises Problem."""
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
        detail = f"Send the body as {wanted} (Content-Type was “{sent[:80]}”)."
        raise Problem(415, "media-type", "Wrong content type", detail, {"Accept-Post": wanted})


def _too_large(most: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"At most {most} bytes; send less.")


def _bounded(receive: Receive, most: int) -> Receive:
    """`receive` with limits on the body's size and duration."""
    received, complete, start = 0, False, asyncio.get_running_loop().time()

    async def bounded() -> Message:
        nonlocal received, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(start + BODY_SECONDS + received / BODY_RATE):
                message = await receive()
        except TimeoutError as error:
            slow = f"The body took over {BODY_SECONDS} s at under {BODY_RATE} B/s; send it again."
            raise Problem(408, "body-timeout", "Request body timeout", slow) from error
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        complete = not message.get("more_body", False)
        return message

    return bounded
